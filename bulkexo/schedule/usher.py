"""Which tickets go next, and when: rows are read as there is room, pace is asked, tokens are waited for."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeAlias

import anyio

from bulkexo.model import BulkexoError, Item, StoppedError
from bulkexo.pace import Allowance, Pacer
from bulkexo.pace.bucket import Bucket
from bulkexo.schedule import clock
from bulkexo.schedule.desk import Desk, Fates
from bulkexo.schedule.lanes import Ticket
from bulkexo.schedule.outcomes import left_out
from bulkexo.schedule.reach import Reach
from bulkexo.schedule.rest import Rest
from bulkexo.schedule.settings import Past, Settings
from bulkexo.schedule.settle import RECOVERED

Finish: TypeAlias = Callable[[Fates], Awaitable[None]]
"""Lets follow what follows from a reply."""


class Usher:
    """Hands out the batches of one tenant. One task waits with `next_batch` for whatever is to be waited for;
    whoever has just sent asks with `next_at_once`, and mostly needs nobody to wait.

    stop: ends the run; finish: see there. exhausted: all rows have been read. stopping: nothing more is to be
    sent.
    """

    def __init__(
        self,
        desk: Desk,
        pacer: Pacer,
        reach: Reach,
        rest: Rest,
        settings: Settings,
        past: Past | None,
        *,
        stop: Callable[[BulkexoError], None],
        finish: Finish,
    ) -> None:
        self._desk = desk
        self._tally = desk.tally
        self._pacer = pacer
        self._reach = reach
        self._rest = rest
        self._settings = settings
        self._past = past
        self._stop = stop
        self._finish = finish
        self._items: Iterator[Item | None] = iter(())
        self._bucket = Bucket(pacer.allowance(0.0).rate, burst=settings.batch_size)
        self._in_hand = False  # there is a batch that waits for its tokens, or for a place
        self._asking: anyio.CancelScope | None = None
        self.exhausted = False
        self.stopping = False

    def begin(self, items: Iterator[Item | None]) -> None:
        """Take the rows from here on."""
        self._items, self.exhausted = items, False

    def close(self) -> None:
        """Read and hand out nothing more."""
        self.stopping = True
        if self._asking is not None:
            self._asking.cancel()
        self._desk.wake()

    def learned(self) -> None:
        """Pace has learned something."""
        self._bucket.set_rate(self._pacer.rate)

    async def next_batch(self) -> list[Ticket]:
        """Tickets that may go, waited for; none if all have ended, or the run is to stop."""
        while not self.stopping:
            now = clock.now()
            self._desk.bring_back(now)
            await self._fill()
            if self.stopping or (self.exhausted and not self._desk.lanes.open):
                return []
            if not self._desk.lanes.open:
                await self._desk.change(math.inf)
                self._rested()
                continue
            if rest := self._rest.left():
                await self._desk.change(now + rest)
                self._rested()
                continue
            allowance = self._allowance(now)
            due = min(self._desk.later.next, allowance.give_up_at)
            if now < allowance.hold_until:
                await self._desk.change(min(allowance.hold_until, due))
            elif not self._desk.lanes.ready or self._tally.batches >= allowance.concurrency:
                await self._desk.change(due)
            elif granted := await self._granted(await self._taken(self._size(allowance))):
                return granted
        return []

    async def next_at_once(self) -> list[Ticket]:
        """Tickets that may go now, for whom there is a place; none where anything must be waited for, or
        somebody waits already with a batch in hand."""
        if self.stopping or self._in_hand or self._rest.left():
            return []
        now = clock.now()
        self._desk.bring_back(now)
        await self._fill()
        allowance = self._allowance(now)
        self._desk.wake_by(min(self._desk.later.next, allowance.give_up_at))
        full = self._tally.batches >= allowance.concurrency
        size = min(self._size(allowance), self._desk.lanes.ready)
        if self.stopping or now < allowance.hold_until or full or not size:
            return []
        self._bucket.set_rate(allowance.rate)
        if not self._bucket.take(size):
            return []
        self._tally.batches += 1
        batch = await self._taken(size)
        self._bucket.give_back(size - len(batch))
        if not batch:
            self._tally.batches -= 1
        return batch

    def _size(self, allowance: Allowance) -> int:
        """Items of a batch, at most."""
        return min(self._settings.batch_size, allowance.batch_size)

    async def _taken(self, size: int) -> list[Ticket]:
        """Up to so many tickets that go together, by themselves or to be read first; those that an earlier
        process has left in doubt, or that are not to be sent, find their end."""
        taken = self._desk.lanes.take(size)
        if self._past is not None:
            taken = await self._unsettled_apart(taken)
        return await self._desk.read_first(taken)

    def _rested(self) -> None:
        """Nothing was to be sent for a while, which says nothing of the service."""
        self._pacer.rested(clock.now())
        self._reach.reached()

    def _allowance(self, now: float) -> Allowance:
        """What pace allows now, shown to whoever watches; a limit to all waiting ends the run here."""
        allowance = self._pacer.allowance(now)
        self._tally.hold_until, self._tally.state = allowance.hold_until, allowance.state
        self._tally.rate, self._tally.places = self._pacer.steady, allowance.concurrency
        if now >= allowance.give_up_at:
            self._stop(
                StoppedError("The service has accepted nothing for as long as --give-up-after allows.")
            )
        return allowance

    async def _unsettled_apart(self, batch: list[Ticket]) -> list[Ticket]:
        """Those of the batch that are to be sent now, without what an earlier process has left in doubt."""
        left = [ticket for ticket in batch if ticket.recovered]
        if not left:
            return batch
        for ticket in left:
            ticket.recovered = False
        await self._finish(self._desk.sort(left, [RECOVERED] * len(left)))
        return [ticket for ticket in batch if ticket not in left]

    async def _granted(self, batch: list[Ticket]) -> list[Ticket]:
        """As much of the batch as may go once its tokens are there; what may not is put back."""
        if not batch:
            return []
        self._in_hand = True
        try:
            with self._desk.kept(batch):
                return await self._let_go(batch)
        finally:
            self._in_hand = False

    async def _let_go(self, batch: list[Ticket]) -> list[Ticket]:
        self._bucket.set_rate(self._pacer.rate)
        if not self._bucket.take(len(batch)):
            with anyio.CancelScope() as self._asking:
                await self._bucket.acquire(len(batch))
            self._asking = None
        while not self.stopping:
            now = clock.now()
            allowance = self._allowance(now)
            if now < allowance.hold_until:
                await self._desk.change(min(allowance.hold_until, allowance.give_up_at))
            elif self._tally.batches >= allowance.concurrency:
                await self._desk.change(allowance.give_up_at)
            elif not self.stopping:
                size = allowance.batch_size  # smaller than when the batch was taken, maybe
                self._bucket.give_back(len(batch[size:]))
                self._desk.give_back(batch[size:])
                return batch[:size]
        self._desk.give_back(batch)
        return []

    async def _fill(self) -> None:
        """Read rows as room appears."""
        while unsent := self._read():  # while these are handed on, more may come
            await self._desk.deliver([left_out(ticket) for ticket in unsent])

    def _read(self) -> list[Ticket]:
        """Open tickets for what there is room for; those of them that end unsent."""
        unsent: list[Ticket] = []
        lanes, settings, fresh = self._desk.lanes, self._settings, self._past is None
        while not self.exhausted and lanes.open < settings.window and lanes.ready < settings.enough:
            try:
                item = next(self._items)
                if item is None:
                    break
                request_id = f"{settings.run_id}{item.row << 8 | item.step:012x}"
                unsent += lanes.add(item, request_id) if fresh else self._open(item, request_id)
            except StopIteration:
                self.exhausted = True
            except BulkexoError as error:
                self._stop(error)
                break
        return unsent

    def _open(self, item: Item, request_id: str) -> list[Ticket]:
        """Open a ticket in a run that is gone on with."""
        recovered = self._past is not None and self._past.unsettled(item)
        before = self._past.earlier(item) if self._past is not None and item.step > 1 else None
        return self._desk.lanes.add(item, request_id, recovered=recovered, before=before)
