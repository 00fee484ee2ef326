"""Rows that concern the same object by the same cmdlet: found in memory that does not grow with the job.

Of each row 64 bits of a digest are kept, of what it concerns: in arrays, and beyond so many in a temporary
file. Rows with one digest lie in the same part of it, so that the parts are looked through one by one. Only
where two are the same is the job read once more, to tell of which rows that is. Two objects named in two ways
are two. What is found is a warning: nothing is left out because of it.
"""

from __future__ import annotations

import contextlib
import weakref
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, islice, repeat
from tempfile import TemporaryFile
from typing import IO, Any, Final

from bulkexo.facts import twin
from bulkexo.facts.naming import NEW_NAMES
from bulkexo.job.problems import Problems, printable
from bulkexo.job.several import Part, Several
from bulkexo.job.template import OMIT
from bulkexo.model import Item
from bulkexo.wire.cmdlets import verb

PARTS: Final = 64
HELD: Final = 1 << 16
"""Rows that are kept in memory: 500 KB."""
MOST: Final = 50_000
"""Digests that are told of."""
_SETTLED: Final = frozenset({"set", "remove", "enable", "disable"})
"""Verbs whose Identity says all of what they concern, if no entry or member does."""


class Digests:
    """Digests in parts, by their last bits. held: how many are kept in memory.

    A digest is Python's own hash of a tuple of texts: 64 bits with a sign, keyed anew in each process.
    """

    def __init__(self, held: int = HELD) -> None:
        self._parts = [array("q") for _ in range(PARTS)]
        self._adds = [part.append for part in self._parts]
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in range(PARTS)]
        self._held = self._room = held
        self._file: IO[bytes] | None = None

    def extend(self, digests: Sequence[int]) -> None:
        """Some more. What a full disk does not take stays in memory."""
        adds = self._adds
        for digest in digests:
            adds[digest % PARTS](digest)
        self._room -= len(digests)
        if self._room <= 0:
            self._room = self._held
            with contextlib.suppress(OSError):
                self._spill()

    def _spill(self) -> None:
        """Write the parts to the file, and note where each stands there, and how many digests it has."""
        if self._file is None:
            self._file = TemporaryFile(prefix="bulkexo-")  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        written = []
        for part in self._parts:
            written.append((self._file.tell(), len(part)))
            part.tofile(self._file)
        self._file.flush()
        for part, pieces, piece in zip(self._parts, self._pieces, written, strict=True):
            pieces.append(piece)
            del part[:]

    def twice(self) -> set[int]:
        """Those that were added more than once."""
        found: set[int] = set()
        for number in range(PARTS):
            whole = self._whole(number)
            if len(set(whole)) < len(whole):
                several = (digest for digest, count in Counter(whole).items() if count > 1)
                found.update(islice(several, MOST - len(found)))
        return found

    def _whole(self, number: int) -> array[int]:
        whole = self._parts[number][:]
        if self._file is not None:
            with contextlib.suppress(OSError, EOFError):
                for offset, count in self._pieces[number]:
                    self._file.seek(offset)
                    whole.fromfile(self._file, count)
        return whole


class Twice:
    """Tells, of each cmdlet, the first row that concerns what an earlier row does, and how many do."""

    def __init__(self) -> None:
        self._digests = Digests()
        self._row = 0
        self._of_row: set[int] = set()

    def see(self, item: Item) -> None:
        """The next item of the job. Two of the same row are none that are told of."""
        if item.row != self._row:
            self._row = item.row
            self._of_row.clear()
        digest = _digest(item) if item.identity else None
        if digest is not None and digest not in self._of_row:
            self._of_row.add(digest)
            self._digests.extend((digest,))

    def see_all(self, items: Several) -> None:
        """The next items, of a block of rows."""
        parts = (_digests(part, items.tenants) for part in items.parts if part.named)
        found = [digests for digests in parts if digests is not None]
        by_row = map(set, zip(*found, strict=True))
        self._digests.extend(found[0] if len(found) == 1 else list(chain.from_iterable(by_row)))

    def tell(self, name: str, problems: Problems, again: Iterable[Item]) -> None:
        """What was found, as warnings. name: of the job's file. again: its items, read only where there is
        something to tell."""
        several = self._digests.twice()
        first: dict[int, int] = {}
        found: dict[str, tuple[Item, int]] = {}
        counts: dict[str, int] = {}
        for item in again if several else ():
            digest = _digest(item) if item.identity else None
            if digest is None or digest not in several:
                continue
            if (earlier := first.setdefault(digest, item.row)) != item.row:
                counts[item.cmdlet] = counts.get(item.cmdlet, 0) + 1
                found.setdefault(item.cmdlet, (item, earlier))
        for cmdlet, (item, earlier) in found.items():
            more = counts[cmdlet] - 1
            others = f" There are {more:,} more such rows." if more else ""
            what = f"{cmdlet} concerns {printable(item.identity)!r}, as row {earlier:,} does. Both are sent."
            problems.warn(("twice", cmdlet), f"{name}, row {item.row:,}: {what}{others}")


def _digest(item: Item) -> int | None:
    """Of what an item concerns; None if two may well concern the same."""
    entry = _entry(item.cmdlet)
    if entry is None or not item.secrets.isdisjoint(entry):
        return None
    more = (_folded(item.parameters.get(name)) for name in entry)
    return hash((item.tenant, item.cmdlet, item.identity.casefold(), *more))


def _digests(part: Part, tenants: Sequence[str]) -> list[int] | None:
    """The same of all items of a step."""
    step = part.step
    entry = _entry(step.cmdlet)
    if entry is None or not step.secrets.isdisjoint(entry):
        return None
    given = part.columns
    more = (map(_folded, given[name].values) if name in given else repeat("") for name in entry)
    return list(map(hash, zip(tenants, repeat(step.cmdlet), map(str.casefold, part.identities), *more)))


def _folded(value: Any) -> str:
    return "" if value is None or value is OMIT else repr(value).casefold()


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
