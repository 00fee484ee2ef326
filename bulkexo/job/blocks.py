"""Rows of text by column, some hundred at once: what holds for most cells is found out of all together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bulkexo.job.cells import SPECIAL

_MAY_BE_SPECIAL: Final = re.compile("\n[" + re.escape("".join(sorted(SPECIAL))) + "]")


@dataclass(slots=True)
class Block:
    """Some rows that follow one another. lines: where each begins. columns: their cells, all of them text.

    simple: it is known of all cells that they begin with nothing SPECIAL.
    """

    lines: Sequence[int]
    columns: Sequence[Sequence[str]]
    simple: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The cells of each row."""
        return zip(*self.columns, strict=True)

    def texts(self, place: int) -> bool:
        """Whether it is certain that no cell of a column begins with anything SPECIAL."""
        return self.simple or _MAY_BE_SPECIAL.search("\n" + "\n".join(self.columns[place])) is None


def simple_block(text: str, delimiter: str, width: int, line: int) -> Block | None:
    """Whole lines of a CSV as a block, where each is a row and nothing has to be parsed: as many cells in
    each as there are columns, the first of them filled, no quotes. None otherwise. line: of the first."""
    text = text.replace("\r\n", "\n")
    if not text.endswith("\n"):
        text += "\n"
    if '"' in text or "\r" in text:
        return None
    count = text.count("\n")
    # Between two rows stands a cell of its own; it must come behind as many cells as there are columns.
    flat = text.replace("\n", f"{delimiter}\n{delimiter}")
    cells = flat.split(delimiter)
    step = width + 1
    if len(cells) != count * step + 1 or cells[width::step].count("\n") != count:
        return None
    columns = [cells[place:-1:step] for place in range(width)]
    if not all(columns[0]):
        return None
    signs = re.escape("".join(sorted(SPECIAL - {"\r", "\n", delimiter})))
    special = re.search(f"{re.escape(delimiter)}[{signs}]", delimiter + flat)
    return Block(range(line, line + count), columns, simple=special is None)
