"""Asking the tenants of a job by reads alone: scheduled and paced as a run is, side by side."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeAlias

import anyio

from bulkexo.interrupts import interrupts
from bulkexo.job import Checked, Job
from bulkexo.model import BulkexoError, Item, Outcome, Page, StoppedError
from bulkexo.net.sessions import Sessions
from bulkexo.run import Watch
from bulkexo.schedule import Order
from bulkexo.schedule.tally import together
from bulkexo.tenancy import Place, Surroundings, Tenancy, at_all
from bulkexo.wire.cmdlets import verb
from bulkexo.wire.doors import hosts

ReadsOf: TypeAlias = Callable[[Iterable[Item]], Iterator[Item]]
"""The items of one tenant to the reads that are asked about them."""


class Reader:
    """Asks about the items of a job. take: takes the answers; keep: the pages of those that have several, as
    they come. interrupted: what is said when a person stops it. Memory does not grow with the job."""

    def __init__(
        self,
        job: Job,
        checked: Checked,
        places: Sequence[Place],
        watch: Watch,
        *,
        take: Callable[[Outcome], None],
        keep: Callable[[Page], object] = bool,
        interrupted: str,
    ) -> None:
        self._job = job
        self._watch = watch
        self._take_one = take
        self._keep_one = keep
        self._interrupted = interrupted
        self._places = [replace(at, options=replace(at.options, order=Order.NONE)) for at in places]
        self._around = Surroundings(
            run_id=str(uuid.uuid4()),
            sink=self._take,
            keep=self._keep,
            announce=_nothing,
            withdraw=_nothing,
            decide=None,
            past=None,
            note=watch.note,
            hosts=hosts(checked.apis),
        )
        self.tenancies = [Tenancy(place, self._around) for place in self._places]
        self._scope = anyio.CancelScope()
        self._error: BulkexoError | None = None

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[Callable[[ReadsOf, int], Awaitable[None]]]:
        """What asks, for as long as the block lasts: the reads and how many there will be, 0 for no progress.
        Raises SignInError, UsageError or StoppedError."""
        with self._job.apart() as items_of:
            sessions = Sessions((at.identity.connection, at.options.concurrency) for at in self._places)
            await at_all(self.tenancies, lambda at: at.sign_in())
            async with sessions:
                await at_all(self.tenancies, lambda at: at.open(sessions.of(at.connection)))
                with interrupts(self._interrupt):

                    async def ask(reads: ReadsOf, total: int) -> None:
                        await self._ask(items_of, reads, total)

                    yield ask

    def stop(self, error: BulkexoError) -> None:
        """End it with this error, at once."""
        self._error = self._error or error
        self._scope.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait, unless it is to end. Raises StoppedError."""
        with self._scope:
            await anyio.sleep(seconds)
        self._raise()

    async def _ask(self, items_of: Callable[[str], Iterable[Item]], reads: ReadsOf, total: int) -> None:
        async def ask(tenancy: Tenancy) -> None:
            try:
                await tenancy.run(map(_only_reads, reads(items_of(tenancy.name))))
            except BulkexoError as error:
                self.stop(error)

        async with anyio.create_task_group() as watching:
            if total:
                tally = [each.tally for each in self.tenancies]
                watching.start_soon(self._watch.follow, lambda: together(tally), total)
            with self._scope:
                async with anyio.create_task_group() as group:
                    for tenancy in self.tenancies:
                        group.start_soon(ask, tenancy)
            watching.cancel_scope.cancel()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
        self._scope = anyio.CancelScope()

    async def _take(self, outcomes: Sequence[Outcome]) -> None:
        try:
            for outcome in outcomes:
                self._take_one(outcome)
        except BulkexoError as error:
            self.stop(error)

    async def _keep(self, pages: Sequence[Page]) -> None:
        for page in pages:
            self._keep_one(page)

    def _interrupt(self) -> None:
        self.stop(StoppedError(self._interrupted))


def _only_reads(item: Item) -> Item:
    if verb(item.cmdlet) != "get":
        raise AssertionError(f"{item.cmdlet} is no read.")
    return item


async def _nothing(_items: Sequence[Item]) -> None:
    """Reads are harmless: there is nothing to announce."""
