"""A sheet of an Excel workbook as a stream of rows: its cells become the texts that a CSV would hold.

Numbers are written as Excel keeps them (15 digits), dates as ISO 8601, formulas as their last results. The
rows are read by openpyxl's parser of cells, an element at a time; the workbook's texts, which stand in one
part of it, are in memory.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any, Final

from bulkexo.job.csvrows import check_header, masked
from bulkexo.job.problems import Problems, changed, fail, printable
from bulkexo.job.text import TextFile, refusing, require_file, stamp_of
from bulkexo.model import Value

EXACT: Final = 10**15
"""Excel keeps 15 digits of a number."""
_OLE = b"\xd0\xcf\x11\xe0"
_ZEROS = re.compile("0{2,}")
_UNREADABLE: Final = "This file is no Excel workbook, or it is damaged"
_SAVE: Final = "Open it in Excel and save it as an Excel Workbook (.xlsx)."


class BookFile(TextFile):
    """A workbook: a file without text of its own."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "xlsx", sound=True)

    @contextmanager
    def reading(self) -> Iterator[io.TextIOWrapper]:
        """For its checksum."""
        with self.opened():
            yield io.TextIOWrapper(io.BytesIO())

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """The file, its checksum taken; at the end it must be what it was. Raises JobError."""
        with refusing(self.path), self.path.open("rb") as file:
            stamp = stamp_of(self.path)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            yield file
            if stamp_of(self.path) != stamp:
                changed(self.name)
            self.stamp, self.sha256 = stamp, digest


class XlsxRows:
    """The rows of one sheet. columns: the header's cells. sheet: its name; None for the first that is shown.

    Raises JobError where the workbook cannot be read.
    """

    typed = False

    def __init__(self, path: Path, sheet: str | None, problems: Problems) -> None:
        require_file(path)
        self.file = BookFile(path)
        self.files: tuple[TextFile, ...] = (self.file,)
        self.sheet = sheet or ""
        self._named = sheet is not None
        with self.file.opened() as file:
            book = _Book(file, self.file.name)
            self._choose(book)
            self.header_line, self._first, self.columns = self._header(book)
        check_header(self, problems)

    def place(self, line: int, column: str | None = None) -> str:
        """A row, and a cell of it, as Excel names them: `job.xlsx, Sheet1!C17 (Office)`."""
        if column is None or column not in self.columns:
            return f"{self.file.name}, {printable(self.sheet)}, row {line}"
        letters = _letters(self._first + self.columns.index(column))
        return f"{self.file.name}, {printable(self.sheet)}!{letters}{line} ({printable(column)})"

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """Each row under the header that is not blank: its number in the sheet, and a text for each column.

        Cells that have no such form are problems, and their rows are left out.
        """
        with self.file.opened() as file:
            book = _Book(file, self.file.name)
            found = book.find(self.sheet)
            if found is None or self._header(book) != (self.header_line, self._first, self.columns):
                changed(self.file.name)
            rows = book.rows(found)
            for row in rows:
                if row.number > self.header_line and row.cells:
                    cells = self._cells(row, book, problems)
                    if cells is not None and not masked(self, row.number, cells, problems):
                        yield row.number, cells
            self._tell(rows, len(book.names), problems)

    def _choose(self, book: _Book) -> None:
        names = book.names
        if not names:
            fail(self.file.name, "The workbook has no sheet.", "A job needs a header row, and rows under it.")
        if not self._named:
            self.sheet = names[0]
            return
        found = book.find(self.sheet)
        if found is None:
            shown = ", ".join(map(printable, names[:20]))
            what = f"The workbook has no sheet {printable(self.sheet)!r}."
            fail(self.file.name, what, f"Its sheets are {shown}.")
        self.sheet = found.title

    def _header(self, book: _Book) -> tuple[int, int, tuple[str, ...]]:
        """Its row, its first column from 1, and its cells."""
        header = None
        for row in book.rows(book.find(self.sheet)):
            if not row.cells:
                continue
            if header is not None:
                if len(header.cells) == 1 < len(row.cells):
                    fail(
                        self.place(header.number),
                        "This row has one cell, and rows below it have more: it looks like a title.",
                        "Delete what stands above the header row of the table.",
                    )
                break
            header = row
        if header is None:
            what = f"The sheet {printable(self.sheet)} is empty."
            return fail(self.file.name, what, "A job needs a header row, and rows under it.")
        first, last = min(header.cells), max(header.cells)
        names = (header.cells.get(column, _BLANK).text(book) for column in range(first, last + 1))
        return header.number, first, tuple((name or "").strip() for name in names)

    def _cells(self, row: _Row, book: _Book, problems: Problems) -> list[str] | None:
        """The texts of a row; None if one cannot be had, which is told."""
        found = [""] * len(self.columns)
        sound = True
        for column, cell in row.cells.items():
            place = column - self._first
            if not 0 <= place < len(found):
                where = f"{self.file.name}, {printable(self.sheet)}!{_letters(column)}{row.number}"
                what = "This cell stands beside the table, under no column's name."
                problems.add(where, what, "Name its column, or empty the cell.")
                sound = False
                continue
            text = cell.text(book)
            if text is None:
                problems.add(self.place(row.number, self.columns[place]), *cell.fault())
                sound = False
                continue
            if cell.rounded:
                name = self.place(row.number, self.columns[place])
                problems.warn(
                    (self.file.path, "digits", column),
                    f"{name} is a number of more than 15 digits, and Excel has rounded it. If it is a name, "
                    "format the column as text and write it again.",
                )
            found[place] = text
        return found if sound else None

    def _tell(self, rows: _Rows, sheets: int, problems: Problems) -> None:
        """What is unusual about the sheet, as it shows at its end."""
        if sheets > 1 and not self._named:
            what = f"{self.file.name} has {sheets} sheets; the first, {printable(self.sheet)}, is read."
            problems.warn((self.file.path, "sheets"), f"{what} --sheet names another.")
        hidden = rows.hidden
        if hidden:
            one = "row is hidden, by a filter say, and belongs"
            more = "rows are hidden, by a filter say, and belong"
            many = f"{hidden:,} {one if hidden == 1 else more}"
            problems.warn((self.file.path, "hidden"), f"{self.file.name}: {many} to the job all the same.")
        for area in rows.merged:
            low = int(re.sub("[A-Z$]", "", area.rpartition(":")[2]) or 0)
            if low > self.header_line:
                problems.add(
                    f"{self.file.name}, {printable(self.sheet)}!{area}",
                    "These cells are merged: only the first of them has a value.",
                    "Unmerge them in Excel, and write the value into each.",
                )


