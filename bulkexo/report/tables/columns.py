"""The columns of a table: found out in a first pass over all rows, which keeps statistics only. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, Final

from bulkexo.report.tables.flat import unused
from bulkexo.report.tables.values import Seen, of, of_text, size, span

LIMIT: Final = 1000
"""Columns found in the objects; what has more is no table that anybody reads, and must not fill memory."""
NAME_LIMIT: Final = 200
"""Characters of a column's name; Excel takes 255."""

Row = Mapping[str, Any]
"""Cells by the keys of their columns."""


class Kind(Enum):
    """What all cells of a column are, those without a value aside. LOCAL: a moment without a zone."""

    TEXT = "text"
    WHOLE = "whole number"
    FRACTION = "number"
    BOOLEAN = "boolean"
    UTC = "date and time, UTC"
    LOCAL = "date and time"
    DAY = "date"
    LIST = "list"
    TREE = "JSON"


_SURE: Final = {
    0: Kind.TEXT,
    Seen.VOID: Kind.LIST,
    Seen.BOOLEAN: Kind.BOOLEAN,
    Seen.WHOLE: Kind.WHOLE,
    Seen.FRACTION: Kind.FRACTION,
    Seen.WHOLE | Seen.FRACTION: Kind.FRACTION,
    Seen.UTC: Kind.UTC,
    Seen.LOCAL: Kind.LOCAL,
    Seen.DAY: Kind.DAY,
    Seen.LISTED: Kind.LIST,
    Seen.TREE: Kind.TREE,
}
_MEASURED: Final[Mapping[int, tuple[str, Callable[[str], int | float | None]]]] = {
    Seen.SIZE: (".Bytes", size),
    Seen.SPAN: (".Seconds", span),
}


_NOTHING: Final = Seen.EMPTY | Seen.VOID


@dataclass(slots=True)
class Statistics:
    """Of one column, whatever the number of rows. longest: characters of its longest text. highest: the
    largest number, its sign aside. parts: whether a measure of it has a fraction."""

    seen: int = 0
    longest: int = 0
    highest: float = 0
    parts: bool = False

    def see(self, value: Any) -> None:
        """Take in one more cell."""
        if isinstance(value, str):
            self.longest = max(self.longest, len(value))
            if not self.seen & Seen.TEXT:
                self._text(value)
            return
        what = of(value)
        self.seen |= what
        if what & (Seen.WHOLE | Seen.FRACTION):
            self.highest = max(self.highest, abs(value))
        elif what & (Seen.LISTED | Seen.TREE | Seen.TEXT):
            self.longest = max(self.longest, _length(value))

    def _text(self, value: str) -> None:
        what = of_text(value)
        self.seen |= what
        if what == Seen.SIZE:
            self.highest = max(self.highest, size(value) or 0)
        elif what == Seen.SPAN:
            seconds = span(value) or 0
            self.highest = max(self.highest, abs(seconds))
            self.parts = self.parts or isinstance(seconds, float)

    @property
    def kind(self) -> Kind:
        """What the column is, over all that it held."""
        found = self.seen & ~_NOTHING
        return _SURE.get(found or self.seen & Seen.VOID, Kind.TEXT)

    @property
    def measure(self) -> int | None:
        """SIZE or SPAN if all of its texts are such, or Unlimited."""
        found = self.seen & ~_NOTHING & ~Seen.UNLIMITED
        return found if found in _MEASURED else None


