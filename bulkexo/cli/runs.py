"""`bulkexo resume` and `bulkexo retry`: runs that start from an earlier one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bulkexo.cli.jobs import run_options, start
from bulkexo.journal import Past, RunFolder
from bulkexo.journal.files import rewrite_failed
from bulkexo.journal.lock import lock
from bulkexo.journal.past import TROUBLE, recall, recall_by_key
from bulkexo.model import JobError, Problem, Status, UsageError
from bulkexo.options import Options, resolve
from bulkexo.run import Task


@click.command()
@run_options("run", "RUN")
@click.option("--accept-changed-input", is_flag=True, help="Go on though the job's files have changed, row by row.")
def resume(run: Path, accept_changed_input: bool, **given: Any) -> int:
    """Go on with a run that stopped; RUN is its folder.

    Example:  bulkexo resume runs/mailboxes-20261124T093000.123Z

    What has ended is not sent again. What was in flight is settled: sent again where that is harmless, else
    looked for, else reported as unknown. Options are those of the run; given here, they override.
    """
    folder = RunFolder(run)
    first = folder.read()
    with lock(run):
        job, checked, options, settings = _job_of(first, given, accept_changed=accept_changed_input)
        if accept_changed_input:
            past = recall_by_key(folder, checked.items, job.steps, job.items)
        else:
            past = recall(folder, checked.items, job.steps)
        if folder.chosen.exists():
            past.chosen = folder.chosen.read_bytes()
        _tell(past)
        try:
            rewrite_failed(folder, past, job.items(), job.columns, job.secret_columns)
        except OSError as error:
            raise UsageError(f"{folder.failed} cannot be written ({error.strerror}).") from None
        task = Task(job, checked, options, folder, settings, past, resumed=True, first=first)
        return start(task, job.path)


@click.command()
@run_options("run", "RUN")
def retry(run: Path, **given: Any) -> int:
    """A new run of the items that failed in RUN, or whose fate is unknown, from the original rows.

    Example:  bulkexo retry runs/mailboxes-20261124T093000.123Z

    Later steps that were skipped for them go along. RUN itself stays as it is.
    """
    source = RunFolder(run)
    first = source.read()
    with lock(run):
        job, checked, options, settings = _job_of(first, given, accept_changed=False)
        past = recall(source, checked.items, job.steps)
        chosen = bytes(_again(past))
        count = len(chosen) - chosen.count(0)
        if not count:
            click.echo(f"Nothing failed in {run}: there is nothing to run again.", err=True)
            return 0
        again = Past(checked.items, job.steps)
        again.chosen = chosen
        for place, code in enumerate(past.codes):
            if code == TROUBLE[1]:
                again.announced(place)
    task = Task(job, checked, options, RunFolder(Path()), settings, again)
    return start(task, job.path, again_of=run)


def _again(past: Past) -> bytearray:
    """A byte for each item: 1 for those to be run again."""
    table = bytes(1 if code and code in (*TROUBLE, _SKIPPED) else 0 for code in range(256))
    return past.codes.translate(table)


_SKIPPED = list(Status).index(Status.SKIPPED) + 1
