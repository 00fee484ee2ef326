"""The way through the rows of a job, with the items of each: many rows at once where nothing is unusual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from bulkexo.job.apart import Numbered
from bulkexo.job.binder import Binder
from bulkexo.job.blocks import Block
from bulkexo.job.bycolumn import ByColumn
from bulkexo.job.csvrows import CsvRows
from bulkexo.job.ndjson import NdjsonRows
from bulkexo.job.outline import Outline
from bulkexo.job.problems import Problems
from bulkexo.job.several import Several, part_of
from bulkexo.job.steps import Step
from bulkexo.job.tenants import Tenants
from bulkexo.model import Item, Value

Walked: TypeAlias = tuple[int, Several | list[Item]]
"""The number of the last row, and the items of it, or of it and rows before it."""

_BLOCK = 500


class Walk:
    """What is wrong with the rows is told to `problems`, and the items of such rows are left out.

    whole: each item has the row as it came.
    """

    def __init__(
        self, outline: Outline, binder: Binder, tenants: Tenants, problems: Problems, *, whole: bool
    ) -> None:
        self._rows = outline.rows
        self._tenant_column = outline.tenant_column
        self._tenants = tenants
        self._problems = problems
        self._names: Sequence[str] = outline.rows.columns if whole else ()
        numbered = enumerate(outline.steps, 1)
        self._steps = [binder.step(number, step, outline.given(step)) for number, step in numbered]
        self._by_column = ByColumn(outline, binder, problems)

    def all(self) -> Iterator[Walked]:
        """Of all rows, in order."""
        rows = self._rows
        if isinstance(rows, NdjsonRows):
            yield from self._lines(rows.read(self._problems))
        elif isinstance(rows, CsvRows):
            last = 0
            for block in rows.blocks(self._problems):
                yield from self._of_block(range(last + 1, last + len(block) + 1), block)
                last += len(block)
        else:
            yield from self._one_by_one(enumerate(rows.read(self._problems), 1))

    def these(self, numbered: Iterable[Numbered]) -> Iterator[Walked]:
        """Of these rows, which are known to be sound."""
        if isinstance(self._rows, NdjsonRows):
            yield from self._lines(row for _, row in numbered)
        elif self._rows.typed:
            yield from self._one_by_one(numbered)
        else:
            left = iter(numbered)
            while some := list(islice(left, _BLOCK)):
                rows = [row for _, (_, row) in some]
                block = Block([line for _, (line, _) in some], list(zip(*rows, strict=True)))
                yield from self._of_block([number for number, _ in some], block)

    def _lines(self, lines: Iterable[tuple[int, Sequence[Value]]]) -> Iterator[Walked]:
        return self._by_column.items(lines, self._tenants.of, self._problems)

    def _of_block(self, numbers: Sequence[int], block: Block) -> Iterator[Walked]:
        several = self._several(numbers, block)
        if several is None:
            yield from self._one_by_one(
                zip(numbers, zip(block.lines, block.rows(), strict=True), strict=True)
            )
        else:
            yield numbers[-1], several

    def _several(self, numbers: Sequence[int], block: Block) -> Several | None:
        """The items of a block; None if its rows have to be gone through one by one."""
        tenants: Sequence[str] | None = [""] * len(block)
        if self._tenant_column is not None:
            tenants = self._tenants.known(block.columns[self._tenant_column])
        if tenants is None:
            return None
        parts = []
        for step in self._steps_of(block):
            part = part_of(step, block) if step else None
            if part is None:
                return None
            parts.append(part)
        return Several(numbers, block, tenants, self._names, parts) if parts else None

    def _steps_of(self, block: Block) -> Sequence[Step | None]:
        position = self._by_column.position
        if position is None:
            return self._steps
        named = block.columns[position]
        if named.count(named[0]) < len(named) or not named[0].strip():
            return ()
        return [self._by_column.step(block.lines[0], next(block.rows()))]

    def _one_by_one(self, numbered: Iterable[Numbered]) -> Iterator[Walked]:
        problems, by_column, tenants = self._problems, self._by_column, self._tenant_column
        steps = self._steps
        for number, (line, row) in numbered:
            if by_column.position is not None:
                steps = [by_column.step(line, row)]
            cells = dict(zip(self._names, row, strict=True)) if self._names else {}
            tenant = "" if tenants is None else self._tenants.of(line, row[tenants], problems)
            items = []
            for step in steps:
                if step and (item := step.item(number, line, row, cells, problems, tenant)):
                    items.append(item)
            yield number, items
