"""Steps of a job whose rows name their cmdlet, made as they come up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from bulkexo.job.binder import Binder
from bulkexo.job.ndjson import Line
from bulkexo.job.outline import CMDLET, Outline, OutlineStep
from bulkexo.job.problems import Problems
from bulkexo.job.steps import Step
from bulkexo.job.template import Row
from bulkexo.model import Item, Value

_KEPT = 256
"""Steps that are kept."""


class ByColumn:
    """position: of the column that names the cmdlet, if there is one."""

    def __init__(self, outline: Outline, binder: Binder, problems: Problems) -> None:
        self.position = outline.cmdlet_column
        self._outline = outline
        self._binder = binder
        self._problems = problems
        self._made: dict[str, Step | None] = {}

    def step(self, line: int, row: Row, said: Line | None = None) -> Step | None:
        """The step of this row; None if its cmdlet cannot be run, which is told. said: what the row says
        beside, if it is a line of its own."""
        cmdlet = str(row[self.position or 0])
        kind = cmdlet.strip().lower() + (said.kind if said else "")
        if kind in self._made:
            return self._made[kind]
        where = self._outline.rows.place(line, CMDLET)
        if not cmdlet.strip():
            self._problems.add(
                where, "The row names no cmdlet.", "Write one like Set-Mailbox, or delete the row."
            )
            return None
        if len(self._made) >= _KEPT:
            self._made.clear()
        outline = self._outline
        if said is None:
            step = OutlineStep(cmdlet, where, None, select=outline.select)
            made = self._binder.step(1, step, outline.given(step))
        else:
            step = said.outline(cmdlet, where, self._problems)
            given = (outline.whole[position - 1] for position in said.given)
            made = self._binder.step(said.step, step, (*given, *outline.common))
        self._made[kind] = made
        return made

    def items(
        self,
        lines: Iterable[tuple[int, Sequence[Value]]],
        tenant_of: Callable[[int, Value, Problems], str],
        problems: Problems,
    ) -> Iterator[tuple[int, list[Item]]]:
        """The row's number and the item of each line of an NDJSON job; none of one with a problem."""
        columns, tenants = self._outline.rows.columns, self._outline.tenant_column
        for line, row in lines:
            said = Line(row)
            step = self.step(line, row, said)
            cells = dict(zip(columns, row, strict=False))
            tenant = "" if tenants is None else tenant_of(line, row[tenants], problems)
            item = step and step.item(said.row, line, row, cells, problems, tenant)
            planned = said.planned
            if item and (planned or said.tag is not None):
                item = replace(item, planned=planned, tag=said.tag)
            yield said.row, [item] if item else []
