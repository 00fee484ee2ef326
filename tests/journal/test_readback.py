"""Reading back a long run: nine bytes a row, whatever the lines hold."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from bulkexo.journal import RunFolder
from bulkexo.journal.past import recall
from bulkexo.model import Status

from .helpers import folder as filled
from .helpers import item, outcome

ROWS = 100_000
PIECE = 1000
BESIDE = 1_000_000
"""Bytes for buffers and whatever does not grow with the rows."""


def long_run(path: Path) -> RunFolder:
    """A run of many rows, a hundredth of which failed; its lines are copies of a thousand."""
    ends = [
        outcome(item(row), Status.FAILED if row % 100 == 0 else Status.SUCCEEDED)
        for row in range(1, PIECE + 1)
    ]
    run = filled(path, ends, [each.item for each in ends])
    lines = {file: file.read_bytes().splitlines(keepends=True) for file in (run.results, run.announced)}
    for file, first in lines.items():
        with file.open("ab") as out:
            for begin in range(PIECE, ROWS, PIECE):
                for number, line in enumerate(first, 1):
                    old, new = str(number).encode(), str(begin + number).encode()
                    line = line.replace(b'"row":' + old, b'"row":' + new)  # noqa: PLW2901
                    out.write(line.replace(b"[[" + old, b"[[" + new))
    return run


def test_memory_is_nine_bytes_a_row(tmp_path: Path) -> None:
    run = long_run(tmp_path)
    tracemalloc.start()
    past = recall(run, ROWS, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert past.counts == {Status.SUCCEEDED: ROWS * 99 // 100, Status.FAILED: ROWS // 100}
    assert (past.in_doubt, past.strangers, past.torn) == (0, 0, 0)
    assert peak < 9 * ROWS + BESIDE
