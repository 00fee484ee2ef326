"""results.ndjson and failed.csv, written while the run goes, by one task and off the event loop."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import anyio

from bulkexo.journal.folder import RunFolder
from bulkexo.journal.lines import failed_cells, line, sound
from bulkexo.model import Outcome, Status, StoppedError, UsageError

WAITING_LIMIT = 200
"""Replies' worth of outcomes that may wait for the disk before the scheduler has to."""

ERROR_COLUMN = "Error"


class _Appending:
    """A file that only grows by whole pieces: one that fails to be written leaves nothing of itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO = path.open("xb", buffering=0)
        self.size = 0

    def append(self, piece: bytes) -> None:
        view = memoryview(piece)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError:
            self.cut(self.size)
            raise
        self.size += len(piece)

    def cut(self, size: int) -> None:
        """Take back what stands behind the first `size` bytes."""
        self._file.truncate(size)
        self._file.seek(size)
        self.size = size

    def close(self) -> None:
        self._file.close()

    def remove(self) -> None:
        """Take the file back: nothing happened that it should tell of."""
        self.close()
        self._path.unlink()


class Results:
    """Both files, as an async context manager; opened before anything is sent.

    columns: of the job's rows. secret_columns: those whose cells are marked instead of written.
    on_failure: called once with a StoppedError when the disk refuses; what could not be written is tried
    again with what comes after, and `unwritten` tells how many outcomes it is.
    Raises UsageError if the files cannot be made.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        columns: Sequence[str],
        secret_columns: Collection[str],
        on_failure: Callable[[StoppedError], None],
    ) -> None:
        self._columns = [name for name in columns if name != ERROR_COLUMN]
        self._secret_columns = secret_columns
        self._on_failure = on_failure
        self._told = False
        self._pending: list[Outcome] = []
        opened: list[_Appending] = []
        try:
            for path in (folder.results, folder.failed):
                opened.append(_Appending(path))
            header = _csv([[*self._columns, ERROR_COLUMN]])
            opened[1].append(b"\xef\xbb\xbf" + header)  # the mark by which Excel knows UTF-8
        except OSError as error:
            for file in opened:
                file.remove()
            raise UsageError(f"The files of {folder.path} cannot be written ({error.strerror}).") from None
        self._results, self._failed = opened
        self._send, self._receive = anyio.create_memory_object_stream[Sequence[Outcome]](math.inf)
        self._room = anyio.Semaphore(WAITING_LIMIT)

    async def __aenter__(self) -> Results:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._results.close()
        self._failed.close()
        self._send.close()
        self._receive.close()

    @property
    def unwritten(self) -> int:
        """Outcomes that the disk did not take."""
        return len(self._pending)

    async def put(self, outcomes: Sequence[Outcome]) -> None:
        """Hand outcomes to the writer; waits while it is far behind."""
        await self._room.acquire()
        self._send.send_nowait(outcomes)

    def end(self) -> None:
        """No more will come: `write_all` ends when it has written what there is."""
        self._send.close()

    async def write_all(self) -> None:
        """The writer's task: takes all that waits, writes it in one piece, and again."""
        async for first in self._receive:
            group = list(first)
            self._room.release()
            while self._receive.statistics().current_buffer_used:
                group += self._receive.receive_nowait()
                self._room.release()
            await self._write(group)
        if self._pending:  # there may be room by now
            await self._write([])

    async def _write(self, group: list[Outcome]) -> None:
        self._pending += group
        try:
            await anyio.to_thread.run_sync(self._append, self._pending)
        except OSError as error:
            reason = error.strerror or str(error)
            if not self._told:
                self._told = True
                self._on_failure(
                    StoppedError(f"The results cannot be written ({reason}). Make room, then go on.")
                )
        else:
            self._pending = []

    def _append(self, outcomes: Sequence[Outcome]) -> None:
        rows = [
            failed_cells(outcome, self._columns, self._secret_columns)
            for outcome in outcomes
            if outcome.status in (Status.FAILED, Status.UNKNOWN)
        ]
        before = self._failed.size
        if rows:
            self._failed.append(_csv(rows))
        try:
            self._results.append(b"".join(map(line, outcomes)))
        except OSError:
            self._failed.cut(before)  # all of this comes again: nothing may stand twice
            raise


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    try:
        return text.getvalue().encode()
    except UnicodeEncodeError:
        return sound(text.getvalue()).encode()