def _length(value: Any) -> int:
    """About the characters of a list or an object in a cell."""
    if isinstance(value, list):
        return sum(len(each) + 2 if isinstance(each, str) else _length(each) + 2 for each in value)
    if isinstance(value, dict):
        return sum(len(name) + 6 + _length(member) for name, member in value.items())
    return len(value) if isinstance(value, str) else len(str(value))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table. key: of its cells in a Row. longest: characters of its longest text. highest:
    its largest number. derive: its cells are made of those texts by it; None where they cannot be."""

    name: str
    key: str
    kind: Kind
    longest: int = 0
    highest: float = 0
    derive: Callable[[str], int | float | None] | None = None


class Survey:
    """The first pass: takes in every row, and then knows the columns.

    leads: keys → names of columns that come first, in this order, each only if it has held something; those
    in `always` even so, those in `varied` only if they have held different things.
    wanted: names, or patterns of them (`Custom*`), of the columns to have; none for all.
    Members of objects are in the order in which they come up.
    """

    def __init__(
        self,
        leads: Mapping[str, str],
        always: Iterable[str] = (),
        varied: Iterable[str] = (),
        wanted: Sequence[str] = (),
    ) -> None:
        self.rows = 0
        self.cut = False
        self._leads = leads
        self._always = frozenset(always)
        self._same: dict[str, Any] = dict.fromkeys(varied)
        self._wanted = {name.lower(): name for name in wanted}
        self._found: dict[str, Statistics | None] = {}
        self._columns = 0

    def see(self, row: Row) -> None:
        """Take in one more row."""
        self.rows += 1
        for key, first in tuple(self._same.items()):
            if first is None:
                self._same[key] = row.get(key)
            elif row.get(key) != first:
                del self._same[key]
        found = self._found
        for key, value in row.items():
            statistics = found[key] if key in found else self._new(key)
            if statistics is not None:
                statistics.see(value)

    def _new(self, key: str) -> Statistics | None:
        if key not in self._leads:
            if self._wanted and not any(_wants(pattern, key) for pattern in self._wanted):
                if len(self._found) < LIMIT:  # remembered, to be told if the table lacks what was wanted
                    self._found[key] = None
                return None
            if self._columns >= LIMIT:
                self.cut = True
                return None
            self._columns += 1
        self._found[key] = statistics = Statistics()
        return statistics

    def columns(self) -> tuple[Column, ...]:
        """The columns, those wanted in the order in which they are; each name once, case aside."""
        held = {key: each for key, each in self._found.items() if each is not None}
        if self._wanted:
            keys = [key for key in self._leads if key in held]
        else:
            keys = [key for key in self._leads if key in self._always or _holds(held.get(key))]
            keys = [key for key in keys if key not in self._same]
        keys += [key for key in held if key not in self._leads]
        taken: dict[str, None] = {}
        made: list[Column] = []
        for key in keys:
            for column in _columns(key, self._leads.get(key, key), held.get(key, Statistics())):
                name = _named(column.name, taken)
                made.append(_renamed(column, name))
        return tuple(self._in_order(made) if self._wanted else made)

    def _in_order(self, made: Sequence[Column]) -> list[Column]:
        order: dict[str, Column] = {}
        for pattern in self._wanted:
            for column in made:
                if fnmatchcase(column.name.lower(), pattern):
                    order.setdefault(column.name, column)
        return list(order.values())

    def missing(self, columns: Sequence[Column]) -> list[str]:
        """What was wanted, and no column is."""
        names = [column.name.lower() for column in columns]
        return [
            named
            for pattern, named in self._wanted.items()
            if not any(fnmatchcase(name, pattern) for name in names)
        ]

    @property
    def known(self) -> list[str]:
        """The names that there are, wanted or not."""
        return [self._leads.get(key, key) for key in self._found]


def _wants(pattern: str, key: str) -> bool:
    """Whether a column of this key, or one that is made of it, may be meant."""
    name = key.lower()
    return fnmatchcase(name, pattern) or any(
        fnmatchcase(name + suffix.lower(), pattern) for suffix, _ in _MEASURED.values()
    )


def _holds(statistics: Statistics | None) -> bool:
    return statistics is not None and bool(statistics.seen & ~Seen.EMPTY)


def _columns(key: str, name: str, about: Statistics) -> list[Column]:
    if about.measure is None:
        return [Column(name, key, about.kind, about.longest, about.highest)]
    suffix, derive = _MEASURED[about.measure]
    kind = Kind.FRACTION if about.parts else Kind.WHOLE
    return [
        Column(name, key, Kind.TEXT, about.longest),
        Column(name + suffix, key, kind, 0, about.highest, derive),
    ]


def _named(name: str, taken: dict[str, None]) -> str:
    """The name as a header can show it, and none that is taken."""
    shown = (
        "".join(letter if letter.isprintable() else "\ufffd" for letter in name)[:NAME_LIMIT] or "(no name)"
    )
    if shown.lower() in taken:
        number = unused(shown.lower(), taken)[len(shown.lower()) :]
        shown += number
    taken[shown.lower()] = None
    return shown


def _renamed(column: Column, name: str) -> Column:
    return Column(name, column.key, column.kind, column.longest, column.highest, column.derive)
