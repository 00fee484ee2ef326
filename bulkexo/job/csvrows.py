"""A CSV as a stream of rows: dialect and header at the head, each row with the line it begins at."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, Protocol, TextIO

from bulkexo.job.blocks import Block, simple_block
from bulkexo.job.problems import Problems, changed, fail, printable
from bulkexo.job.text import TextFile
from bulkexo.model import Value

DELIMITERS: Final = ",;\t"
CELL_LIMIT: Final = 16 << 20
"""Characters in one cell."""

MASK: Final = "<secret>"
"""What failed.csv holds where a secret was."""

_HEAD = 256 << 10
_BLOCK = 32 << 10
_SAMPLE = 50
_SEP = re.compile(r'"?sep=(.?)"?[\r\n]*', re.IGNORECASE)
_FINISHED = "Correct the row: one cell for each column, and cells that hold the delimiter in quotes."


@dataclass(slots=True)
class _At:
    """How far a file is read. line: the last that is. lost: what comes behind it cannot be trusted."""

    line: int
    lost: bool = False


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
                if _filled(cells):
                    return tuple(cell.strip() for cell in cells), line
                line = self.preamble + reader.line_num + 1
        except csv.Error:
            fail(self.place(line), "The header row cannot be read.", "Check the quotes in the first lines.")
        return fail(self.file.name, "The file is empty.", "A job needs a header row, and rows under it.")

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """Each data row: the line where it begins, and its cells, as many as there are columns.

        Rows that have no such form are problems and are left out; blank rows are left out.
        """
        for block in self.blocks(problems):
            yield from zip(block.lines, block.rows(), strict=True)

    def blocks(self, problems: Problems) -> Iterator[Block]:
        """The same, many rows at once. Before a row that is a problem a block ends, so that what is wrong
        with the rows before it can be told first."""
        width = len(self.columns)
        with self.file.reading() as text:
            at = self._behind_header(text, problems)
            while not at.lost and (lines := _whole_lines(text)):
                plain = MASK not in lines and len(lines) <= CELL_LIMIT
                if plain and (block := simple_block(lines, self.delimiter, width, at.line + 1)):
                    at.line += len(block)
                    yield block
                    continue
                for starts, rows in self._parsed(lines, text, at, problems):
                    yield from self._sound_ones(starts, rows, problems)

    def _behind_header(self, text: TextIO, problems: Problems) -> _At:
        """Read up to the header, and see that it is the one that was read before."""
        for _ in range(self.preamble):
            text.readline()
        at = _At(self.preamble)
        reader = csv.reader(text, delimiter=self.delimiter, strict=True)
        while not at.lost:
            try:
                row = next((row for row in reader if _filled(row)), list(self.columns))
                at.line = self.preamble + reader.line_num
                if tuple(cell.strip() for cell in row) != self.columns:
                    changed(self.file.name)
                break
            except csv.Error as error:
                self._tell(error, at, self.preamble + reader.line_num, problems)
        return at

    def _parsed(
        self, lines: str, text: TextIO, at: _At, problems: Problems
    ) -> Iterator[tuple[list[int], list[list[str]]]]:
        """The rows of these lines, and of those that follow where the last row goes on there, with the line
        where each begins; in parts, between which errors are told."""
        count = sum(1 for _ in io.StringIO(lines, newline=""))
        parts = chain(io.StringIO(lines, newline=""), text)
        reader = csv.reader(parts, delimiter=self.delimiter, strict=True)
        before = at.line
        while reader.line_num < count and not at.lost:
            starts: list[int] = []
            rows: list[list[str]] = []
            found = None
            try:
                for row in reader:
                    starts.append(at.line + 1)
                    rows.append(row)
                    at.line = before + reader.line_num
                    if reader.line_num >= count:
                        break
            except csv.Error as error:
                found = error
            yield starts, rows
            if found:
                self._tell(found, at, before + reader.line_num, problems)

    def _sound_ones(
        self, starts: Sequence[int], rows: Sequence[list[str]], problems: Problems
    ) -> Iterator[Block]:
        """Those rows that have the form of the header; others are told, unless they are blank."""
        width = len(self.columns)
        if {*map(len, rows)} == {width} and all(row[0] and MASK not in row for row in rows):
            yield Block(starts, list(zip(*rows, strict=True)))
            return
        lines: list[int] = []
        sound: list[list[str]] = []
        for line, row in zip(starts, rows, strict=True):
            if not _filled(row):
                continue
            if len(row) != width or MASK in row:
                if sound:
                    yield Block(lines, list(zip(*sound, strict=True)))
                    lines, sound = [], []
                self._refuse(row, line, problems)
            else:
                lines.append(line)
                sound.append(row)
        if sound:
            yield Block(lines, list(zip(*sound, strict=True)))

    def _refuse(self, row: list[str], line: int, problems: Problems) -> None:
        width = len(self.columns)
        if len(row) == width:
            masked(self, line, row, problems)
            return
        which = "many" if len(row) > width else "few"
        what = f"The row has too {which} cells: {len(row)}, where the header has {width}."
        problems.add(self.place(line), what, _FINISHED)

    def _tell(self, error: csv.Error, at: _At, line: int, problems: Problems) -> None:
        """Tell what the csv module found in the row that ends at this line."""
        place, at.line = self.place(at.line + 1), line
        said = str(error)
        if "unexpected end" in said or "limit" in said:
            at.lost = True
            problems.add(
                place,
                "A quote opens here and is never closed, or a cell is longer than 16 million characters.",
                'Close the quote; a quote inside a quoted cell is written twice ("").',
            )
            return
        problems.add(
            place,
            "After the closing quote of a cell comes neither a delimiter nor the end of the row.",
            'Write a quote inside a quoted cell twice ("").',
        )


def _whole_lines(text: TextIO) -> str:
    """The next lines, some thousand characters of them; "" at the end."""
    lines = text.read(_BLOCK)
    return lines if not lines or lines.endswith("\n") else lines + text.readline()


def _filled(row: Sequence[str]) -> bool:
    return any(cell.strip() for cell in row)


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
        rows.extend(row for row in islice(reader, _SAMPLE) if _filled(row))
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
