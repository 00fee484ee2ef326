"""Rows that concern the same object by the same cmdlet: found in one pass, in memory that has a ceiling.

A row is twelve bytes in a hash table: 64 bits of a digest of what it concerns, and its number. So a million
rows take 25 MB, and the table never more; of 1.5 million objects on, further ones are not taken in, only
set against those that are. Two objects named in two ways are two. What is found is a warning: nothing is left
out because of it.
"""

from __future__ import annotations

from array import array
from functools import cache
from typing import Final

from bulkexo.facts import twin
from bulkexo.facts.naming import NEW_NAMES
from bulkexo.job.problems import Problems, printable
from bulkexo.model import Item
from bulkexo.wire.cmdlets import verb

SMALLEST: Final = 1 << 12
LARGEST: Final = 1 << 21
"""Slots of the table at first, and at most."""
_BITS: Final = (1 << 64) - 1
"""Of Python's own hash of a text, which is keyed anew in each process."""
_MOST_ROWS: Final = (1 << 32) - 1
_SETTLED: Final = frozenset({"set", "remove", "enable", "disable"})
"""Verbs whose Identity says all of what they concern, if no entry or member does."""


class Seen:
    """The first row of each digest. limit: slots at most, a power of two."""

    def __init__(self, limit: int = LARGEST) -> None:
        self._limit = limit
        self._used = 0
        self._clear(min(SMALLEST, limit))

    def first(self, digest: int, row: int) -> int:
        """The row that had this digest first; this row itself if none had. digest: 64 bits; row: from 1."""
        slot = self._find(digest)
        if self._rows[slot]:
            return self._rows[slot]
        if self._used * 4 >= len(self._rows) * 3:
            if len(self._rows) >= self._limit:
                return row
            self._grow()
            slot = self._find(digest)
        self._digests[slot], self._rows[slot] = digest, min(row, _MOST_ROWS)
        self._used += 1
        return row

    def _clear(self, slots: int) -> None:
        self._digests, self._rows = array("Q", bytes(8 * slots)), array("I", bytes(4 * slots))

    def _find(self, digest: int) -> int:
        """The slot of a digest, or the free one that it would take: its row is 0."""
        rows, digests = self._rows, self._digests
        mask = len(rows) - 1
        slot = digest & mask
        while rows[slot] and digests[slot] != digest:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        digests, rows = self._digests, self._rows
        self._clear(2 * len(rows))
        for digest, row in zip(digests, rows, strict=True):
            if row:
                slot = self._find(digest)
                self._digests[slot], self._rows[slot] = digest, row


class Twice:
    """Tells, of each cmdlet, the first row that concerns what an earlier row does, and how many do."""

    def __init__(self) -> None:
        self._seen = Seen()
        self._found: dict[str, tuple[Item, int]] = {}
        self._counts: dict[str, int] = {}

    def see(self, item: Item) -> None:
        """The next item of the job."""
        if not item.identity:
            return
        entry = _entry(item.cmdlet)
        if entry is None:
            return
        parts = [item.tenant, item.cmdlet, item.identity.casefold()]
        for name in entry:
            if name in item.secrets:
                return
            value = item.parameters.get(name)
            parts.append("" if value is None else repr(value).casefold())
        first = self._seen.first(hash(tuple(parts)) & _BITS, item.row)
        if first != item.row:
            self._counts[item.cmdlet] = self._counts.get(item.cmdlet, 0) + 1
            self._found.setdefault(item.cmdlet, (item, first))

    def tell(self, name: str, problems: Problems) -> None:
        """What was found, as warnings. name: of the job's file."""
        for cmdlet, (item, first) in self._found.items():
            more = self._counts[cmdlet] - 1
            others = f" There are {more:,} more such rows." if more else ""
            what = f"{cmdlet} concerns {printable(item.identity)!r}, as row {first:,} does. Both are sent."
            problems.warn(("twice", cmdlet), f"{name}, row {item.row:,}: {what}{others}")


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
