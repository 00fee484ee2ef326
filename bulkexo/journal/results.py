"""The journal while a run goes: written by one task, off the event loop, a group at a time."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any

import anyio

from bulkexo.journal.files import Appending, csv_bytes, header, in_one, own_columns
from bulkexo.journal.folder import RunFolder
from bulkexo.journal.lines import announcement, failed_cells, former, line
from bulkexo.journal.pages import PageFiles
from bulkexo.journal.past import Past
from bulkexo.model import Item, Outcome, Page, Status, StoppedError, UsageError

WAITING_LIMIT = 100
"""Replies' worth of outcomes that may wait for the disk before the scheduler has to."""

HURRY_FROM = WAITING_LIMIT // 2
"""Of these, so many from which on they are written at once, so that it seldom has to."""

EVERY = 0.02
"""Seconds from one writing to the next, if nobody waits for it: each costs a change of threads and a sync.
What a crash loses by it is as little as what is in flight anyway."""


@dataclass(slots=True)
class _Waited:
    """What somebody waits for."""

    settled: anyio.Event = field(default_factory=anyio.Event)
    error: StoppedError | None = None

    def settle(self, error: StoppedError | None) -> None:
        self.error = error
        self.settled.set()


@dataclass(slots=True)
class _Announcement(_Waited):
    items: Sequence[Item] = ()
    withdrawn: bool = False


@dataclass(slots=True)
class _Pages(_Waited):
    pages: Sequence[Page] = ()


@dataclass(slots=True)
class _Group:
    """What is written in one piece."""

    outcomes: list[Outcome] = field(default_factory=list)
    announced: list[_Announcement] = field(default_factory=list)
    pages: list[_Pages] = field(default_factory=list)


