"""Excel, by XlsxWriter in its mode of constant memory: a real table on each sheet, cells of real types.

XlsxWriter offers no tables in that mode, since it would write their cells out of order, and would remember
every cell of them. Both is avoided here: a table is added over two rows without a header, stretched, and its
header is written as the cells of the first row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from bulkexo.report.tables.cells import TYPED, Sink, cells
from bulkexo.report.tables.columns import Column, Kind, Row
from bulkexo.report.tables.excelcells import Write, booleans, escaped, legal, moments, numbers, texts

SHEET_ROWS: Final = 1_048_575
"""Rows of a sheet, its header aside."""
WIDEST: Final = 50
BOOLEAN: Final = '"TRUE";"TRUE";"FALSE"'
"""For LibreOffice, which shows 0 for a FALSE without a format; Excel shows its own word."""
PRINTED: Final = 220
"""Characters of a line that can still be read when it is printed on one page."""
STYLE: Final = "Table Style Medium 2"
_NUMERIC: Final = frozenset({Kind.WHOLE, Kind.FRACTION})
_THOUSANDS: Final = 10_000
"""From here on numbers are shown with separators: years and ports stay without."""
_WIDTHS: Final = {Kind.UTC: 19, Kind.LOCAL: 19, Kind.DAY: 10, Kind.BOOLEAN: 6}


class Book:
    """A workbook. target: open for writing, and stays open. scratch: a folder for the sheets while they grow.

    cut: cells that were too long for Excel. Raises ImportError without XlsxWriter.
    """

    def __init__(self, target: BinaryIO, scratch: Path) -> None:
        import xlsxwriter  # noqa: PLC0415 (an extra)

        self.cut = 0
        self._book = xlsxwriter.Workbook(target, {"constant_memory": True, "tmpdir": str(scratch)})
        self._book.use_zip64()  # used by zipfile for what needs it alone
        self._formats: dict[str, Any] = {}

    def table(self, name: str, columns: Sequence[Column], rows: int, limit: int = SHEET_ROWS) -> Table:
        """A table of so many rows, on a sheet of this name; what one sheet cannot hold goes to `name 2`."""
        return Table(self, name, columns, rows, limit)

    def close(self) -> None:
        """Write the file. Raises OSError."""
        from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415

        try:
            self._book.close()
        except FileCreateError as error:
            cause = error.args[0] if error.args else None
            raise cause if isinstance(cause, OSError) else OSError(str(error)) from None

    def abandon(self) -> None:
        """Let go of the files in the scratch folder."""
        for sheet in self._book.worksheets():
            sheet._opt_close()

    def style(self, shown: str, **look: Any) -> Any:
        """A cell format, made once. shown: how numbers are; "General" for the header's."""
        if shown not in self._formats:
            self._formats[shown] = self._book.add_format({"num_format": shown, **look})
        return self._formats[shown]

    def count_cut(self) -> None:
        """One more cell was cut."""
        self.cut += 1

    def sheet(self, name: str, table: str, columns: Sequence[Column], rows: int) -> Any:
        """A sheet with its header, frozen, over a table of so many rows."""
        sheet = self._book.add_worksheet(name)
        last = len(columns) - 1
        sheet.constant_memory, mode = 0, sheet.constant_memory  # what it refuses for is not done here
        sheet.add_table(0, 0, 1, last, {"header_row": False, "name": table, "style": STYLE})
        sheet.constant_memory = mode
        _stretch(sheet, columns, max(rows, 1))
        leads = sum(1 for column in columns[:2] if column.key in ("@row", "@identity"))
        sheet.freeze_panes(1, leads)
        sheet.set_landscape()
        sheet.repeat_rows(0)
        if sum(map(width, columns)) <= PRINTED:
            sheet.fit_to_pages(1, 0)
        header = self.style("General", bold=True, font_color="#FFFFFF", bg_color="#1F4E79")
        for number, column in enumerate(columns):
            sheet.set_column(number, number, width(column))
            sheet.write_string(0, number, legal(column.name), header)
        return sheet


def _stretch(sheet: Any, columns: Sequence[Column], rows: int) -> None:
    """Let the table of a sheet reach over a header and so many rows."""
    from xlsxwriter.utility import xl_range  # noqa: PLC0415

    table = sheet.tables[-1]
    table["range"] = table["a_range"] = table["autofilter"] = xl_range(0, 0, rows, len(columns) - 1)
    table["header_row_count"] = 1
    for described, column in zip(table["columns"], columns, strict=True):
        described["name"] = escaped(legal(column.name))  # to Excel it is the header's text, escapes and all


class Table(Sink):
    """One table, over as many sheets as it needs. sheets: how many."""

    def __init__(self, book: Book, name: str, columns: Sequence[Column], rows: int, limit: int) -> None:
        self.sheets = 0
        self._book = book
        self._name = name
        self._columns = columns
        self._left = rows
        self._limit = limit
        self._cells = cells(columns, TYPED)
        self._writers = [_writer(book, column) for column in columns]
        self._next()

    def write(self, row: Row) -> None:
        """One more row."""
        if self._line == self._limit:
            self._next()
        self._line += 1
        for number, value in enumerate(self._cells(row)):
            if value is not None and value != "":
                self._writers[number](self._sheet, self._line, number, value)

    def _next(self) -> None:
        self.sheets += 1
        here = min(self._left, self._limit)
        self._left -= here
        number = f" {self.sheets}" if self.sheets > 1 else ""
        name = self._name + number
        self._sheet = self._book.sheet(name, name.replace(" ", "_"), self._columns, here)
        self._line = 0


def width(column: Column) -> float:
    """Of a column, in characters: as wide as its longest cell or its name with the button that filters."""
    held = _WIDTHS.get(column.kind, column.longest)
    if column.kind in _NUMERIC:
        held = len(f"{column.highest:,.0f}") + (3 if column.kind is Kind.FRACTION else 0)
    return min(max(held + 2, len(column.name) + 4, 7), WIDEST)


def _writer(book: Book, column: Column) -> Write:
    """How the cells of a column are written."""
    if column.kind in (Kind.UTC, Kind.LOCAL):
        return moments(book.style("yyyy-mm-dd hh:mm:ss"))
    if column.kind is Kind.DAY:
        return moments(book.style("yyyy-mm-dd"))
    if column.kind is Kind.BOOLEAN:
        return booleans(book.style(BOOLEAN, align="center"))
    if column.kind in _NUMERIC:
        part = ".00" if column.kind is Kind.FRACTION else ""  # and room before a text beside it
        return numbers(book.style(("#,##0" if column.highest >= _THOUSANDS else "0") + part + "_)"))
    return texts(book.count_cut)
