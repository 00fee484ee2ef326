"""Where a parameter's value comes from: a column, a constant, or a template with `${Column}` in it.

All that can be decided once is decided when a source is made and bound; per row a function is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from bulkexo.facts.catalogue import Kind, nearest
from bulkexo.job import cells
from bulkexo.job.expression import no_step
from bulkexo.job.later import Joined, Pending
from bulkexo.job.paths import NAME, PREFIX, Ref, parse_path
from bulkexo.job.problems import Problems
from bulkexo.model import Value


class Omit(Enum):
    """The parameter is left out."""

    OMIT = "omit"


OMIT: Final = Omit.OMIT

Row: TypeAlias = Sequence[Any]
"""A row's cells in the order of the columns; "" is an empty cell."""

Getter: TypeAlias = Callable[[Row], "Value | Omit"]
"""A row to a value; raises cells.BadCell. Where the source names earlier steps, to a Pending."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value as a YAML file holds it, with the line of every part. empty: nothing is written there."""

    line: int
    value: str | int | float | bool | list[Node] | dict[str, Node] | None
    empty: bool = False

    def plain(self) -> Value:
        """The value alone."""
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        return self.value


@dataclass(frozen=True, slots=True)
class Source:
    """columns: positions of those it reads. shown: the value as the job writes it.

    bind: to a getter for a parameter of this kind (None: not known); raises cells.BadCell if a constant
    cannot be such a value. refs: what it takes from earlier steps. whole: the position of the column whose
    cell it is and nothing else, None if it is another thing.
    """

    columns: frozenset[int]
    shown: Value
    bind: Callable[[Kind | None], Getter]
    refs: tuple[Ref, ...] = ()
    whole: int | None = None


class Columns:
    """The columns that templates may name, in any case. typed: cells may be other than text."""

    def __init__(self, names: Sequence[str], *, typed: bool) -> None:
        self.names: tuple[str, ...] = ()
        self.typed = typed
        self._positions: dict[str, int] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """One more column; of two with one name the first is found."""
        self._positions.setdefault(name.lower(), len(self.names))
        self.names = (*self.names, name)

    def find(self, name: str) -> int | None:
        """The position of a column."""
        return self._positions.get(name.strip().lower())


def from_column(position: int, columns: Columns) -> Source:
    """The whole cell of a column, by the cell rules; an empty cell leaves the parameter out."""
    return Source(
        frozenset({position}),
        f"${{{columns.names[position]}}}",
        lambda kind: _whole(position, kind, typed=columns.typed),
        whole=position,
    )


def from_text(text: str) -> Source:
    """A constant by the cell rules; not empty."""
    return Source(frozenset(), text, lambda kind: _constant(cells.converter(kind)(text)))


def from_node(
    node: Node,
    columns: Columns,
    where: Callable[[int], str],
    problems: Problems,
    steps: Mapping[str, int] | None = None,
) -> Source:
    """A value of the YAML file, templates at any depth. What is wrong with it is told. steps: the earlier
    ones, by name in lower case."""
    maker = _Maker(columns, where, problems, steps or {})
    made = maker.make(node, top=True)
    if made is None:  # a value that keeps the rest of the check going; it is never sent
        return Source(frozenset(maker.used), None, lambda _kind: _constant("?"))
    bind = _later(made) if maker.refs else made
    fixed = bind if maker.used else (lambda kind: _constant(bind(kind)(())))
    return Source(frozenset(maker.used), node.plain(), fixed, tuple(maker.refs), maker.whole)


_Bind: TypeAlias = Callable[[Kind | None], Getter]