class Results:
    """The files of a run's folder, as an async context manager; opened before anything is sent.

    columns: of the job's rows. secret_columns: those whose cells are marked instead of written.
    on_failure: called with a StoppedError when the disk refuses; what could not be written is tried again
    with what comes after, and `unwritten` tells how many outcomes it is. wall: seconds since the epoch.
    steps: items of a row. past: of an earlier process, whose files are gone on with; their torn ends are cut
    off.
    keep_before: whether there are former values to write.
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
        steps: int = 1,
        past: Past | None = None,
        keep_before: bool = False,
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
        self._past = past
        self._formers: list[bytes] = []  # that are not on disk
        self._files = self._open(folder, past, keep_before=keep_before)
        self._results, self._failed, self._announced = self._files[:3]
        self._pages = PageFiles(folder, steps, past, sync=sync)
        self._entries: list[Sequence[Outcome] | _Waited] = []  # that the writer has not taken yet
        self._ended = False
        self._come = anyio.Event()  # there are some, or the end
        self._hurry = anyio.Event()  # somebody waits for the disk
        self._room = anyio.Event()  # they were taken
        self._written_at = -math.inf

    def _open(self, folder: RunFolder, past: Past | None, *, keep_before: bool) -> list[Appending]:
        paths = [folder.results, folder.failed, folder.announced, *([folder.before] if keep_before else [])]
        keeps: list[int | None] = [None] * 4
        opened: list[Appending] = []
        try:
            if past is not None:
                failed = folder.failed.stat().st_size
                keeps = [past.results_size, failed, past.announced_size, past.before_size]
            for path, keep in zip(paths, keeps, strict=False):
                opened.append(Appending(path, keep))
            if past is None:
                opened[1].append(header(self._columns))
        except OSError as error:
            for file in opened:
                with contextlib.suppress(OSError):  # the first refusal is what is told
                    file.close() if past else file.remove()
            raise UsageError(
                f"The files of {folder.path} cannot be written ({error.strerror}). Close them where "
                "they are open, "
                "or make room."
            ) from None
        return opened

    async def __aenter__(self) -> Results:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    @property
    def unwritten(self) -> int:
        """Outcomes that the disk did not take."""
        return len(self._pending)

    def put(self, outcomes: Sequence[Outcome]) -> Awaitable[None] | None:
        """Hand outcomes to the writer, at once: before anything that an item waited for their end with can
        be announced. What is to be waited for while the writer is far behind, else None."""
        self._enter(outcomes)
        self._waiting += len(outcomes)
        if len(self._entries) < HURRY_FROM:
            return None
        self._hurry.set()
        return self._room.wait() if len(self._entries) > WAITING_LIMIT else None

    def _enter(self, entry: Sequence[Outcome] | _Waited) -> None:
        if not self._entries:
            self._come.set()
        self._entries.append(entry)

    def former(
        self,
        item: Item,
        twin: str,
        before: Any,
        *,
        whole: bool = True,
        hide: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        """Take in what there was before an item (see lines.former). The next `announce` has it on disk. What
        an earlier process has seen is the truth: it may have sent the item."""
        if self._past is None or not self._past.kept(item):
            self._formers.append(former(item, twin, before, whole=whole, hide=hide))

    async def announce(self, items: Sequence[Item]) -> None:
        """Return when the disk knows that these items are about to be sent, what there was before of all that
        `former` took, and how those ended that were announced and have ended before: a Set- that renames what
        a New- made must not be done when a crash could still leave the New- open. Raises StoppedError if the
        disk does not take it."""
        if not (items or self._formers or (self._waiting and self._announced.size)):
            return
        await self._settled(_Announcement(items=items))

    async def keep(self, pages: Sequence[Page]) -> None:
        """Return when the pages are written; the disk has them at the latest when the line points to them.
        Raises StoppedError if it does not take them."""
        await self._settled(_Pages(pages=pages))

    async def withdraw(self, items: Sequence[Item]) -> None:
        """Take back the announcement of items that did not run. A disk that refuses leaves them in doubt."""
        with contextlib.suppress(StoppedError):
            await self._settled(_Announcement(items=items, withdrawn=True))

    async def _settled(self, entry: _Waited) -> None:
        self._enter(entry)
        self._hurry.set()
        await entry.settled.wait()
        if entry.error is not None:
            raise entry.error

    def end(self) -> None:
        """No more will come: `write_all` ends when it has written what there is."""
        self._ended = True
        self._come.set()
        self._hurry.set()

    async def write_all(self) -> None:
        """The writer's task: takes all that waits, writes it in one piece, and again."""
        while self._entries or not self._ended:
            await self._come.wait()
            with anyio.move_on_after(self._written_at + EVERY - anyio.current_time()):
                await self._hurry.wait()
            if self._entries:
                await self._write(self._gathered())
                self._written_at = anyio.current_time()
        if self._pending:  # there may be room by now
            await self._write(_Group())

    def _gathered(self) -> _Group:
        """All that waits to be written."""
        group = _Group()
        for entry in self._entries:
            if isinstance(entry, _Announcement):
                group.announced.append(entry)
            elif isinstance(entry, _Pages):
                group.pages.append(entry)
            elif not isinstance(entry, _Waited):
                group.outcomes += entry
        self._entries = []
        self._room.set()
        self._room, self._hurry = anyio.Event(), anyio.Event()
        if not self._ended:
            self._come = anyio.Event()
        return group

    async def _write(self, group: _Group) -> None:
        for pages in group.pages:
            pages.settle(await self._tried(partial(self._append_pages, pages.pages)))
        if group.outcomes or group.announced or not group.pages:
            await self._write_lines(group)

    async def _write_lines(self, group: _Group) -> None:
        self._pending += group.outcomes
        formers = list(self._formers)
        error = await self._tried(partial(self._append, self._pending, group.announced, formers))
        if error is None:
            del self._formers[: len(formers)]
            self._waiting -= len(self._pending)
            self._pending = []
        for entry in group.announced:
            entry.settle(error)

    async def _tried(self, write: Callable[[], None]) -> StoppedError | None:
        """Write off the loop; the error if the disk refuses, which is told once."""
        try:
            await anyio.to_thread.run_sync(write)
        except OSError as refused:
            reason = refused.strerror or str(refused)
            error = StoppedError(f"The results cannot be written ({reason}). Make room, then go on.")
            if not self._told:
                self._told = True
                self._on_failure(error)
            return error
        return None

    def _append_pages(self, pages: Sequence[Page]) -> None:
        for page in pages:
            self._pages.append(page)

    def _append(
        self, outcomes: Sequence[Outcome], announced: Sequence[_Announcement], formers: Sequence[bytes]
    ) -> None:
        """One group: what was before, the announcements, the failed rows, and last the lines that make it
        true; or nothing."""
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
        pieces: tuple[tuple[Appending, bytes | bytearray], ...] = (
            *((file, b"".join(formers)) for file in self._files[3:]),
            (self._announced, in_one(_announcement(entry, now) for entry in announced if entry.items)),
            (self._failed, csv_bytes(rows)),
            (self._results, in_one(line(each, self._pages.settle(each)) for each in outcomes)),
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
        for each in outcomes:
            self._pages.forget(each)


def _announcement(entry: _Announcement, now: float) -> bytes:
    return announcement(entry.items, now, withdrawn=entry.withdrawn)