class _Cell:
    """A cell that is not blank: what openpyxl's parser tells of it. stale: a formula without a result."""

    __slots__ = ("kind", "stale", "style", "value")

    def __init__(self, value: Any, kind: str, style: int, *, stale: bool = False) -> None:
        self.value, self.kind, self.style, self.stale = value, kind, style, stale

    def text(self, book: _Book) -> str | None:
        """As a CSV would hold it; None if it has a fault."""
        if self.stale or self.kind == "e":
            return None
        value = self.value
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return book.number(value, self.style)
        return moment(value) if isinstance(value, date | time | timedelta) else ""

    @property
    def rounded(self) -> bool:
        """Whether Excel could not keep all digits that were typed."""
        return self.kind == "n" and isinstance(self.value, int | float) and abs(self.value) >= EXACT

    def fault(self) -> tuple[str, str]:
        """What is wrong with it, and what to do."""
        if self.stale:
            return "The formula in this cell was never calculated.", "Open the file in Excel and save it."
        if self.kind == "e":
            return f"This cell holds the error {self.value}.", "Correct its formula, or empty the cell."
        return "This is no date that exists.", "Write it like 2026-11-24."


_BLANK: Final = _Cell("", "s", 0)


class _Row:
    """number: in the sheet. cells: by column, from 1; only those that are not blank."""

    __slots__ = ("cells", "number")

    def __init__(self, number: int, cells: Mapping[int, _Cell]) -> None:
        self.number, self.cells = number, cells


class _Rows:
    """A pass over the rows of a sheet. hidden: rows that are; merged: areas that are; known at the end."""

    def __init__(self, read: Callable[[_Rows], Iterator[_Row]]) -> None:
        self.hidden = 0
        self.merged: list[str] = []
        self._read = read

    def __iter__(self) -> Iterator[_Row]:
        return self._read(self)


