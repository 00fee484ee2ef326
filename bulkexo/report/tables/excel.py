"""Excel, by XlsxWriter in its mode of constant memory: a real table on each sheet, cells of real types.

XlsxWriter offers no tables in that mode, since it would write their cells out of order, and would remember
every cell of them. Both is avoided here: a table is added over two rows without a header, stretched, and its
header is written as the cells of the first row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from bulkexo.report.tables.cells import TYPED, Sink, cells
from bulkexo.report.tables.columns import Column, Kind, Row

SHEET_ROWS: Final = 1_048_575
"""Rows of a sheet, its header aside."""
CELL_LIMIT: Final = 32_767
"""UTF-16 units of a cell."""
CUT: Final = " … (cut)"
WIDEST: Final = 50
BOOLEAN: Final = '"TRUE";"TRUE";"FALSE"'
"""For LibreOffice, which shows 0 for a FALSE without a format; Excel shows its own word."""
PRINTED: Final = 220
"""Characters of a line that can still be read when it is printed on one page."""
STYLE: Final = "Table Style Medium 2"
_EPOCH: Final = datetime(1899, 12, 30)
_FIRST: Final = datetime(1900, 3, 1)
"""The first day that all programs number alike: Excel has a 29th of February 1900."""
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NUMERIC: Final = frozenset({Kind.WHOLE, Kind.FRACTION})
_EXACT: Final = 10**15
"""Excel keeps 15 digits."""
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
        self._book = xlsxwriter.Workbook(
            target,
            {
                "constant_memory": True,
                "tmpdir": str(scratch),
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
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

    def format(self, shown: str, **look: str) -> Any:
        """A cell format with this form of numbers, made once."""
        if shown not in self._formats:
            self._formats[shown] = self._book.add_format({"num_format": shown, **look})
        return self._formats[shown]

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
        header = self._header()
        for number, column in enumerate(columns):
            sheet.set_column(number, number, width(column))
            sheet.write_string(0, number, column.name, header)
        return sheet

    def _header(self) -> Any:
        if "header" not in self._formats:
            look = {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F4E79", "valign": "vcenter"}
            self._formats["header"] = self._book.add_format(look)
        return self._formats["header"]


def _stretch(sheet: Any, columns: Sequence[Column], rows: int) -> None:
    """Let the table of a sheet reach over a header and so many rows."""
    from xlsxwriter.utility import xl_range  # noqa: PLC0415

    table = sheet.tables[-1]
    table["range"] = table["a_range"] = table["autofilter"] = xl_range(0, 0, rows, len(columns) - 1)
    table["header_row_count"] = 1
    for described, column in zip(table["columns"], columns, strict=True):
        described["name"] = column.name


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
        self._writers: list[Callable[[Any, int, int, Any], None]] = [
            _writer(book, column) for column in columns
        ]
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


def _writer(book: Book, column: Column) -> Callable[[Any, int, int, Any], None]:
    """How the cells of a column are written: (sheet, row, column, value)."""
    if column.kind in (Kind.UTC, Kind.LOCAL):
        return _moments(book.format("yyyy-mm-dd hh:mm:ss"))
    if column.kind is Kind.DAY:
        return _moments(book.format("yyyy-mm-dd"))
    if column.kind is Kind.BOOLEAN:
        return _booleans(book.format(BOOLEAN, align="center"))
    if column.kind in _NUMERIC:
        part = ".00" if column.kind is Kind.FRACTION else ""  # and room before a text beside it
        return _numbers(book.format(("#,##0" if column.highest >= _THOUSANDS else "0") + part + "_)"))
    return _texts(book)


def _booleans(shown: Any) -> Callable[[Any, int, int, Any], None]:
    def write(sheet: Any, row: int, column: int, value: bool) -> None:
        sheet.write_boolean(row, column, value, shown)

    return write


def _numbers(shown: Any) -> Callable[[Any, int, int, Any], None]:
    def write(sheet: Any, row: int, column: int, value: float) -> None:
        if isinstance(value, int) and abs(value) >= _EXACT:
            sheet.write_string(row, column, str(value))
        else:
            sheet.write_number(row, column, value, shown)

    return write


def _moments(shown: Any) -> Callable[[Any, int, int, Any], None]:
    def write(sheet: Any, row: int, column: int, value: date) -> None:
        moment = value if isinstance(value, datetime) else datetime(*value.timetuple()[:3])
        if moment < _FIRST:
            sheet.write_string(row, column, str(value))
        else:
            since = moment - _EPOCH
            days = since.days + (since.seconds + since.microseconds / 1_000_000) / 86_400
            sheet.write_number(row, column, days, shown)

    return write


def _texts(book: Book) -> Callable[[Any, int, int, Any], None]:
    def write(sheet: Any, row: int, column: int, value: str) -> None:
        text = legal(value)
        if len(text) * 2 > CELL_LIMIT and (fitting := fitted(text)) != text:
            book.cut += 1
            text = fitting
        sheet.write_string(row, column, text)

    return write


def legal(text: str) -> str:
    """The text with a sign for each character that XML cannot hold; and never what XlsxWriter would take for
    marked-up text of its own."""
    text = _ILLEGAL.sub("\ufffd", text)
    return text + "\u200b" if text.startswith("<r>") and text.endswith("</r>") else text


def fitted(text: str) -> str:
    """The text, cut and marked where Excel could not hold it."""
    units = text.encode("utf-16-le")
    if len(units) <= CELL_LIMIT * 2:
        return text
    return units[: (CELL_LIMIT - len(CUT)) * 2].decode("utf-16-le", "ignore") + CUT
