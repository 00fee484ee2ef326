"""From a run's folder a job that puts back what the run has changed, the last first. Reads files, writes two.

Memory does not grow with what the lines hold: the results are read backwards, and of what was kept before
each item only the place in its file is known.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from bulkexo.journal import RunFolder
from bulkexo.journal.backwards import backwards
from bulkexo.journal.formers import Kept
from bulkexo.journal.lines import packed, sound
from bulkexo.model import UsageError
from bulkexo.report.undoing import Undone, undo
from bulkexo.whole import whole_text

LEFT_COLUMNS = ("Row", "Step", "Cmdlet", "Identity", "Parameter", "Why")
CUT_SHORT = "the run ended before its answer came: it may have taken effect. Resume the run first"


@dataclass(slots=True)
class Summary:
    """What was made. lines: of the job, by cmdlet. items: of the run that they undo. left: what is not put
    back, by why. ordered: whether the lines depend on one another."""

    items: int = 0
    lines: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    ordered: bool = False

    def note(self, undone: Undone) -> None:
        """Count what undoes an item, and what does not."""
        self.lines.update(str(each["cmdlet"]) for each in undone.lines)
        self.items += bool(undone.lines)
        self.ordered = self.ordered or undone.ordered
        self.left.update(why for _, why in undone.left)


def foresee(folder: RunFolder) -> Summary:
    """What undoing a run would come to, with nothing written; of what it has made, nothing is removed. Raises
    UsageError if a file cannot be read."""
    kept = Kept(folder.before, renumbered=bool(folder.read().get("input_changed")))
    summary = Summary()
    try:
        for _, undone in _undone(folder, kept, created=False):
            summary.note(undone)
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder.path} cannot be read ({error.strerror}). Check who may read it."
        ) from None
    return summary


def write_undo(folder: RunFolder, job: Path, left_out: Path, *, created: bool) -> Summary:
    """Write the job, and the list of what it does not put back (none if that is nothing). created: whether
    what the run has made is removed. Raises UsageError if a file is there already, or cannot be read or
    written."""
    first = folder.read()
    for path in (job, left_out):
        if path.exists():
            raise UsageError(f"{path} is there already. Delete it, or give another file with --out.")
    kept = Kept(folder.before, renumbered=bool(first.get("input_changed")))
    summary = Summary()
    try:
        with whole_text(job) as lines, whole_text(left_out, "utf-8-sig") as left:
            table = csv.writer(left)
            table.writerow(LEFT_COLUMNS)
            for line, undone in _undone(folder, kept, created=created):
                _take(line, undone, lines, table)
                summary.note(undone)
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder.path} cannot be read or written ({error.strerror}). "
            "Check who may, and whether there is room."
        ) from None
    if not summary.left:
        left_out.unlink()
    if not summary.lines:
        job.unlink()
    return summary


def _undone(folder: RunFolder, kept: Kept, *, created: bool) -> Iterator[tuple[Mapping[str, Any], Undone]]:
    """Each item and what undoes it, the last that ended first; then those that never ended."""
    if folder.results.exists():
        for line in backwards(folder.results):
            yield line, undo(line, kept.of(line), created=created)
    for line in kept.rest():
        yield line, Undone(left=[("", CUT_SHORT)])


def _take(line: Mapping[str, Any], undone: Undone, lines: TextIO, left: Any) -> None:
    for each in undone.lines:
        lines.write(packed(each).decode())
    for name, why in undone.left:
        place = [str(line.get(each, "")) for each in ("row", "step", "cmdlet", "identity")]
        left.writerow([sound(text) for text in (*place, name, why)])
