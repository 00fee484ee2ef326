"""A list that the service gives in pages, read as fast as it may be and handed on object by object.

A cursor of the service lives for minutes only, so that a slow reader may not hold the pages back: what it has
not read yet waits in a temporary file.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from typing import Any, Self

import anyio
import orjson

from bulkexo.client.errors import error_of
from bulkexo.client.sources import Single
from bulkexo.journal.lines import packed
from bulkexo.model import Item, Outcome, Page, StoppedError

IN_MEMORY = 4 << 20
"""Bytes of a list that are kept in memory; what is more goes to the disk."""

AT_ONCE = 200
"""Objects read back in one go."""


class _Spool:
    """Objects in the order in which they came."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (closed by `close`)
        self._written = self._read = 0
        self.left = 0

    def append(self, values: Any) -> None:
        """Some more. Raises OSError; then nothing can be read back any more."""
        lines = [packed(value) for value in values]
        try:
            self._file.seek(self._written)
            self._file.writelines(lines)
            self._file.flush()  # else the disk would refuse when somebody reads
        except OSError:
            self.left = 0
            raise
        self.left += len(lines)
        self._written = self._file.tell()

    def next(self) -> list[Any]:
        """The next ones."""
        self._file.seek(self._read)
        lines = [self._file.readline() for _ in range(min(self.left, AT_ONCE))]
        self._read = self._file.tell()
        self.left -= len(lines)
        return [orjson.loads(line) for line in lines]

    def close(self) -> None:
        """Nobody reads any more."""
        with contextlib.suppress(OSError):  # what a disk has refused is tried once more
            self._file.close()


class Listing(Single):
    """One item, whose objects somebody reads as they come."""

    def __init__(self, item: Item, *, yes: bool) -> None:
        super().__init__(item, yes=yes)
        self._spool = _Spool()
        self._ready: list[Any] = []
        self._handed_on = 0
        self._done = False
        self._error: BaseException | None = None
        self._changed = anyio.Event()

    def ended(self, outcome: Outcome) -> None:
        """The last page, or all of a list of one."""
        if not self.left and outcome.status.good:
            self._put(outcome.value)
        self._finish(error_of(outcome))

    async def page(self, page: Page) -> None:
        """A page of it. One that begins anew makes void what came before."""
        if self.left:
            return
        if page.first and self._handed_on:
            self._finish(StoppedError("The service lost its place in the list and began it anew. Ask again."))
        if not self._done:
            if page.first:
                self._spool.close()
                self._spool = _Spool()
            self._put(page.value)

    def fail(self, error: BaseException) -> None:
        """No more will come."""
        self._finish(error)

    def _put(self, values: Any) -> None:
        try:
            self._spool.append(values)
        except OSError as error:
            reason = error.strerror or error
            self._finish(StoppedError(f"The list cannot be kept in a temporary file ({reason}). Make room."))
        self._changed.set()

    def _finish(self, error: BaseException | None) -> None:
        if not self._done:
            self._done, self._error = True, error
            self._changed.set()

    def leave(self) -> None:
        """Nobody reads any more."""
        self.left = self._done = True
        self._spool.close()

    async def get(self) -> Any:
        """The next object. Raises StopAsyncIteration, or the error that ended the list, after the last."""
        while not self._ready:
            if self._spool.left and not self.left:
                self._ready = self._spool.next()[::-1]
            elif self._done:
                self.leave()
                error, self._error = self._error, None
                raise error or StopAsyncIteration
            else:
                if self._changed.is_set():
                    self._changed = anyio.Event()
                await self._changed.wait()
        self._handed_on += 1
        return self._ready.pop()


class Objects:
    """The objects of a list as they come: an asynchronous iterator. Leaving the loop early is fine."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await self._listing.get()

    async def aclose(self) -> None:
        """Read no more."""
        self._listing.leave()

    def __del__(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the client has let go of the file
            self._loop.call_soon_threadsafe(self._listing.leave)
