"""Rows as lists of cells of one kind for each column: what every format is made of. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from bulkexo.report.tables.columns import Column, Kind, Row
from bulkexo.report.tables.values import as_json, as_text, day, joined, moment

Shape: TypeAlias = Callable[[Any], Any]
"""A value that is not None to what stands in the cell."""


class Sink:
    """Where rows go, one by one."""

    def write(self, row: Row) -> None:
        """One more row. Raises OSError."""
        raise NotImplementedError

    def close(self) -> None:
        """All rows were written: write what is left. Raises OSError."""

    def abandon(self) -> None:
        """Something failed: let go of what is held, and write no more."""


def cells(columns: Sequence[Column], shapes: Mapping[Kind, Shape]) -> Callable[[Row], list[Any]]:
    """Makes a row's cells, None where there is nothing. shapes: how a format writes the kinds; a kind that is
    not there stays what it is."""
    shaped = [(column.key, _shape(column, shapes)) for column in columns]

    def row(values: Row) -> list[Any]:
        get = values.get
        return [
            None if (value := get(key)) is None else value if shape is None else shape(value)
            for key, shape in shaped
        ]

    return row


def _shape(column: Column, shapes: Mapping[Kind, Shape]) -> Shape | None:
    if (derive := column.derive) is not None:
        return lambda value: derive(value) if isinstance(value, str) else None
    return shapes.get(column.kind)


def _moment(value: Any) -> Any:
    return moment(value) if isinstance(value, str) else None


def _day(value: Any) -> Any:
    return day(value) if isinstance(value, str) else None


def _plain(value: Any) -> Any:
    """A number or boolean; "" and [] among them are nothing."""
    return None if isinstance(value, str | list) else value


def _list_text(value: Any) -> str | None:
    return joined(value) if isinstance(value, list) and value else None


TYPED: Final[Mapping[Kind, Shape]] = {
    Kind.TEXT: as_text,
    Kind.WHOLE: _plain,
    Kind.FRACTION: _plain,
    Kind.BOOLEAN: _plain,
    Kind.UTC: _moment,
    Kind.LOCAL: _moment,
    Kind.DAY: _day,
    Kind.LIST: _list_text,
    Kind.TREE: lambda value: as_json(value) if value else None,
}
"""Texts, numbers, booleans, datetime and date; lists and objects as texts."""
