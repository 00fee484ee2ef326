"""Rows that concern the same object by the same cmdlet: found in memory that does not grow with the job.

Of each row 64 bits of a digest are kept, of what it concerns, and its number: in arrays, and beyond so many
in a temporary file. Rows with one digest lie in the same part of it, so that the parts are looked through one
by one. Only where two are the same is the job read once more, to tell of which rows that is. Two objects
named in two ways are two. What is found is a warning: nothing is left out because of it.
"""

from __future__ import annotations

import contextlib
import weakref
from array import array
from collections.abc import Iterable, Iterator
from functools import cache
from tempfile import TemporaryFile
from typing import IO, Final

from bulkexo.facts import twin
from bulkexo.facts.naming import NEW_NAMES
from bulkexo.job.problems import Problems, printable
from bulkexo.model import Item
from bulkexo.wire.cmdlets import verb

PARTS: Final = 64
HELD: Final = 1 << 16
"""Rows that are kept in memory: 800 KB."""
MOST: Final = 50_000
"""Digests that are told of."""
_BITS: Final = (1 << 64) - 1
"""Of Python's own hash of a text, which is keyed anew in each process."""
_SETTLED: Final = frozenset({"set", "remove", "enable", "disable"})
"""Verbs whose Identity says all of what they concern, if no entry or member does."""


class _Part:
    """Digests and rows, in the order in which they came; pieces: those in the file, as offset and count."""

    def __init__(self) -> None:
        self.digests, self.rows = array("Q"), array("Q")
        self.pieces: list[tuple[int, int]] = []


class Digests:
    """Digests with the rows they are of. held: how many are kept in memory."""

    def __init__(self, held: int = HELD) -> None:
        self._parts = [_Part() for _ in range(PARTS)]
        self._limit = held
        self._room = held
        self._file: IO[bytes] | None = None

    def add(self, digest: int, row: int) -> None:
        """One more. digest: 64 bits; row: from 1. A disk that is full leaves out what it does not take."""
        part = self._parts[digest % PARTS]
        part.digests.append(digest)
        part.rows.append(row)
        self._room -= 1
        if not self._room:
            self._room = self._limit
            with contextlib.suppress(OSError):
                self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = TemporaryFile(prefix="bulkexo-")  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        for part in self._parts:
            offset = self._file.tell()
            digests, rows = part.digests, part.rows
            part.digests, part.rows = array("Q"), array("Q")
            digests.tofile(self._file)
            rows.tofile(self._file)
            part.pieces.append((offset, len(digests)))

    def twice(self) -> dict[int, int]:
        """Digests of several rows, and the first row of each."""
        found: dict[int, int] = {}
        for part in self._parts:
            first: dict[int, int] = {}
            for digest, row in self._all(part):
                if first.setdefault(digest, row) != row and len(found) < MOST:
                    found[digest] = first[digest]
        return found

    def _all(self, part: _Part) -> Iterator[tuple[int, int]]:
        for offset, count in part.pieces:
            digests, rows = array("Q"), array("Q")
            if self._file is not None:
                self._file.seek(offset)
                digests.fromfile(self._file, count)
                rows.fromfile(self._file, count)
            yield from zip(digests, rows, strict=True)
        yield from zip(part.digests, part.rows, strict=True)


class Twice:
    """Tells, of each cmdlet, the first row that concerns what an earlier row does, and how many do."""

    def __init__(self) -> None:
        self._digests = Digests()

    def see(self, item: Item) -> None:
        """The next item of the job."""
        if item.identity and (digest := _digest(item)) is not None:
            self._digests.add(digest, item.row)

    def tell(self, name: str, problems: Problems, again: Iterable[Item]) -> None:
        """What was found, as warnings. name: of the job's file. again: its items, read only where there is
        something to tell."""
        first = self._digests.twice()
        found: dict[str, tuple[Item, int]] = {}
        counts: dict[str, int] = {}
        for item in again if first else ():
            earlier = first.get(_digest(item) or 0, item.row) if item.identity else item.row
            if earlier != item.row:
                counts[item.cmdlet] = counts.get(item.cmdlet, 0) + 1
                found.setdefault(item.cmdlet, (item, earlier))
        for cmdlet, (item, earlier) in found.items():
            more = counts[cmdlet] - 1
            others = f" There are {more:,} more such rows." if more else ""
            what = f"{cmdlet} concerns {printable(item.identity)!r}, as row {earlier:,} does. Both are sent."
            problems.warn(("twice", cmdlet), f"{name}, row {item.row:,}: {what}{others}")


def _digest(item: Item) -> int | None:
    """64 bits of what an item concerns; None if two may well concern the same."""
    entry = _entry(item.cmdlet)
    if entry is None:
        return None
    if not entry:
        return hash((item.tenant, item.cmdlet, item.identity.casefold())) & _BITS
    parts = [item.tenant, item.cmdlet, item.identity.casefold()]
    for name in entry:
        if name in item.secrets:
            return None
        value = item.parameters.get(name)
        parts.append("" if value is None else repr(value).casefold())
    return hash(tuple(parts)) & _BITS


@cache
def _entry(cmdlet: str) -> tuple[str, ...] | None:
    """The parameters that say, besides the identity, what a cmdlet concerns; None for a cmdlet of which two
    may well concern the same: reads, and what nobody knows."""
    word = verb(cmdlet)
    if word == "new":
        return ("Mailbox", *NEW_NAMES, "Alias", "DisplayName")
    if word == "get" or (shows := twin(cmdlet)) is None:
        return () if word in _SETTLED else None
    more = (shows.entry,) if shows.entry and word != "update" else ()
    return tuple(dict.fromkeys((*more, *shows.also.values())))
