"""A CSV as a stream of rows: dialect and header at the head, each row with the line it begins at."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

from bulkexo.job.problems import Problems, changed, fail, printable
from bulkexo.job.text import TextFile
from bulkexo.model import Value

DELIMITERS: Final = ",;\t"
CELL_LIMIT: Final = 16 << 20
"""Characters in one cell."""

MASK: Final = "<secret>"
"""What failed.csv holds where a secret was."""

_HEAD = 256 << 10
_SAMPLE = 50
_SEP = re.compile(r'"?sep=(.?)"?[\r\n]*', re.IGNORECASE)
_FINISHED = "Correct the row: one cell for each column, and cells that hold the delimiter in quotes."


class CsvRows:
    """The rows of a CSV file. columns: the header's cells; delimiter: one character.

    `preamble`: lines before the header, which are no rows.
    """

    typed = False

    def __init__(self, file: TextFile, problems: Problems) -> None:
        csv.field_size_limit(CELL_LIMIT)
        self.file = file
        self.files = (file,)
        head = file.head(_HEAD)
        if "\0" in head:
            file.report(problems)
            raise problems.error()
        self.preamble, delimiter, start = _preamble(file, head)
        rest = head[start:]
        self.delimiter = delimiter or _delimiter(rest, whole=len(head) < _HEAD)
        self.columns, self.header_line = self._header(rest)
        check_header(self, problems)

    def place(self, line: int, column: str | None = None) -> str:
        """A line, and a column of it, as messages write them."""
        return self.file.where(line) + (f", column {printable(column)}" if column else "")

    def _header(self, rest: str) -> tuple[tuple[str, ...], int]:
        """Its cells, and the line where it begins."""
        reader = csv.reader(io.StringIO(rest, newline=""), delimiter=self.delimiter)
        line = self.preamble + 1
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    return tuple(cell.strip() for cell in cells), line
                line = self.preamble + reader.line_num + 1
        except csv.Error:
            fail(self.place(line), "The header row cannot be read.", "Check the quotes in the first lines.")
        return fail(self.file.name, "The file is empty.", "A job needs a header row, and rows under it.")

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """Each data row: the line where it begins, and its cells, as many as there are columns.

        Rows that have no such form are problems and are left out; blank rows are left out.
        """
        width = len(self.columns)
        with self.file.reading() as text:
            for _ in range(self.preamble):
                text.readline()
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            header_pending = True
            line = last = 0
            while True:
                try:
                    for row in reader:
                        line, last = last + 1, reader.line_num
                        if len(row) == width and row[0] and MASK not in row and not header_pending:
                            yield self.preamble + line, row
                        elif not any(cell.strip() for cell in row):
                            continue
                        elif header_pending:
                            header_pending = False
                            if tuple(cell.strip() for cell in row) != self.columns:
                                changed(self.file.name)
                        elif self._sound(row, self.preamble + line, problems):
                            yield self.preamble + line, row
                    break
                except csv.Error as error:
                    line, last = last + 1, reader.line_num
                    if not self._goes_on(error, self.preamble + line, problems):
                        break

    def _sound(self, row: list[str], line: int, problems: Problems) -> bool:
        width = len(self.columns)
        if len(row) != width:
            which = "many" if len(row) > width else "few"
            what = f"The row has too {which} cells: {len(row)}, where the header has {width}."
            problems.add(self.place(line), what, _FINISHED)
            return False
        return not masked(self, line, row, problems)

    def _goes_on(self, error: csv.Error, line: int, problems: Problems) -> bool:
        """Tell what the csv module found; False if the rest of the file cannot be trusted."""
        said = str(error)
        if "unexpected end" in said or "limit" in said:
            problems.add(
                self.place(line),
                "A quote opens here and is never closed, or a cell is longer than 16 million characters.",
                'Close the quote; a quote inside a quoted cell is written twice ("").',
            )
            return False
        problems.add(
            self.place(line),
            "After the closing quote of a cell comes neither a delimiter nor the end of the row.",
            'Write a quote inside a quoted cell twice ("").',
        )
        return True


def _preamble(file: TextFile, head: str) -> tuple[int, str | None, int]:
    """PowerShell's `#TYPE …` and Excel's `sep=;`: how many lines, the delimiter if named, where they end."""
    lines, start, delimiter = 0, 0, None
    while True:
        end = min(
            (at for at in (head.find("\n", start), head.find("\r", start)) if at >= 0), default=len(head)
        )
        line = head[start:end]
        named = _SEP.fullmatch(line)
        if named:
            delimiter = named.group(1)
            if not delimiter or delimiter not in DELIMITERS + "|":
                fail(
                    file.where(lines + 1),
                    "sep= names no delimiter that is known.",
                    "Write sep=, or sep=; or a tab.",
                )
        elif not line.startswith("#TYPE"):
            return lines, delimiter, start
        lines += 1
        start = end + (2 if head.startswith("\r\n", end) else 1)


def _delimiter(head: str, *, whole: bool) -> str:
    """The delimiter that makes the head a table: most columns, in rows that agree with the header."""
    best, best_score = ",", (0.0, 0)
    for candidate in DELIMITERS:
        rows = _rows(head, candidate)
        if not whole and len(rows) > 1:
            rows.pop()  # it may be cut
        if not rows or len(rows[0]) < 2:
            continue
        body = rows[1:]
        agreeing = sum(len(row) == len(rows[0]) for row in body) / len(body) if body else 1.0
        score = ((len(rows[0]) - 1) * agreeing, -len(rows[0][0]))
        if score > best_score or best_score == (0.0, 0):
            best, best_score = candidate, score
    return best


def _rows(head: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        rows.extend(row for row in islice(reader, _SAMPLE) if any(cell.strip() for cell in row))
    except csv.Error:
        return rows
    return rows


class Headed(Protocol):
    """Rows under a header that was written by hand."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def header_line(self) -> int: ...

    def place(self, line: int, column: str | None = None) -> str: ...


def masked(rows: Headed, line: int, row: Sequence[str], problems: Problems) -> bool:
    """Whether a secret was left out of this row, which is told."""
    names = [name for name, cell in zip(rows.columns, row, strict=True) if cell == MASK]
    for name in names:
        what = f"{MASK} stands where a run left out a secret."
        problems.add(rows.place(line, name), what, "Put the value in again.")
    return bool(names)


def check_header(rows: Headed, problems: Problems) -> None:
    """Tell of columns without a name of their own."""
    place = rows.place(rows.header_line)
    empty = [str(number) for number, name in enumerate(rows.columns, 1) if not name]
    if empty:
        which = f"Column {empty[0]} has" if len(empty) == 1 else f"Columns {', '.join(empty)} have"
        problems.add(place, f"{which} no name.", "Name every column, or delete the ones that are empty.")
    counts = Counter(name.lower() for name in rows.columns if name)
    for name, count in counts.items():
        if count > 1:
            what = f"{count} columns are called {printable(name)}; case makes no difference."
            problems.add(place, what, "Keep one of them, or rename the others.")
