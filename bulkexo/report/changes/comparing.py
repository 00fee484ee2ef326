"""Two runs of a report, and what changed from one to the other: changes.ndjson, and the first lines of it.

What an item did not return because it failed says nothing of what there is: its objects are left out of both
runs. What a rule of the job left out is not there.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from bulkexo.journal import RunFolder
from bulkexo.journal.returned import Returned
from bulkexo.model import StoppedError, UsageError
from bulkexo.report.changes.differences import Known, Wanted, columns_of, differences, known
from bulkexo.report.changes.earlier import unlike
from bulkexo.report.changes.store import Kept, Store
from bulkexo.whole import whole

FILE: Final = "changes.ndjson"
SHOWN: Final = 20
"""Changes that are kept to be shown."""


@dataclass(slots=True)
class Changes:
    """What was found. earlier: the run that was compared with. file: with a line for each change. objects: of
    the later run that were compared. left_out: items that failed in one of the two runs. strange: why the two
    are unlike, a sentence, "" if they are not. first: some lines of the file."""

    earlier: Path
    file: Path
    came: int = 0
    went: int = 0
    changed: int = 0
    objects: int = 0
    left_out: int = 0
    strange: str = ""
    first: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All changes."""
        return self.came + self.went + self.changed

    def as_object(self) -> dict[str, Any]:
        """The counts, for `--json`."""
        return {
            "with": str(self.earlier),
            "file": str(self.file),
            "came": self.came,
            "went": self.went,
            "changed": self.changed,
            "objects": self.objects,
            "not_compared": self.left_out,
        }


def compare_runs(later: RunFolder, earlier: RunFolder, wanted: Wanted) -> Changes:
    """Compare two complete runs and write the changes to a file in the later one's folder. Raises UsageError
    if one cannot be read, StoppedError if the file cannot be written."""
    changes = Changes(earlier.path, later.path / FILE, strange=unlike(earlier.read(), later.read()))
    try:
        _compare(later, earlier, wanted, changes)
    except sqlite3.Error as error:
        raise StoppedError(
            f"The comparison needs room for a temporary file of about the size of both reports ({error}). "
            "Make room where TMPDIR leads, or set it."
        ) from None
    return changes


def _compare(later: RunFolder, earlier: RunFolder, wanted: Wanted, changes: Changes) -> None:
    with Store() as store:
        for side, folder in (("before", earlier), ("after", later)):
            _fill(store, side, folder, wanted)
        changes.left_out = store.join()
        changes.objects = store.count("after")
        try:
            with whole(changes.file) as file:
                _write(store, wanted, changes, file)
        except OSError as error:
            raise StoppedError(
                f"{changes.file} cannot be written ({error.strerror}). Make room, or close it where it "
                "is open."
            ) from None


def _fill(store: Store, side: str, folder: RunFolder, wanted: Wanted) -> None:
    first = folder.read()
    labels = _labels(first)
    returned = Returned(folder)
    ignored = wanted.ignored()

    def objects() -> Iterator[tuple[str, str, Known, Kept]]:
        for line, value in returned.objects():
            columns = columns_of(value)
            by = known(columns)
            member = {by.name: columns[by.name]} if by.name else None
            if ignored is not None:
                columns = {name: each for name, each in columns.items() if not ignored.match(name)}
            label = _label(line, labels)
            kept = Kept(line["cmdlet"], line["identity"], line.get("tenant", ""), member, columns)
            yield _item(line, label), label, by, kept

    store.fill(side, objects())
    if lost := returned.lost(first):  # what it lacks would seem to have come, or gone
        raise UsageError(lost)
    store.failed(side, (_item(line, _label(line, labels)) for line in returned.troubled()))


def _labels(first: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of each step of the job: its cmdlet, and what it is known by, which is this and how many of the same
    come before it: so the steps of a job can be added to."""
    found: list[tuple[str, str]] = []
    seen: Counter[str] = Counter()
    for step in (first.get("job") or {}).get("steps") or ():
        name = str(step.get("cmdlet") or "").lower()
        found.append((name, f"{name} {seen[name]}"))
        seen[name] += 1
    return found


def _label(line: Mapping[str, Any], labels: list[tuple[str, str]]) -> str:
    name, number = str(line["cmdlet"]).lower(), int(line["step"]) - 1
    if number < len(labels) and labels[number][0] == name:
        return labels[number][1]
    return f"{name} 0"


def _item(line: Mapping[str, Any], label: str) -> str:
    """What is the same for an item in both runs."""
    return f"{line.get('tenant', '').casefold()}\n{line['identity'].casefold()}\n{label}"


def _write(store: Store, wanted: Wanted, changes: Changes, file: BinaryIO) -> None:
    for each in store.alone("before"):
        changes.went += 1
        _line("went", each, {"values": each.columns}, changes, file)
    for each in store.alone("after"):
        changes.came += 1
        _line("came", each, {"values": each.columns}, changes, file)
    for before, after in store.pairs():
        if found := differences(before.columns, after.columns, wanted.share):
            changes.changed += 1
            _line("changed", after, {"columns": found}, changes, file)


def _line(change: str, kept: Kept, more: dict[str, Any], changes: Changes, file: BinaryIO) -> None:
    line: dict[str, Any] = {"change": change, "cmdlet": kept.cmdlet, "identity": kept.identity}
    if kept.tenant:
        line["tenant"] = kept.tenant
    if kept.known:
        line["key"] = kept.known
    line |= more
    if len(changes.first) < SHOWN:
        changes.first.append(line)
    file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