class _Maker:
    """Makes the getter of one value, and notes which columns and which earlier steps it reads."""

    def __init__(
        self,
        columns: Columns,
        where: Callable[[int], str],
        problems: Problems,
        steps: Mapping[str, int],
    ) -> None:
        self.steps = steps
        self.refs: list[Ref] = []
        self.columns = columns
        self.where = where
        self.problems = problems
        self.used: set[int] = set()
        self.whole: int | None = None

    def make(self, node: Node, *, top: bool = False) -> _Bind | None:
        value = node.value
        if node.empty:
            remedy = 'Write null to take the value away, or "" for an empty text.'
            self.problems.add(self.where(node.line), "No value is written here.", remedy)
            return None
        if isinstance(value, str):
            return self._text(node.line, value, top=top)
        if isinstance(value, list):
            made = [self.make(inner) for inner in value]
            parts = [bind(None) for bind in made if bind]
            getter = _array(parts) if len(parts) == len(made) else None
        elif isinstance(value, dict):
            named = {name: self.make(inner) for name, inner in value.items()}
            members = {name: bind(None) for name, bind in named.items() if bind}
            getter = _table(members) if len(members) == len(named) else None
        else:
            return lambda kind: _constant(cells.typed(kind, value))
        return (lambda kind: _typed(getter, kind)) if getter else None

    def _text(self, line: int, text: str, *, top: bool) -> _Bind | None:
        parts = self._parts(line, text)
        if parts is None:
            return None
        self.used.update(part for part in parts if isinstance(part, int))
        if refs := [part for part in parts if isinstance(part, Ref)]:
            self.refs += refs
            return lambda _kind: _with_refs(parts)
        typed = self.columns.typed
        if len(parts) == 1 and isinstance(parts[0], int):
            position = parts[0]
            self.whole = position if top else None
            return lambda kind: _whole(position, kind, typed=typed)
        if not any(isinstance(part, int) for part in parts):
            constant = "".join(map(str, parts))
            if top and constant == text and text:
                return lambda kind: _constant(cells.converter(kind)(text))
            return lambda kind: _constant(cells.typed(kind, constant))
        getter = _joined(parts)
        return lambda kind: _typed(getter, kind)

    def _parts(self, line: int, text: str) -> list[str | int | Ref] | None:
        """Text, positions of columns and values of earlier steps, in turn; neighbouring text is one part."""
        parts: list[str | int | Ref] = []
        end = 0
        sound = True
        for found in _MARK.finditer(text):
            parts.append(text[end : found.start()])
            end = found.end()
            if found.group() == "$$":
                parts.append("$")
                continue
            part = self._part(line, found.group(1))
            sound = sound and part is not None
            parts.append("" if part is None else part)
        parts.append(text[end:])
        return [part for part in parts if part != ""] if sound else None

    def _part(self, line: int, name: str | None) -> int | Ref | None:
        """What a mark stands for; None if nothing, which is told. A column may well be called steps.x."""
        of_step = name is not None and name.strip().lower().startswith(PREFIX)
        known = name is not None and name.strip().lower() in map(str.lower, self.columns.names)
        if name is not None and of_step and not known:
            return self._ref(line, name.strip())
        position = None if name is None else self.columns.find(name)
        if position is None:
            self._unknown(line, name)
        return position

    def _ref(self, line: int, text: str) -> Ref | None:
        found = NAME.match(text, len(PREFIX))
        name = found[0] if found else ""
        path = parse_path(text[len(PREFIX) + len(name) :])
        if name.lower() not in self.steps:
            self.problems.add(self.where(line), f"There is no earlier step {name!r}.", no_step(self.steps))
            return None
        ref = Ref(self.steps[name.lower()], name, path or ())
        if not path or not ref.member:
            what = f"${{{text}}} names no value of that step."
            self.problems.add(self.where(line), what, f"Write ${{steps.{name}.Member}}, as in its results.")
            return None
        return ref

    def _unknown(self, line: int, name: str | None) -> None:
        if name is None:
            what, remedy = "A ${ is never closed with }.", "Write ${Column}; for a dollar sign write $$."
        elif not self.columns.names:
            what = f"${{{name}}} names a column, but the job has no rows."
            remedy = "Give the job rows:, or write $$ for a dollar sign."
        else:
            like = nearest(name, self.columns.names)
            what = f"The rows have no column {name!r}."
            names = ", ".join(self.columns.names[:20])
            remedy = f"Did you mean {like}?" if like else f"The columns are {names}."
        self.problems.add(self.where(line), what, remedy)


_MARK = re.compile(r"\$\$|\$\{([^}]*)\}|\$\{")


def _constant(value: Value | Omit) -> Getter:
    return lambda _row: value


def _whole(position: int, kind: Kind | None, *, typed: bool) -> Getter:
    convert = cells.converter(kind)

    def cell_of_text(row: Row) -> Value | Omit:
        cell = row[position]
        return convert(cell) if cell else OMIT

    def cell_of_any_type(row: Row) -> Value | Omit:
        cell = row[position]
        if isinstance(cell, str):
            return convert(cell) if cell else OMIT
        return cells.typed(kind, cell)

    return cell_of_any_type if typed else cell_of_text


def _typed(getter: Getter, kind: Kind | None) -> Getter:
    """The getter's value, checked for the kind; no cell rules, for a text made of parts is text."""
    if kind not in cells.CHECKED:
        return getter

    def get(row: Row) -> Value | Omit:
        value = getter(row)
        return OMIT if value is OMIT else cells.typed(kind, value)

    return get


def _joined(parts: Sequence[str | int | Ref]) -> Getter:
    return lambda row: "".join(_text_of(part, row) for part in parts if not isinstance(part, Ref))


def _text_of(part: str | int, row: Row) -> str:
    cell = row[part] if isinstance(part, int) else part
    if isinstance(cell, Mapping | list):
        raise cells.BadCell(
            "An array or a hashtable stands inside a text.",
            "Give it as the whole value: ${Column} alone.",
        )
    return cells.as_text(cell)


def _with_refs(parts: Sequence[str | int | Ref]) -> Any:
    """A getter of a text with holes, or of the one hole that it is."""
    if len(parts) == 1:
        return lambda _row: parts[0]
    return lambda row: Joined(tuple(part if isinstance(part, Ref) else _text_of(part, row) for part in parts))


def _later(made: _Bind) -> _Bind:
    """The getter of a value with holes, which the parameter's kind is checked for when they are filled."""
    getter: Any = made(None)

    def bind(kind: Kind | None) -> Any:
        def get(row: Row) -> Any:
            value = getter(row)
            return value if value is OMIT else Pending(value, kind)

        return get

    return bind


def _array(parts: Sequence[Getter]) -> Getter:
    def get(row: Row) -> Value | Omit:
        found = [value for part in parts if not isinstance(value := part(row), Omit)]
        return found if found or not parts else OMIT

    return get


def _table(members: Mapping[str, Getter]) -> Getter:
    def get(row: Row) -> Value | Omit:
        found = {name: value for name, part in members.items() if not isinstance(value := part(row), Omit)}
        return found if found or not members else OMIT

    return get
