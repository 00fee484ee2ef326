"""Tables of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown."""
    lines = [_line(header), _line(["---"] * len(header)), *map(_line, rows)]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Text as code, in a cell too."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}" if text else ""


def plain(text: str) -> str:
    """Text in which no sign of Markdown or HTML means anything."""
    for sign in "\\`*_[]<>{}$":
        text = text.replace(sign, "\\" + sign)
    return text


def escaped(text: str) -> str:
    """Text of a help: what it has between backquotes stays code, no other sign means anything."""
    pieces = text.split("`")
    return "".join(
        f"`{piece}`" if number % 2 else re.sub(r"([\\*_\[\]<>{}$])", r"\\\1", piece)
        for number, piece in enumerate(pieces)
    )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
