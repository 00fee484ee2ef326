"""NDJSON: the flattened objects, one a line, with the types of JSON; what is missing or null is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, Final

import orjson

from bulkexo.report.tables.cells import TYPED, Sink, cells
from bulkexo.report.tables.columns import Column, Kind, Row

_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE
_SHAPES: Final = {**TYPED, Kind.LIST: lambda value: value or None, Kind.TREE: lambda value: value or None}


class LineFile(Sink):
    """A file of lines. target: open for writing, and stays open."""

    def __init__(self, target: BinaryIO, columns: Sequence[Column]) -> None:
        self._target = target
        self._cells = cells(columns, _SHAPES)
        self._names = [column.name for column in columns]
        self._utc = [number for number, column in enumerate(columns) if column.kind is Kind.UTC]

    def write(self, row: Row) -> None:
        """One more line."""
        made = self._cells(row)
        for number in self._utc:
            if made[number] is not None:
                made[number] = made[number].isoformat() + "Z"
        found: dict[str, Any] = {
            name: value for name, value in zip(self._names, made, strict=True) if value is not None
        }
        self._target.write(orjson.dumps(found, option=_OPTIONS))
