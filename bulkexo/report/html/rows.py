"""The table of items, packed as it comes: lines of JSON, deflated, in base64, in a file until it is needed.

Some 100,000 rows are a few MB so, which a mail takes, and the browser unpacks them.
"""

from __future__ import annotations

import base64
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from bulkexo.facts.ruling import Cause
from bulkexo.model import Status
from bulkexo.report.html.plain import shown

MOST = 200_000
"""Rows in the file at the most; the results have them all."""
PLAIN = 100
"""Rows that can be read without a script."""
MESSAGE = 400
BLOCK = 48 * 1024
"""Bytes that are written at once; a multiple of three, for base64."""
PACKED_AT = 64 * 1024
"""Bytes of rows that are packed at once."""

COLUMNS = ("Row", "Step", "Tenant", "Cmdlet", "Identity", "Status", "Cause", "Message", "Tries", "Time, s")
ALIKE = (1, 2, 3)
"""Columns that say nothing where all rows have the same there."""
Cells = tuple[int, int, str, str, str, str, str, str, int, float | None]
"""A row of the table, in the order of COLUMNS."""


class Rows:
    """total: rows that there were; kept: of these, in the file. plain: some, of the status that asks for most
    attention first. several: columns of ALIKE in which rows differ."""

    def __init__(self, most: int = MOST) -> None:
        self.total = 0
        self.kept = 0
        self.by_status: Counter[Status] = Counter()
        self.several: set[int] = set()
        self._first: Cells | None = None
        self._most = most
        self._plain: dict[Status, list[Cells]] = {}
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed by `close`)
        self._packing = zlib.compressobj(level=6, wbits=-zlib.MAX_WBITS)
        self._lines = bytearray()
        self._pending = b""

    def add(self, line: Mapping[str, Any], status: Status, why: Cause | None) -> None:
        """Take in an item."""
        self.total += 1
        self.by_status[status] += 1
        if self.kept >= self._most:
            return
        self.kept += 1
        cells = _cells(line, status, why)
        self._first = self._first or cells
        self.several.update(place for place in ALIKE if cells[place] != self._first[place])
        some = self._plain.setdefault(status, [])
        if len(some) < PLAIN:
            some.append(cells)
        self._lines += orjson.dumps(cells, option=orjson.OPT_APPEND_NEWLINE)
        if len(self._lines) >= PACKED_AT:
            self._pack()

    @property
    def plain(self) -> list[Cells]:
        """The rows that are shown without a script."""
        order = (Status.UNKNOWN, Status.FAILED, Status.SKIPPED, Status.UNCHANGED, Status.SUCCEEDED)
        return [cells for status in order for cells in self._plain.get(status, ())][:PLAIN]

    def _pack(self) -> None:
        if self._lines:
            self._write(self._packing.compress(self._lines))
            self._lines.clear()

    def _write(self, packed: bytes, *, last: bool = False) -> None:
        self._pending += packed
        whole = len(self._pending) if last else len(self._pending) // 3 * 3
        if whole >= BLOCK or last:
            self._file.write(base64.b64encode(self._pending[:whole]))
            self._pending = self._pending[whole:]

    def packed(self) -> Iterator[str]:
        """The packed rows, piece by piece. Once; nothing can be added after that."""
        self._pack()
        self._write(self._packing.flush(), last=True)
        self._file.seek(0)
        while piece := self._file.read(BLOCK):
            yield piece.decode("ascii")

    def close(self) -> None:
        """Give up the file."""
        self._file.close()


def _cells(line: Mapping[str, Any], status: Status, why: Cause | None) -> Cells:
    error = line.get("error") or {}
    message = error.get("message") or " ".join(map(str, line["warnings"]))
    return (
        line["row"],
        line["step"],
        shown(line.get("tenant"), 100),
        shown(line.get("cmdlet"), 100),
        shown(line.get("identity"), 256),
        status.value,
        why.words if why is not None and not status.good else "",
        shown(message, MESSAGE),
        line["attempts"],
        round(line["duration_ms"] / 1000, 2) if line["attempts"] else None,
    )
