"""The items of a block of rows, by column: what `Step.item` does for each row, for all of them at once.

It is the quick way, for rows that hold nothing unusual. Where one of them may, it has no answer, and the rows
are gone through one by one, which tells what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from bulkexo.job.blocks import Block
from bulkexo.job.cells import BadCell
from bulkexo.job.steps import Bound, Step
from bulkexo.job.template import OMIT
from bulkexo.model import Item


@dataclass(slots=True)
class Column:
    """What a parameter is in each row. gaps: it is OMIT in some. texts: it is text in all."""

    values: Sequence[Any]
    gaps: bool
    texts: bool


@dataclass(slots=True)
class Part:
    """The items of a step. columns: by the name of the parameter. identities: of the objects; all are empty
    or none is."""

    step: Step
    columns: Mapping[str, Column]
    identities: Sequence[str]

    @property
    def named(self) -> bool:
        """Whether the items name their objects."""
        return bool(self.identities[0])

    def whole(self, row: Mapping[str, Sequence[str]]) -> bool:
        """Whether the parameters are all columns of the row, as they stand."""
        own = {name: column.values for name, column in self.columns.items()}
        return [*own] == [*row] and all(own[name] is values for name, values in row.items())

    def parameters(self) -> list[dict[str, Any]]:
        """Of each item."""
        made = _dicts({name: column.values for name, column in self.columns.items()}, len(self.identities))
        if any(column.gaps for column in self.columns.values()):
            return [{name: value for name, value in each.items() if value is not OMIT} for each in made]
        return made


@dataclass(slots=True)
class Several:
    """The items of a block, which are made as they are asked for. numbers: of the rows. tenants: theirs.
    names: of the columns, in each item's cells; none if these are not wanted. parts: by step."""

    numbers: Sequence[int]
    block: Block
    tenants: Sequence[str]
    names: Sequence[str]
    parts: Sequence[Part]

    def __len__(self) -> int:
        return len(self.numbers) * len(self.parts)

    def __iter__(self) -> Iterator[Item]:
        numbers, tenants = self.numbers, self.tenants
        row = dict(zip(self.names, self.block.columns, strict=True)) if self.names else {}
        cells: Iterable[Mapping[str, Any]] | None = None if row else repeat({})
        made = []
        for part in self.parts:
            parameters = part.parameters()
            if cells is None:
                cells = parameters if part.whole(row) else _dicts(row, len(numbers))
            made.append(map(part.step.made, numbers, part.identities, parameters, cells, tenants))
        return made[0] if len(made) == 1 else chain.from_iterable(zip(*made, strict=True))


def part_of(step: Step, block: Block) -> Part | None:
    """The items of a step; None if the rows have to be gone through one by one."""
    columns: dict[str, Column] = {}
    for bound in step.bound:
        column = None if step.by_row else _column(bound, block)
        if column is None:
            return None
        columns[bound.name] = column
    identities = _identities(step, columns, len(block))
    return None if identities is None else Part(step, columns, identities)


def _column(bound: Bound, block: Block) -> Column | None:
    if bound.text is not None and block.texts(bound.text):
        column = block.columns[bound.text]
        full = all(column)
        return Column(column if full else [cell or OMIT for cell in column], not full, full)
    try:
        values, kinds = _values(bound, block)
    except BadCell:
        return None
    if bound.watch and any(map(bound.watch.odd, kinds)):
        return None
    gaps = any(value is OMIT for value in kinds)
    return Column(values, gaps, all(isinstance(value, str) for value in kinds))


def _values(bound: Bound, block: Block) -> tuple[list[Any], Sequence[Any]]:
    """The values, and each of them at least once: the same cell is the same value. Raises BadCell."""
    read = bound.source.columns
    if len(read) > 1:
        values = list(map(bound.get, block.rows()))
        return values, values
    row = [""] * len(block.columns)
    if not read:
        value = bound.get(row)
        return [value] * len(block), [value]
    (place,) = read
    known: dict[str, Any] = {}
    for cell in set(block.columns[place]):
        row[place] = cell
        known[cell] = bound.get(row)
    return [known[cell] for cell in block.columns[place]], list(known.values())


def _identities(step: Step, columns: Mapping[str, Column], count: int) -> Sequence[str] | None:
    if not step.naming:
        return None if step.needs_identity else [""] * count
    column = columns[step.naming[0]]
    if not column.texts or any(map(str.isspace, column.values)) or not all(column.values):
        return None
    return [""] * count if step.naming[0] in step.secrets else column.values


def _dicts(columns: Mapping[str, Sequence[Any]], count: int) -> list[dict[str, Any]]:
    """The rows of a table as dicts; of one without columns they are empty."""
    empty = dict.fromkeys(columns)
    made = [empty.copy() for _ in range(count)]
    for name, values in columns.items():
        for each, value in zip(made, values, strict=True):
            each[name] = value
    return made
