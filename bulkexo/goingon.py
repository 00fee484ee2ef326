"""What a run that is gone on with has left, and whether its job is what it was. Floor 4, beside run.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bulkexo.job import Checked, Job
from bulkexo.journal import Past, RunFolder
from bulkexo.journal.past import recall, recall_by_key, recall_first


def changed(first: Mapping[str, Any], job: Job) -> list[str]:
    """The files of the job, a checked one, that are not what they were when the run last began. first:
    run.json as it was."""
    now = _digests(job.describe())
    return [name for name, digest in _digests(first["job"]).items() if now.get(name) != digest]


def asked(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of a job in run.json that were, or are still to be, asked of a tenant."""
    rows = job.get("rows") or []
    return [each for each in (rows if isinstance(rows, list) else [rows]) if "asked" in each]


def past_of(folder: RunFolder, first: Mapping[str, Any], job: Job, checked: Checked) -> Past:
    """What the run has done; by keys once its job was changed, since its lines number the rows of both.
    Raises UsageError."""
    items = checked.items
    if first.get("input_changed"):
        return recall_by_key(folder, items, job.steps, job.items)
    past = recall(folder, items, job.steps)
    past.first = recall_first(folder, items, job.steps)
    return past


def _digests(job: Mapping[str, Any]) -> dict[str, str]:
    """The checksums of the files that a job in run.json is made of, and of the rows that it was answered."""
    answers = {each["path"]: each["sha256"] for each in asked(job) if each["sha256"]}
    return {**job.get("inputs", {}), **answers}
