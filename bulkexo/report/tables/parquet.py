"""Parquet, by pyarrow: real types, lists as lists, a row group at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, Final

from bulkexo.report.tables.cells import TYPED, Sink, cells
from bulkexo.report.tables.columns import Column, Kind, Row
from bulkexo.report.tables.values import texts

GROUP: Final = 10_000
"""Rows of a row group; so many are in memory."""
_SHAPES: Final = {**TYPED, Kind.LIST: lambda value: texts(value) if isinstance(value, list) else None}


class ParquetFile(Sink):
    """A Parquet file. target: open for writing, and stays open. Raises ImportError without pyarrow."""

    def __init__(self, target: BinaryIO, columns: Sequence[Column], group: int = GROUP) -> None:
        import pyarrow as pa  # noqa: PLC0415 (heavy, and an extra)
        from pyarrow import parquet  # noqa: PLC0415

        types = {
            Kind.TEXT: pa.string(),
            Kind.WHOLE: pa.int64(),
            Kind.FRACTION: pa.float64(),
            Kind.BOOLEAN: pa.bool_(),
            Kind.UTC: pa.timestamp("us", tz="UTC"),
            Kind.LOCAL: pa.timestamp("us"),
            Kind.DAY: pa.date32(),
            Kind.LIST: pa.list_(pa.string()),
            Kind.TREE: pa.string(),
        }
        self._pa = pa
        self._schema = pa.schema([(column.name, types[column.kind]) for column in columns])
        self._writer = parquet.ParquetWriter(target, self._schema, compression="zstd")
        self._cells = cells(columns, _SHAPES)
        self._fractions = [column.kind is Kind.FRACTION for column in columns]
        self._group = group
        self._rows: list[list[Any]] = []

    def write(self, row: Row) -> None:
        """One more row."""
        self._rows.append(self._cells(row))
        if len(self._rows) >= self._group:
            self._flush()

    def close(self) -> None:
        """Write the last row group, and the file's end."""
        if self._rows:
            self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """So that it does not write the file's end when it is taken away."""
        self._writer.is_open = False

    def _flush(self) -> None:
        columns = zip(zip(*self._rows, strict=True), self._fractions, self._schema, strict=True)
        arrays = [
            self._pa.array(map(_fraction, values) if fractions else values, type=field.type)
            for values, fractions, field in columns
        ]
        self._rows = []
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))


def _fraction(value: float | None) -> float | None:
    """Whole numbers too: pyarrow takes none that a fraction cannot hold to the last digit."""
    return None if value is None else float(value)
