"""Values as the cells of a sheet of XlsxWriter's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypeAlias

Write: TypeAlias = Callable[[Any, int, int, Any], None]
"""Writes a cell: (sheet, row, column, value), row and column from 0."""

CELL_LIMIT: Final = 32_767
"""UTF-16 units of a cell."""
CUT: Final = " … (cut)"
_EPOCH: Final = datetime(1899, 12, 30)
_FIRST: Final = datetime(1900, 3, 1)
"""The first day that all programs number alike: Excel has a 29th of February 1900."""
_EXACT: Final = 10**15
"""Excel keeps 15 digits."""
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile("(?=_x[0-9A-Fa-f]{4}_)")


def booleans(shown: Any) -> Write:
    """How booleans are written. shown: the cell's format, as for the others."""

    def write(sheet: Any, row: int, column: int, value: bool) -> None:
        sheet.write_boolean(row, column, value, shown)

    return write


def numbers(shown: Any) -> Write:
    """How numbers are: those that Excel would round as texts."""

    def write(sheet: Any, row: int, column: int, value: float) -> None:
        if isinstance(value, int) and abs(value) >= _EXACT:
            sheet.write_string(row, column, str(value))
        else:
            sheet.write_number(row, column, value, shown)

    return write


def moments(shown: Any) -> Write:
    """How dates are: days since Excel's epoch; those before it as texts."""

    def write(sheet: Any, row: int, column: int, value: date) -> None:
        moment = value if isinstance(value, datetime) else datetime(*value.timetuple()[:3])
        if moment < _FIRST:
            sheet.write_string(row, column, str(value))
        else:
            since = moment - _EPOCH
            days = since.days + (since.seconds + since.microseconds / 1_000_000) / 86_400
            sheet.write_number(row, column, days, shown)

    return write


def texts(cut: Callable[[], None]) -> Write:
    """How texts are: as texts, whatever they look like. cut: called for each that is too long for Excel."""

    def write(sheet: Any, row: int, column: int, value: str) -> None:
        text = legal(value)
        if len(text) * 2 > CELL_LIMIT and (fitting := fitted(text)) != text:
            cut()
            text = fitting
        sheet.write_string(row, column, text)

    return write


def legal(text: str) -> str:
    """The text with `�` for each character that XML cannot hold; and never what XlsxWriter would take
    for marked-up text of its own."""
    text = _ILLEGAL.sub("\ufffd", text)
    return text + "\u200b" if text.startswith("<r>") and text.endswith("</r>") else text


def escaped(text: str) -> str:
    """The text so that Excel does not take `_x0041_` in it for the character A."""
    return _ESCAPE.sub("_x005F", text)


def fitted(text: str) -> str:
    """The text, cut and marked where Excel could not hold it."""
    units = text.encode("utf-16-le")
    if len(units) <= CELL_LIMIT * 2:
        return text
    return units[: (CELL_LIMIT - len(CUT)) * 2].decode("utf-16-le", "ignore") + CUT
