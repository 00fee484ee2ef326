"""Rows that stand in the YAML itself: a stream of events, of which one row at a time is in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from yaml import events as ev

from bulkexo.job.csvrows import MASK
from bulkexo.job.problems import Problems, changed, printable
from bulkexo.job.text import TextFile
from bulkexo.job.yamldoc import Events, line_of
from bulkexo.model import Value

_REMEDY = "Write each row as {Column: value, Column: value}."


def scan_columns(events: Events) -> tuple[str, ...]:
    """Pass over the sequence that has just begun: the keys of its mappings, in the order they come up."""
    columns: dict[str, str] = {}
    level = 0
    key_next = False
    while True:
        event = events.next()
        if isinstance(event, ev.CollectionStartEvent):
            level += 1
            key_next = level == 1 and isinstance(event, ev.MappingStartEvent)
        elif isinstance(event, ev.CollectionEndEvent):
            level -= 1
            if level < 0:
                return tuple(columns.values())
            key_next = level == 1
        elif level == 1:
            if key_next and isinstance(event, ev.ScalarEvent):
                columns.setdefault(event.value.lower(), event.value)
            key_next = not key_next


class InlineRows:
    """The mappings of a YAML job's `rows:`. columns: the keys of all of them; cells have YAML's types."""

    typed = True

    def __init__(self, file: TextFile, columns: tuple[str, ...]) -> None:
        self.file = file
        self.files = (file,)
        self.columns = columns
        self._positions = {name.lower(): position for position, name in enumerate(columns)}

    def place(self, line: int, column: str | None = None) -> str:
        """A line, and a key of the row there, as messages write them."""
        return self.file.where(line) + (f", column {printable(column)}" if column else "")

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """Each row: its line, and a cell for each column; "" where nothing is given."""
        with self.file.reading() as text:
            events = Events(self.file, text, problems)
            if not isinstance(events.reach("rows"), ev.SequenceStartEvent):
                changed(self.file.name)
            while not isinstance(event := events.next(), ev.SequenceEndEvent):
                row = self._row(event, events, problems)
                if row is not None:
                    yield line_of(event), row

    def _row(self, event: Any, events: Events, problems: Problems) -> list[Value] | None:
        line = line_of(event)
        node = events.node(event, inside="the row")
        if not isinstance(node.value, dict) or not node.value:
            problems.add(self.place(line), "This row is no mapping of columns to values.", _REMEDY)
            return None
        row: list[Value] = [""] * len(self.columns)
        for name, cell in node.value.items():
            position = self._positions.get(name.lower())
            if position is None:
                continue
            row[position] = "" if cell.empty else cell.plain()
            if cell.value == MASK:
                what = f"{MASK} stands where a run left out a secret."
                problems.add(self.place(cell.line, name), what, "Put the value in again.")
        return row
