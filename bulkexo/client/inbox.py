"""Outcomes on their way from the engine to the program that reads them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import anyio

from bulkexo.model import Outcome


class Inbox:
    """Outcomes that have come and were not read. left: nobody reads any more. taken: called at each that is
    read; on_leave: when its reader leaves."""

    def __init__(self) -> None:
        self.left = False
        self.taken: Callable[[], None] = _nothing
        self.on_leave: Callable[[], None] = _nothing
        self._waiting: deque[Outcome] = deque()
        self._ended = False
        self._error: BaseException | None = None
        self._changed = anyio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, outcomes: Iterable[Outcome]) -> None:
        """More have come."""
        if not self.left:
            self._waiting.extend(outcomes)
            self._wake()

    def end(self, error: BaseException | None = None) -> None:
        """No more will come. error: raised once all that came is read; the first one counts."""
        if not self._ended:
            self._ended, self._error = True, error
            self._wake()

    async def get(self) -> Outcome:
        """The next one. Raises StopAsyncIteration at the end, or the error that ended it."""
        while not self._waiting:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._ended or self.left:
                raise StopAsyncIteration
            if self._changed.is_set():
                self._changed = anyio.Event()
            await self._changed.wait()
        outcome = self._waiting.popleft()
        self.taken()
        return outcome

    def leave(self) -> None:
        """Nobody reads any more; what comes yet is dropped."""
        if not self.left:
            self.left = True
            self._waiting.clear()
            self._wake()
            self.on_leave()

    def _wake(self) -> None:
        self._changed.set()


def _nothing() -> None:
    """Nobody wants to know."""


class Outcomes:
    """The outcomes of a run, in the order in which they come: an asynchronous iterator.

    Leaving the loop early leaves the run: what was not sent is not sent, and what is in flight ends by
    itself. `async with client.run(…) as outcomes:` does so at the end of its block, whoever holds on to it.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        return await self._inbox.get()

    async def aclose(self) -> None:
        """Leave the run."""
        self._inbox.leave()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inbox.leave()

    def __del__(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and all with it
            self._loop.call_soon_threadsafe(self._inbox.leave)
