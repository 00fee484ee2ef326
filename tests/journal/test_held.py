"""What the journal holds of lines: orjson leaves 4 to 8 KB empty behind each text that it returns."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from bulkexo.journal.files import in_one
from bulkexo.journal.lines import former, packed
from bulkexo.model import Item

NAMED = {"Identity": "ada"}
ITEM = Item(row=1, step=1, cmdlet="Set-Mailbox", identity="ada", parameters=NAMED, cells=NAMED)


def kept(count: int) -> int:
    """Formers of so many items, until they are written; their bytes."""
    return sum(map(len, [former(ITEM, "Get-Mailbox", None) for _ in range(count)]))


def joined(count: int) -> int:
    """So many lines in one piece; its bytes."""
    return len(in_one(packed({"row": number}) for number in range(count)))


@pytest.mark.parametrize("hold", [kept, joined])
def test_lines_take_what_they_are_long(hold: Callable[[int], int]) -> None:
    hold(1)
    tracemalloc.start()
    try:
        length = hold(500)
        assert tracemalloc.get_traced_memory()[1] < 2 * length + 100 * 500
    finally:
        tracemalloc.stop()
