"""Values as the cells of a sheet's XML (ECMA-376, part 1, 18.3.1.4): what follows on `<c r="A1"`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import product
from typing import Any, Final, TypeAlias

Draw: TypeAlias = Callable[[Any], str]

CELL_LIMIT: Final = 32_767
"""UTF-16 units of a cell."""
CUT: Final = " … (cut)"
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LETTERS: Final = tuple("".join(each) for length in (1, 2, 3) for each in product(_ALPHABET, repeat=length))
"""A, B, … Z, AA and so on: the names of columns."""
_EPOCH: Final = datetime(1899, 12, 30)
_FIRST: Final = datetime(1900, 3, 1)
"""The first day that all programs number alike: Excel has a 29th of February 1900."""
_EXACT: Final = 10**15
"""Excel keeps 15 digits."""
_SPECIAL = re.compile("[&<>\x00-\x1f\ud800-\udfff\ufffe\uffff]|_x[0-9A-Fa-f]{4}_|^\\s|\\s$")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile("(?=_x[0-9A-Fa-f]{4}_)")


def booleans(style: int) -> Draw:
    """How booleans are drawn. style: number of the cell's format, as for the others."""
    return lambda value: f' s="{style}" t="b"><v>{value:d}</v></c>'


def numbers(style: int) -> Draw:
    """How numbers are: those that Excel would round as texts."""

    def draw(value: float) -> str:
        if isinstance(value, int) and abs(value) >= _EXACT:
            return text_cell(str(value))
        return f' s="{style}"><v>{value!r}</v></c>'

    return draw


def moments(style: int) -> Draw:
    """How dates are: days since Excel's epoch; those before it as texts."""

    def draw(value: date) -> str:
        moment = value if isinstance(value, datetime) else datetime(*value.timetuple()[:3])
        if moment < _FIRST:
            return text_cell(str(value))
        since = moment - _EPOCH
        days = since.days + (since.seconds + since.microseconds / 1_000_000) / 86_400
        return f' s="{style}"><v>{days!r}</v></c>'

    return draw


def texts(cut: Callable[[], None], style: int = 0) -> Draw:
    """How texts are: as texts, whatever they look like. cut: called for each that is too long for Excel."""

    def draw(value: str) -> str:
        if len(value) * 2 > CELL_LIMIT and (fitting := fitted(value)) != value:
            cut()
            value = fitting
        return text_cell(value, style)

    return draw


def text_cell(value: str, style: int = 0) -> str:
    """A text that stands in the cell itself. What XML cannot hold becomes `�`."""
    look = f' s="{style}"' if style else ""
    if not _SPECIAL.search(value):
        return f'{look} t="inlineStr"><is><t>{value}</t></is></c>'
    value = escaped(_ILLEGAL.sub("\ufffd", value)).replace("\r", "_x000D_")
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'{look} t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'


def escaped(text: str) -> str:
    """The text so that Excel does not take `_x0041_` in it for the character A."""
    return _ESCAPE.sub("_x005F", text)


def row_xml(number: int, draws: Sequence[Draw], values: Sequence[Any]) -> str:
    """A row of a sheet, from 1. draws: how the cells of each column are drawn."""
    drawn = [f'<row r="{number}">']
    drawn += [
        f'<c r="{letters}{number}"{draw(value)}'
        for letters, draw, value in zip(LETTERS, draws, values, strict=False)
        if value is not None and value != ""
    ]
    drawn.append("</row>")
    return "".join(drawn)


def fitted(text: str) -> str:
    """The text, cut and marked where Excel could not hold it."""
    units = text.encode("utf-16-le", "replace")
    if len(units) <= CELL_LIMIT * 2:
        return text
    return units[: (CELL_LIMIT - len(CUT)) * 2].decode("utf-16-le", "ignore") + CUT
