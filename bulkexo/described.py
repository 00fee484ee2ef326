"""A run as run.json tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bulkexo import __version__
from bulkexo.journal.lines import timestamp
from bulkexo.model import Status

if TYPE_CHECKING:
    from bulkexo.run import Report, Task


def describe(task: Task, report: Report, connection_id: str, state: str) -> dict[str, Any]:
    """A run as run.json tells it."""
    return {
        **task.first,
        "bulkexo": __version__,
        "state": state,
        "reason": report.reason,
        "started": task.first.get("started") or timestamp(report.started),
        "ended": timestamp(report.ended) if report.ended else None,
        "connection_id": connection_id,
        "job": task.job.describe(),
        "options": task.settings,
        **({"profiles": task.profiles} if task.profiles else {}),
        **({"signed_in": report.signed_in} if report.signed_in else {}),
        "counts": counts(report),
    }


def counts(report: Report) -> dict[str, int]:
    """The figures of a run, by the names that results.ndjson uses; sendings are those of this process.
    unwritten: of those that ended, without a line, since the disk did not take it."""
    tally = report.tally
    return {
        "items": report.total,
        "ended": tally.done,
        **{status.value: tally.by_status[status] for status in Status},
        "unwritten": report.unwritten,
        "sent": tally.sent,
        "pages": tally.pages,
        "reads_before": tally.reads,
        "throttled": tally.refused,
        "retried": tally.retried,
    }
