"""What a worker tells of a tenant, in the order in which it came about, a message at a time. Floor 4.

The order matters: a step is announced after what it waited for has ended. So does the number of messages:
what comes while one is under way goes together, in the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import anyio

from bulkexo.cluster.messages import Announce, Ended, Keep, Note, Pass, SupersededError
from bulkexo.model import Item, Outcome, Page, StoppedError

TOGETHER: Final = 20
"""Replies' worth that go in one message: what they hold can be large."""
WAITING: Final = 100
"""Replies' worth of outcomes that may wait for the line before the scheduler has to, as for a disk."""

Said: TypeAlias = Announce | Ended | Keep | Note


@dataclass(slots=True, eq=False)
class _Entry:
    said: Said
    settled: anyio.Event = field(default_factory=anyio.Event)
    error: StoppedError | None = None


class Outbox:
    """tell: sends a message and waits for its answer; raises StoppedError, and SupersededError for good."""

    def __init__(self, at: Pass, tell: Callable[[Said], Awaitable[Any]]) -> None:
        self._at = at
        self._tell = tell
        self._waiting: deque[_Entry] = deque()
        self._some = anyio.Event()
        self._room = anyio.Semaphore(WAITING)
        self._over: StoppedError | None = None

    async def ended(self, outcomes: Sequence[Outcome]) -> None:
        """Take outcomes on, at once; waits after that while too many wait. Never raises: what a worker has
        lost nobody wants to know of it."""
        if self._over is None:
            self._put(Ended(self._at, outcomes))
            await self._room.acquire()

    async def announce(
        self,
        items: Sequence[Item],
        formers: Sequence[tuple[Item, str, object, bool]] = (),
        *,
        withdrawn: bool = False,
    ) -> None:
        """Return when the coordinator has it on disk. Raises StoppedError."""
        await self._settled(Announce(self._at, items, formers, withdrawn))

    async def keep(self, pages: Sequence[Page]) -> None:
        """Return when they are written. Raises StoppedError."""
        await self._settled(Keep(self._at, pages))

    def note(self, text: str) -> None:
        """Tell a person."""
        if self._over is None:
            self._put(Note(self._at, text))

    async def emptied(self) -> None:
        """Return when all that was put in has been told."""
        while self._waiting:
            await self._waiting[-1].settled.wait()

    def _put(self, said: Said) -> _Entry:
        entry = _Entry(said)
        self._waiting.append(entry)
        self._some.set()
        return entry

    async def _settled(self, said: Said) -> None:
        if self._over is not None:
            raise self._over
        entry = self._put(said)
        await entry.settled.wait()
        if entry.error is not None:
            raise entry.error

    async def tell_all(self) -> None:
        """Tell what comes, until the tenant is lost or this is cancelled; nobody waits here after that."""
        try:
            while True:
                if not self._waiting:
                    self._some = anyio.Event()
                    await self._some.wait()
                await self._tell_some(self._next())
        except SupersededError:
            pass
        finally:
            self._over = SupersededError("The tenant is no longer this worker's.")
            self._settle(list(self._waiting), self._over)

    async def _tell_some(self, group: Sequence[_Entry]) -> None:
        error = None
        try:
            await self._tell(_as_one([entry.said for entry in group]))
        except SupersededError:
            raise
        except StoppedError as refused:
            error = refused
        self._settle(group, error)

    def _settle(self, group: Sequence[_Entry], error: StoppedError | None) -> None:
        for entry in group:
            self._waiting.popleft()
            if isinstance(entry.said, Ended):
                self._room.release()
            entry.error = error
            entry.settled.set()

    def _next(self) -> list[_Entry]:
        """The first that wait, of one kind. They stay among them until they are told."""
        first = self._waiting[0].said
        group: list[_Entry] = []
        for entry in self._waiting:
            if len(group) >= TOGETHER or not _joins(first, entry.said):
                break
            group.append(entry)
        return group


def _joins(first: Said, other: Said) -> bool:
    if isinstance(first, Announce) and isinstance(other, Announce):
        return first.withdrawn == other.withdrawn
    return first is other or (isinstance(first, Ended | Keep) and type(first) is type(other))


def _as_one(said: Sequence[Said]) -> Said:
    first = said[0]
    if len(said) == 1:
        return first
    if isinstance(first, Announce):
        parts = [each for each in said if isinstance(each, Announce)]
        items = [item for each in parts for item in each.items]
        formers = [former for each in parts for former in each.formers]
        return Announce(first.at, items, formers, first.withdrawn)
    if isinstance(first, Ended):
        ended = [each.outcomes for each in said if isinstance(each, Ended)]
        return Ended(first.at, [outcome for outcomes in ended for outcome in outcomes])
    kept = [each.pages for each in said if isinstance(each, Keep)]
    return Keep(first.at, [page for pages in kept for page in pages])
