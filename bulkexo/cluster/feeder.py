"""The items of a tenant on a worker: asked for ahead of the scheduler, a piece at a time, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import anyio

from bulkexo.cluster.messages import Given, Items
from bulkexo.model import BulkexoError, Earlier, Item

PIECE: Final = 500
"""Items asked for at once, at the most: half a megabyte, and a second of what the quickest tenants take."""
WAIT: Final = 0.5
"""Seconds until items are asked for again where there were none for now."""


class Feeder(Iterator[Item | None]):
    """Yields None when there are none now, and calls `wake` when there may be. It is the Past of its items,
    too, as the scheduler asks for it: of each when it takes it.

    more: asks for so many items at the most; what it raises is raised in place of the items after those it
    has given. piece: so many are held, at the most. recovered: whether there were such among them.
    """

    def __init__(self, more: Callable[[int], Awaitable[Items]], wake: Callable[[], None], piece: int) -> None:
        self._more = more
        self._wake = wake
        self._piece = max(1, min(PIECE, piece))
        self._held: deque[Given] = deque()
        self._taken: Given | None = None
        self._over = False
        self._error: BulkexoError | None = None
        self.recovered = False
        self._room = anyio.Event()

    def __next__(self) -> Item | None:
        if len(self._held) <= self._piece // 2:
            self._room.set()
        if self._held:
            self._taken = self._held.popleft()
            return self._taken.item
        if self._error is not None:
            raise self._error
        if self._over:
            raise StopIteration
        return None

    def unsettled(self, item: Item) -> bool:
        """See schedule.Past."""
        return self._of(item).recovered

    def earlier(self, item: Item) -> Earlier:
        """See schedule.Past."""
        return self._of(item).before or {}

    def _of(self, item: Item) -> Given:
        if self._taken is None or self._taken.item is not item:
            raise ValueError("asked of an item that was not the last one taken")
        return self._taken

    async def keep(self) -> None:
        """Ask for more as there is room, until there are no more."""
        while not self._over:
            if len(self._held) > self._piece // 2:
                self._room = anyio.Event()
                await self._room.wait()
            try:
                found = await self._more(self._piece - len(self._held))
            except BulkexoError as error:
                self._error = error
                self._wake()
                return
            self._held += found.given
            self.recovered = self.recovered or any(each.recovered for each in found.given)
            self._over = found.over
            self._wake()
            if not (found.given or found.over):
                await anyio.sleep(WAIT)
