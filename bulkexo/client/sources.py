"""What callers of a client have given it: rows of items, and where their outcomes go."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Sequence
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import replace
from typing import Any, Final, Protocol, TypeAlias

import anyio
import anyio.lowlevel

from bulkexo.client.inbox import Inbox
from bulkexo.facts import destroys
from bulkexo.model import Item, Outcome, Page, Status, StoppedError, UsageError
from bulkexo.options import Options
from bulkexo.schedule.binding import Binding
from bulkexo.wire.doors import Host, door

Rows: TypeAlias = Iterable[Item | Sequence[Item]] | AsyncIterable[Item | Sequence[Item]]
"""Items, or rows of several: the steps of a row go one after the other, each if the one before did well."""


class Source(Protocol):
    """One caller."""

    @property
    def left(self) -> bool:
        """Whether it wants nothing more, so that what was not sent is not sent."""

    def take(self) -> list[Item] | None:
        """The next row, None while there is none. Raises StopIteration when no more will come."""

    def ended(self, outcome: Outcome) -> None:
        """An item of it has ended."""

    async def page(self, page: Page) -> None:
        """Some of what an item returned."""

    def fail(self, error: BaseException) -> None:
        """Nothing more will come of it."""


def row_of(given: object, number: int, *, yes: bool) -> list[Item]:
    """A row as it was given, with its number in it. Raises UsageError for one that cannot be run, and for
    what destroys unless `yes` says that it is meant."""
    items = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    row = []
    for step, item in enumerate(items, 1):
        if not isinstance(item, Item):
            raise UsageError(
                f"Item {number} is a {type(item).__name__}. Give what bulkexo.call(…) makes, or lists of it."
            )
        if not yes and (why := destroys(item.cmdlet, item.parameters)):
            raise UsageError(
                f"{item.cmdlet}: {why}; no cmdlet takes that back. Give the Client yes=True if it is meant."
            )
        row.append(replace(item, row=number, step=step))
    if len({door(item).host for item in row}) != 1:
        raise UsageError(
            f"Item {number} has no steps, or steps of two services, which do not wait for each other. "
            "Make items of them."
        )
    return row


async def each(rows: Rows) -> AsyncGenerator[Item | Sequence[Item]]:
    """The rows, whichever way they come; others get their turn now and then. Their generator is closed with
    this one. Raises what they raise, and StoppedError where that is a cancellation of nobody here."""
    if not isinstance(rows, AsyncIterable):
        for number, row in enumerate(rows):
            if not number % 100:
                await anyio.lowlevel.checkpoint()
            yield row
        return
    iterator = aiter(rows)
    try:
        async for row in iterator:
            yield row
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StoppedError(
            "What the items come from was cancelled, and gives no more of them. Run what is left again."
        ) from None
    finally:
        if isinstance(iterator, AsyncGenerator):
            with anyio.CancelScope(shield=True):
                await iterator.aclose()


class Single:
    """One item that is given alone. host: where it goes."""

    def __init__(self, item: Item, *, yes: bool) -> None:
        self.left = False
        self._row: list[Item] | None = row_of(item, 1, yes=yes)
        self.host: Host = door(self._row[0]).host

    def take(self) -> list[Item] | None:
        """The item."""
        row, self._row = self._row, None
        if row is None:
            raise StopIteration
        return row


class Lone(Single):
    """One item, whose outcome somebody waits for."""

    def __init__(self, item: Item, *, yes: bool) -> None:
        super().__init__(item, yes=yes)
        self.outcome: Outcome | None = None
        self._pages: list[Any] = []
        self._error: BaseException | None = None
        self._done = anyio.Event()

    def ended(self, outcome: Outcome) -> None:
        """With what came in pages."""
        self.outcome = replace(outcome, value=self._pages, paged=False) if outcome.paged else outcome
        self._done.set()

    async def page(self, page: Page) -> None:
        """Keep it."""
        if page.first:
            self._pages.clear()
        self._pages.extend(page.value)

    def fail(self, error: BaseException) -> None:
        """It was not to be had."""
        self._error = self._error or error
        self._done.set()

    async def wait(self) -> Outcome:
        """The outcome, or what became of it instead. Whoever is cancelled here wants it no more."""
        try:
            await self._done.wait()
        finally:
            self.left = True
        if self.outcome is not None:
            return self.outcome
        raise self._error or StoppedError("The client has ended: make another one.")


class Reading(ABC):
    """A run: its items are read no further ahead of its reader than `limit`. wake: to be called when there
    may be more to take."""

    def __init__(self, inbox: Inbox, limit: int, options: Options) -> None:
        self.wake = _nothing
        self._inbox = inbox
        self._limit = limit
        self._yes = options.yes
        self._max_failures = options.max_failures
        self._done = self._trouble = 0
        self._number = 0
        self._open = 0  # given on, and not read yet as outcomes
        self._exhausted = False
        self._error: BaseException | None = None
        self._stopped = False
        self._pages: dict[tuple[int, int], list[Any]] = {}
        self._binding = Binding()
        inbox.taken = self._taken

    @property
    def left(self) -> bool:
        """Whether what was not sent is not to be sent."""
        return self._inbox.left or self._stopped

    def take(self) -> list[Item] | None:
        """The next row, as far as the reader lets it."""
        if not (self._exhausted or self.left) and self._open >= self._limit:
            return None
        row = None
        if not (self._exhausted or self.left):
            try:
                row = self._next()
            except Exception as error:  # the program's own: it is the program's to hear of it
                self._exhaust(error)
        if self._exhausted or self.left:
            raise StopIteration
        if row is not None:
            self._open += len(row)
        return row

    @abstractmethod
    def _next(self) -> list[Item] | None:
        """The next row; None if there is none now, or no more, which `_exhaust` is told."""

    def _made(self, given: object) -> list[Item]:
        self._number += 1
        return row_of(given, self._number, yes=self._yes)

    def ended(self, outcome: Outcome) -> None:
        """On to the reader."""
        pages = self._pages.pop((outcome.item.row, outcome.item.step), [])
        if outcome.paged:
            outcome = replace(outcome, value=pages, paged=False)
        self._inbox.put([outcome])
        if not self._stopped and (reason := self._hopeless(outcome)):
            self._stopped = True
            self._exhaust(StoppedError(reason))

    def _hopeless(self, outcome: Outcome) -> str:
        """Why the rest is not sent, "" if it is."""
        self._done += 1
        self._trouble += outcome.status in (Status.FAILED, Status.UNKNOWN)
        if self._max_failures.reached(self._trouble, self._done):
            return f"{self._trouble:,} of {self._done:,} items failed, which reaches --max-failures."
        return self._binding.hopeless([outcome])

    async def page(self, page: Page) -> None:
        """Keep it until the item ends."""
        if not self.left:
            held = self._pages.setdefault((page.item.row, page.item.step), [])
            if page.first:
                held.clear()
            held.extend(page.value)

    def fail(self, error: BaseException) -> None:
        """The engine has ended: what is open has no outcome."""
        self._inbox.end(error)

    def _exhaust(self, error: BaseException | None = None) -> None:
        """No more will be read; the error comes after what was given on has ended."""
        self._exhausted = True
        self._error = self._error or error
        if not self._open:
            self._inbox.end(self._error)

    def _taken(self) -> None:
        self._open -= 1
        if self._exhausted:
            self._exhaust()
        elif self._open == self._limit - 1:
            self.wake()


class Pulled(Reading):
    """Items of an iterable, read when there is room for them, in the context of whoever gave them."""

    def __init__(self, items: Iterable[object], inbox: Inbox, limit: int, options: Options) -> None:
        super().__init__(inbox, limit, options)
        self._items: Iterator[object] = iter(items)
        self._context = copy_context()

    def _next(self) -> list[Item] | None:
        given = self._context.run(next, self._items, _END)
        if given is _END:
            self._exhaust()
            return None
        return self._made(given)


class Fed(Reading):
    """Items of an asynchronous iterable, read by a task of their own, as far ahead as `limit`."""

    def __init__(
        self, items: AsyncIterable[Item | Sequence[Item]], inbox: Inbox, limit: int, options: Options
    ) -> None:
        super().__init__(inbox, limit, options)
        self._items = items
        self._rows: deque[list[Item]] = deque()
        self._read = False
        self._why: BaseException | None = None
        self._room = anyio.Event()
        self._scope = anyio.CancelScope()
        inbox.on_leave = self._scope.cancel

    async def feed(self) -> None:
        """Read until all is read, or the reader has left. What goes wrong there ends this run alone."""
        with self._scope:
            try:
                async with aclosing(each(self._items)) as items:
                    async for given in items:
                        self._rows.append(self._made(given))
                        self.wake()
                        while self._open + len(self._rows) >= self._limit:
                            self._room = anyio.Event()
                            await self._room.wait()
            except Exception as error:  # the program's own: it is the program's to hear of it
                self._why = error
        self._read = True
        self.wake()

    def _next(self) -> list[Item] | None:
        if self._rows:
            return self._rows.popleft()
        if self._read:
            self._exhaust(self._why)
        return None

    def _taken(self) -> None:
        super()._taken()
        self._room.set()


def _nothing() -> None:
    """Nobody wants to know."""


_END: Final = object()
