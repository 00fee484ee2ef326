"""What changed between two runs of a report: objects that came, that went, and whose values are others."""

from bulkexo.report.changes.comparing import FILE, Changes, compare_runs
from bulkexo.report.changes.differences import Wanted
from bulkexo.report.changes.earlier import earlier_run, whole_run

__all__ = [
    "FILE",
    "Changes",
    "Wanted",
    "compare_runs",
    "earlier_run",
    "whole_run",
]
