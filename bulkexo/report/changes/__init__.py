"""What changed between two runs of a report: objects that came, that went, and whose values are others."""

from bulkexo.report.changes.comparing import FILE, Changes, compare_runs
from bulkexo.report.changes.differences import Wanted, names_of, share_of
from bulkexo.report.changes.earlier import LATEST, earlier_run, whole_run

__all__ = [
    "FILE",
    "LATEST",
    "Changes",
    "Wanted",
    "compare_runs",
    "earlier_run",
    "names_of",
    "share_of",
    "whole_run",
]
