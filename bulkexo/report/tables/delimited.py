"""CSV: for Excel, where no text may become a formula; or plain, for programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO, Final

from bulkexo.report.tables.cells import TYPED, Shape, Sink, cells
from bulkexo.report.tables.columns import Column, Kind, Row

MARK: Final = b"\xef\xbb\xbf"
"""By which Excel knows UTF-8."""
PIECE: Final = 1 << 18
"""Characters that are written at once."""
RISKY: Final = frozenset("=+-@\t\r\n＝＋－＠")
"""What a text that Excel takes for a formula begins with (OWASP, CSV Injection)."""
_NUMBER = re.compile(r"-\d+([.,]\d+)?", re.ASCII)


def defused(text: str) -> str:
    """The text with an apostrophe before it if it could be taken for a formula; -5 is a number."""
    return "'" + text if text[:1] in RISKY and text and not _NUMBER.fullmatch(text) else text


def spaced(moment: datetime) -> str:
    """`2026-11-24 09:30:00`: what Excel reads as a date."""
    return moment.isoformat(" ", "seconds")


def iso(moment: datetime) -> str:
    """`2026-11-24T09:30:00`, with its fraction if it has one."""
    return moment.isoformat()


def iso_utc(moment: datetime) -> str:
    """The same, with `Z`."""
    return moment.isoformat() + "Z"


class DelimitedFile(Sink):
    """A CSV (RFC 4180): UTF-8, lines end with CR LF. target: open for writing, and stays open.

    plain: without the byte order mark, texts as they are, dates as ISO 8601.
    """

    def __init__(self, target: BinaryIO, columns: Sequence[Column], *, delimiter: str, plain: bool) -> None:
        if not plain:
            target.write(MARK)
        self._target = target
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, delimiter=delimiter, lineterminator="\r\n")
        self._cells = cells(columns, _shapes(plain=plain))
        names = [column.name for column in columns]
        self._writer.writerow(names if plain else map(defused, names))

    def write(self, row: Row) -> None:
        """One more line."""
        self._writer.writerow(self._cells(row))
        if self._text.tell() >= PIECE:
            self.close()

    def close(self) -> None:
        """Write what is left."""
        self._target.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


def _shapes(*, plain: bool) -> Mapping[Kind, Shape]:
    def then(kind: Kind, last: Shape) -> Shape:
        first = TYPED[kind]

        def shape(value: Any) -> Any:
            made = first(value)
            return None if made is None else last(made)

        return shape

    texts = (Kind.TEXT, Kind.LIST, Kind.TREE)
    return {
        **TYPED,
        Kind.BOOLEAN: then(Kind.BOOLEAN, str),
        Kind.UTC: then(Kind.UTC, iso_utc if plain else spaced),
        Kind.LOCAL: then(Kind.LOCAL, iso if plain else spaced),
        Kind.DAY: then(Kind.DAY, date.isoformat),
        **({} if plain else {kind: then(kind, defused) for kind in texts}),
    }
