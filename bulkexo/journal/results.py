"""The journal while a run goes: written by one task, off the event loop, a group at a time."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import anyio

from bulkexo.journal.files import Appending, csv_bytes, header, own_columns
from bulkexo.journal.folder import RunFolder
from bulkexo.journal.lines import announcement, failed_cells, line
from bulkexo.journal.past import Past
from bulkexo.model import Item, Outcome, Status, StoppedError, UsageError

WAITING_LIMIT = 200
"""Replies' worth of outcomes that may wait for the disk before the scheduler has to."""


@dataclass(slots=True)
class _Announcement:
    items: Sequence[Item]
    withdrawn: bool = False
    settled: anyio.Event = field(default_factory=anyio.Event)
    error: StoppedError | None = None


class Results:
    """results.ndjson, failed.csv and announced.ndjson, as an async context manager; opened before anything
    is sent.

    columns: of the job's rows. secret_columns: those whose cells are marked instead of written.
    on_failure: called with a StoppedError when the disk refuses; what could not be written is tried again
    with what comes after, and `unwritten` tells how many outcomes it is. wall: seconds since the epoch.
    past: of an earlier process, whose files are gone on with; their torn ends are cut off.
    sync: wait for the disk itself at every group. Raises UsageError if the files cannot be opened.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        columns: Sequence[str],
        secret_columns: Collection[str],
        on_failure: Callable[[StoppedError], None],
        wall: Callable[[], float],
        past: Past | None = None,
        sync: bool = True,
    ) -> None:
        self._columns = own_columns(columns)
        self._secret_columns = secret_columns
        self._on_failure = on_failure
        self._wall = wall
        self._sync = sync
        self._told = False
        self._pending: list[Outcome] = []
        self._waiting = 0  # outcomes that were put and are not on disk
        self._results, self._failed, self._announced = self._open(folder, past)
        self._send, self._receive = anyio.create_memory_object_stream[Sequence[Outcome] | _Announcement](
            math.inf
        )
        self._room = anyio.Semaphore(WAITING_LIMIT)

    def _open(self, folder: RunFolder, past: Past | None) -> list[Appending]:
        paths = (folder.results, folder.failed, folder.announced)
        keeps: tuple[int | None, ...] = (None, None, None)
        opened: list[Appending] = []
        try:
            if past is not None:
                keeps = (past.results_size, folder.failed.stat().st_size, past.announced_size)
            for path, keep in zip(paths, keeps, strict=True):
                opened.append(Appending(path, keep))
            if past is None:
                opened[1].append(header(self._columns))
        except OSError as error:
            for file in opened:
                with contextlib.suppress(OSError):  # the first refusal is what is told
                    file.close() if past else file.remove()
            raise UsageError(f"The files of {folder.path} cannot be written ({error.strerror}).") from None
        return opened

    async def __aenter__(self) -> Results:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (self._results, self._failed, self._announced):
            file.close()
        self._send.close()
        self._receive.close()

    @property
    def unwritten(self) -> int:
        """Outcomes that the disk did not take."""
        return len(self._pending)

    async def put(self, outcomes: Sequence[Outcome]) -> None:
        """Hand outcomes to the writer, at once: before anything that an item waited for their end with can
        be announced. Waits after that while the writer is far behind."""
        self._send.send_nowait(outcomes)
        self._waiting += len(outcomes)
        await self._room.acquire()

    async def announce(self, items: Sequence[Item]) -> None:
        """Return when the disk knows that these items are about to be sent, and how those ended that were
        announced and have ended before: a Set- that renames what a New- made must not be done when a crash
        could still leave the New- open. Raises StoppedError if the disk does not take it."""
        if not items and not (self._waiting and self._announced.size):
            return
        entry = _Announcement(items)
        await self._settle(entry)
        if entry.error is not None:
            raise entry.error

    async def withdraw(self, items: Sequence[Item]) -> None:
        """Take back the announcement of items that did not run. A disk that refuses leaves them in doubt."""
        await self._settle(_Announcement(items, withdrawn=True))

    async def _settle(self, entry: _Announcement) -> None:
        self._send.send_nowait(entry)
        await entry.settled.wait()

    def end(self) -> None:
        """No more will come: `write_all` ends when it has written what there is."""
        self._send.close()

    async def write_all(self) -> None:
        """The writer's task: takes all that waits, writes it in one piece, and again."""
        async for first in self._receive:
            outcomes: list[Outcome] = []
            announced: list[_Announcement] = []
            self._take(first, outcomes, announced)
            while self._receive.statistics().current_buffer_used:
                self._take(self._receive.receive_nowait(), outcomes, announced)
            await self._write(outcomes, announced)
        if self._pending:  # there may be room by now
            await self._write([], [])

    def _take(
        self,
        entry: Sequence[Outcome] | _Announcement,
        outcomes: list[Outcome],
        announced: list[_Announcement],
    ) -> None:
        if isinstance(entry, _Announcement):
            announced.append(entry)
        else:
            outcomes += entry
            self._room.release()

    async def _write(self, outcomes: list[Outcome], announced: list[_Announcement]) -> None:
        self._pending += outcomes
        error: StoppedError | None = None
        try:
            await anyio.to_thread.run_sync(self._append, self._pending, announced)
        except OSError as refused:
            reason = refused.strerror or str(refused)
            error = StoppedError(f"The results cannot be written ({reason}). Make room, then go on.")
            if not self._told:
                self._told = True
                self._on_failure(error)
        else:
            self._waiting -= len(self._pending)
            self._pending = []
        for entry in announced:
            entry.error = error
            entry.settled.set()

    def _append(self, outcomes: Sequence[Outcome], announced: Sequence[_Announcement]) -> None:
        """One group: the announcements, the failed rows, and last the lines that make it true; or nothing."""
        rows = [
            failed_cells(
                each.item,
                each.error.message if each.error else each.status.value,
                self._columns,
                self._secret_columns,
            )
            for each in outcomes
            if each.status in (Status.FAILED, Status.UNKNOWN)
        ]
        now = self._wall()
        pieces = (
            (self._announced, b"".join(_announcement(entry, now) for entry in announced if entry.items)),
            (self._failed, csv_bytes(rows)),
            (self._results, b"".join(map(line, outcomes))),
        )
        before = [file.size for file, _ in pieces]
        try:
            for file, piece in pieces:
                if piece:
                    file.append(piece)
            for file, piece in pieces:
                if piece and self._sync and file is not self._failed:  # that one can be made again
                    file.sync()
        except OSError:
            for (file, _), size in zip(pieces, before, strict=True):
                file.take_back(size)  # all of this comes again: nothing may stand twice
            raise


def _announcement(entry: _Announcement, now: float) -> bytes:
    return announcement(entry.items, now, withdrawn=entry.withdrawn)
