"""Files of a run folder that only grow, and failed.csv as text."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import orjson

from bulkexo.journal.folder import RunFolder
from bulkexo.journal.lines import failed_cells, sound
from bulkexo.journal.past import Past
from bulkexo.model import Item
from bulkexo.whole import whole

ERROR_COLUMN = "Error"
MARK = b"\xef\xbb\xbf"
"""By which Excel knows UTF-8."""


class Appending:
    """A file that only grows by whole pieces: one that fails to be written leaves nothing of itself.

    path: made anew (raises FileExistsError if it is there), or, with `keep`, gone on with after its first
    `keep` bytes (made if a crash came before it). Raises OSError.
    """

    def __init__(self, path: Path, keep: int | None = None) -> None:
        self._path = path
        if keep is not None:
            path.touch()
        self._file: BinaryIO = path.open("xb" if keep is None else "r+b", buffering=0)
        self.size = 0
        self._uncut = False
        if keep is not None:
            self._cut(keep)

    def append(self, piece: bytes | bytearray) -> None:
        """Write it all, or nothing."""
        if self._uncut:
            self._cut(self.size)
        view = memoryview(piece)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError:
            self.take_back(self.size)
            raise
        self.size += len(piece)

    def take_back(self, size: int) -> None:
        """What stands behind the first `size` bytes is void. A disk that refuses even that is asked again
        before anything is written: what is void must never stand before what is not."""
        self.size, self._uncut = size, True
        with contextlib.suppress(OSError):
            self._cut(size)

    def _cut(self, size: int) -> None:
        self._file.truncate(size)
        self._file.seek(size)
        self.size, self._uncut = size, False

    def sync(self) -> None:
        """Return when the disk has it."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def remove(self) -> None:
        """Take the file back: nothing happened that it should tell of."""
        self.close()
        self._path.unlink()


def in_one(lines: Iterable[bytes]) -> bytearray:
    """The lines in one piece. None of them is held: orjson leaves 4 to 8 KB empty behind each."""
    piece = bytearray()
    for each in lines:
        piece += each
    return piece


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as UTF-8 CSV."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    try:
        return text.getvalue().encode()
    except UnicodeEncodeError:
        return sound(text.getvalue()).encode()


def own_columns(columns: Sequence[str]) -> list[str]:
    """Those of a job that failed.csv repeats: not the Error of the failed.csv that it may be itself."""
    return [name for name in columns if name != ERROR_COLUMN]


def header(columns: Sequence[str]) -> bytes:
    """The start of failed.csv. columns: its own."""
    return MARK + csv_bytes([[*columns, ERROR_COLUMN]])


def rewrite_failed(
    folder: RunFolder,
    past: Past,
    items: Iterable[Item],
    columns: Sequence[str],
    secret_columns: Collection[str],
) -> None:
    """Make failed.csv from the record of truth: a crash may have left it ahead of it. Raises OSError."""
    columns = own_columns(columns)
    folder.results.touch()  # a crash may have come before it
    with whole(folder.failed) as file, folder.results.open("rb") as results:
        file.write(header(columns))
        for item in items:
            offset = past.in_trouble(item)
            if offset is not None:
                results.seek(offset)
                error = orjson.loads(results.readline()).get("error") or {}
                row = failed_cells(item, str(error.get("message", "")), columns, secret_columns)
                file.write(csv_bytes([row]))
