"""before.ndjson read back: the line of an item, found by its place in the file."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from bulkexo.journal.past import Lines
from bulkexo.model import UsageError

ABSENT = 0
"""In the place of an offset, which is kept with one added to it."""

Found = dict[str, Any]


class Kept:
    """What there was before the items of a run. Memory: an offset of eight bytes and a byte for each item.

    renumbered: the run went on with a job that had changed, so that items are known by their keys alone; then
    it keeps a few hundred bytes of each.
    Raises UsageError if the file was damaged.
    """

    def __init__(self, path: Path, *, renumbered: bool = False) -> None:
        self._path = path
        self._width = 1
        self._by_key: dict[str, int] | None = {} if renumbered else None
        rows = 0
        for line, _ in Lines(path):
            row, step, _ = _name(line)
            rows, self._width = max(rows, row), max(self._width, step)
        self._offsets = array("Q", bytes(8 * rows * self._width))
        self._asked = bytearray(rows * self._width)
        for line, offset in Lines(path):
            self._note(*_name(line), offset)

    def _note(self, row: int, step: int, key: str, offset: int) -> None:
        """The first line of an item is the truth: it was written before the item was first sent."""
        if self._by_key is not None:
            self._by_key.setdefault(key, offset)
        place = self._place(row, step)
        if self._offsets[place] == ABSENT:
            self._offsets[place] = offset + 1

    def of(self, line: Mapping[str, Any]) -> Found | None:
        """That of the item of a line of the results; None if nothing was kept of it."""
        row, step, key = _name(line)
        place = self._place(row, step)
        if 0 <= place < len(self._asked):
            self._asked[place] = 1
            if self._offsets[place] != ABSENT:
                found = self._read(self._offsets[place] - 1)
                if found.get("key") == key:
                    return found
        if self._by_key is not None and key in self._by_key:
            return self._read(self._by_key[key])
        return None

    def rest(self) -> Iterator[Found]:
        """Those of the items that were not asked for: the run ended before they did. None where the items are
        known by their keys alone."""
        for line, _ in Lines(self._path) if self._by_key is None else ():
            row, step, _ = _name(line)
            if not self._asked[self._place(row, step)]:
                self._asked[self._place(row, step)] = 1
                yield line

    def _place(self, row: int, step: int) -> int:
        return (row - 1) * self._width + step - 1 if row >= 1 <= step <= self._width else -1

    def _read(self, offset: int) -> Found:
        with self._path.open("rb") as file:
            file.seek(offset)
            found = orjson.loads(file.readline())
        if not isinstance(found, dict):
            raise UsageError(f"{self._path} was damaged (at byte {offset}). Restore it from a copy.")
        return found


def _name(line: Mapping[str, Any]) -> tuple[int, int, str]:
    try:
        return int(line["row"]), int(line["step"]), str(line["key"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise UsageError(
            "The files of this run hold a line that names no item. Restore them from a copy."
        ) from None