class _Book:
    """A workbook, read by openpyxl. Raises JobError."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.name = name
        if file.read(4) == _OLE:
            what = "This workbook is protected by a password, or it is an old .xls by another name."
            fail(name, what, "Take the password away (File, Info, Protect Workbook), and save it as .xlsx.")
        file.seek(0)
        try:
            import openpyxl  # noqa: PLC0415 (an extra)
        except ImportError:
            fail(name, "To read Excel workbooks, openpyxl is needed.", 'pip install "bulkexo[xlsx]"')
        with self._sound(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles, charts and rules, none of which is read here
            self._book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """Whatever a library may say of a file that is none."""
        try:
            yield
        except (OSError, MemoryError):
            raise
        except Exception as error:  # openpyxl, zipfile and expat raise of all kinds
            fail(self.name, f"{_UNREADABLE} ({type(error).__name__}).", _SAVE)

    @property
    def names(self) -> list[str]:
        """The sheets that are shown."""
        return [sheet.title for sheet in self._book.worksheets if sheet.sheet_state == "visible"]

    def find(self, name: str) -> Any:
        """The sheet of this name, case aside, as Excel has it; None if there is none."""
        wanted = name.strip().lower()
        return next((sheet for sheet in self._book.worksheets if sheet.title.lower() == wanted), None)

    def rows(self, sheet: Any) -> _Rows:
        """The rows of a sheet, of which one at a time is in memory."""

        def read(about: _Rows) -> Iterator[_Row]:
            stream = self._elements(sheet, about)
            while True:
                with self._sound():
                    row = next(stream, None)
                if row is None:
                    return
                yield row

        return _Rows(read)

    def _elements(self, sheet: Any, about: _Rows) -> Iterator[_Row]:
        from openpyxl.worksheet import _reader  # noqa: PLC0415
        from openpyxl.xml.functions import iterparse  # noqa: PLC0415

        parser = _reader.WorkSheetParser(None, sheet._shared_strings, data_only=True)
        data: Any = None
        with sheet._get_source() as source:
            for event, element in iterparse(source, events=("start", "end")):
                if event == "start":
                    data = element if element.tag == _reader.DATA_TAG else data
                elif element.tag == _reader.ROW_TAG:
                    number, cells = parser.parse_row(element)
                    kept = self._kept(element, cells)
                    if kept and element.get("hidden") in ("1", "true"):
                        about.hidden += 1
                    parser.row_dimensions.clear()
                    yield _Row(number, kept)
                    data.clear()
                elif element.tag == _reader.MERGE_TAG:
                    about.merged = [each.get("ref", "") for each in element]
        if data is None:
            raise ValueError("no sheetData")

    def _kept(self, row: Any, cells: Sequence[Mapping[str, Any]]) -> dict[int, _Cell]:
        """The cells that are not blank, by column."""
        kept: dict[int, _Cell] = {}
        for element, cell in zip(row, cells, strict=True):
            value = cell["value"]
            if value is None:
                names = [part.tag.rpartition("}")[2] for part in element]
                if "f" in names and not ("v" in names and element.get("t") == "str"):  # that is its ""
                    kept[cell["column"]] = _Cell(None, "f", 0, stale=True)
            elif value != "":
                kept[cell["column"]] = self._dated(value, cell["data_type"], cell["style_id"])
        return kept

    def _dated(self, value: Any, kind: str, style: int) -> _Cell:
        """A number whose format is that of a date, as one."""
        if kind != "n" or style not in self._book._date_formats:
            return _Cell(value, kind, style)
        from openpyxl.utils.datetime import from_excel  # noqa: PLC0415

        try:
            span = style in self._book._timedelta_formats
            return _Cell(from_excel(value, self._book.epoch, timedelta=span), "d", style)
        except (ValueError, OverflowError):
            return _Cell(value, "e", style)

    def number(self, value: float, style: int) -> str:
        """A number as text: 1 for 1.0, with the zeros before it that a format like 00000 shows."""
        if isinstance(value, float):
            text = format(value, ".15g")
            if "e" in text or float(text).is_integer():
                text = format(value, ".0f")
        else:
            text = str(value)
        shown = self._format(style)
        return text.zfill(len(shown)) if _ZEROS.fullmatch(shown) and text.isdecimal() else text

    def _format(self, style: int) -> str:
        """The number format of a style that the workbook has of its own; "" for Excel's."""
        number = self._book._cell_styles[style].numFmtId if style else 0
        return str(self._book._number_formats[number - 164]) if number >= 164 else ""


def moment(value: date | time | timedelta) -> str:
    """A date, with its time unless it is midnight; a time; a duration as .NET writes it."""
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value).isoformat()
    if isinstance(value, timedelta):
        sign, value = ("-", -value) if value < timedelta() else ("", value)
        minutes, seconds = divmod(value.seconds, 60)
        days = f"{value.days}." if value.days else ""
        return f"{sign}{days}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return value.isoformat()


def _letters(column: int) -> str:
    """1 → A, 27 → AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
