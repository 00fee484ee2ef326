"""A whole run of the scheduler on a virtual clock, and what is left of it to be looked at."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import looptime

from bulkexo.confidant import Confidant
from bulkexo.model import BulkexoError, Item, Outcome, Page, Status, StoppedError, Value
from bulkexo.pace import Allowance, Backoff, Pacer, Sighting
from bulkexo.schedule import Before, Gate, Observer, Scheduler, Settings
from bulkexo.schedule.settings import Decide, Past
from bulkexo.wire import Service
from bulkexo.wire.doors import Host

from .fakes import Arrival, FakeService, FakeTokens, now

HARMLESS = ("Get-", "Set-")
EPOCH = 1_800_000_000.0
SERVICE = Service("https://service.test", "tenant", "APP:anchor@tenant", "connection")
COMPLIANCE = Service("https://compliance.test", "tenant", "APP:anchor@tenant", "connection")


def item(row: int, cmdlet: str = "Set-Mailbox", identity: str | None = None, step: int = 1) -> Item:
    name = f"user{row}@contoso.com" if identity is None else identity
    parameters: dict[str, Value] = {"Key": f"{row}.{step}"}
    if name:
        parameters["Identity"] = name
    return Item(row, step, cmdlet, name, parameters, {})


def key(what: Outcome | Item) -> str:
    each = what.item if isinstance(what, Outcome) else what
    return f"{each.row}.{each.step}"


def rows(count: int, cmdlet: str = "Set-Mailbox") -> list[Item]:
    return [item(row, cmdlet) for row in range(1, count + 1)]


class PlainPacer(Pacer):
    """The least that a pacer does: ceilings, and a hold of as long as the service asks for, else 5 s."""

    def __init__(self, *, rate: float | None, concurrency: int, backoff: Backoff) -> None:
        super().__init__(rate=rate, concurrency=concurrency, backoff=backoff)
        self.now_allowed = Allowance(rate, concurrency, 0.0)

    @property
    def hold_until(self) -> float:
        return self.now_allowed.hold_until

    @property
    def rate(self) -> float | None:
        return self.now_allowed.rate

    def allowance(self, now: float) -> Allowance:
        return self.now_allowed

    def saw(self, sighting: Sighting) -> None:
        if sighting.refused or sighting.retry_after is not None:
            wait = 5.0 if sighting.retry_after is None else sighting.retry_after
            until = max(self.now_allowed.hold_until, sighting.ended + wait)
            self.now_allowed = replace(self.now_allowed, hold_until=until)


@dataclass
class World:
    """service, tokens: what the scheduler meets. random: drawn for every backoff. pacer: the plain one,
    so that what the scheduler does by itself can be told to the second; or the true one.
    during: runs beside the scheduler from the start. told: hears of outcomes where they are taken.
    decide, past, before, observers, confidant: as the scheduler takes them.
    announce_wait: seconds that the disk takes. disk_full: it takes no more announcements than that.
    known: keys of items that an earlier process has announced. pages_full: objects of one item that it takes.
    end: second after which a run is held to hang.
    """

    service: FakeService = field(default_factory=FakeService)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    compliance_tokens: FakeTokens = field(default_factory=lambda: FakeTokens(["other-1", "other-2"]))
    settings: Settings = field(default_factory=Settings)
    rate: float | None = None
    concurrency: int = 10
    pacer: type[Pacer] = PlainPacer
    random: Callable[[], float] = lambda: 0.5
    during: Callable[[World], Awaitable[None]] | None = None
    sink_wait: float = 0.0
    told: Callable[[Sequence[Outcome]], None] = lambda outcomes: None
    decide: Decide | None = None
    past: Past | None = None
    before: Before | None = None
    observers: Sequence[Observer] = ()
    confidant: Confidant | None = None
    announce_wait: float = 0.0
    disk_full: float = math.inf
    known: frozenset[str] = frozenset()
    pages_full: float = math.inf
    end: float = 50_000

    outcomes: list[Outcome] = field(default_factory=list)
    complete: bool | None = None
    error: BulkexoError | None = None
    took: float = 0.0
    announced: list[Item] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    pages: dict[str, list[Any]] = field(default_factory=dict)
    cancelled: bool = False

    def __post_init__(self) -> None:
        backoff = Backoff(self.random)
        self.service.watch = self.see
        self.scheduler = Scheduler(
            gates={
                Host.EXCHANGE: Gate(SERVICE, self.service, self.tokens),
                Host.COMPLIANCE: Gate(COMPLIANCE, self.service, self.compliance_tokens),
            },
            pacer=self.pacer(rate=self.rate, concurrency=self.concurrency, backoff=backoff),
            backoff=backoff,
            wall=lambda: EPOCH + now(),
            sink=self.take,
            keep=self.keep,
            announce=self.announce,
            withdraw=self.withdraw,
            settings=self.settings,
            decide=self.decide,
            past=self.past,
            before=self.before,
            observers=self.observers,
            confidant=self.confidant,
        )

    async def take(self, outcomes: Sequence[Outcome]) -> None:
        assert outcomes
        if self.sink_wait:
            await asyncio.sleep(self.sink_wait)
        self.outcomes += outcomes
        self.told(outcomes)

    async def keep(self, pages: Sequence[Page]) -> None:
        assert pages
        if self.sink_wait:
            await asyncio.sleep(self.sink_wait)
        for page in pages:
            held = self.pages.setdefault(key(page.item), [])
            if page.first:
                held.clear()
            if len(held) + len(page.value) > self.pages_full:
                raise StoppedError("The disk is full.")
            held += page.value

    async def announce(self, items: Sequence[Item]) -> None:
        if not items:
            return
        if self.announce_wait:
            await asyncio.sleep(self.announce_wait)
        if len(self.announced) >= self.disk_full:
            raise StoppedError("The disk is full.")
        self.announced += items

    async def withdraw(self, items: Sequence[Item]) -> None:
        assert items
        await asyncio.sleep(self.announce_wait)
        self.withdrawn += [str(each.parameters["Key"]) for each in items]

    def see(self, arrival: Arrival) -> None:
        """What must not be sent twice is on disk before it is sent, in every test."""
        announced = {str(each.parameters["Key"]) for each in self.announced} | self.known
        assert len(announced) == len(self.announced) + len(self.known)
        assert {sent.key for sent in arrival.items if not sent.cmdlet.startswith(HARMLESS)} <= announced

    def run(self, items: Iterable[Item]) -> World:
        with asyncio.Runner(loop_factory=partial(looptime.new_event_loop, end=self.end)) as runner:
            runner.run(self._main(iter(items)))
        return self

    async def _main(self, items: Iterator[Item]) -> None:
        self.task = asyncio.ensure_future(self._drive(items))
        if self.during is not None:
            await self.during(self)
        await self.task

    async def _drive(self, items: Iterator[Item]) -> None:
        try:
            self.complete = await self.scheduler.run(items)
        except BulkexoError as error:
            self.error = error
        except asyncio.CancelledError:
            self.cancelled = True
        self.took = now()

    @property
    def in_doubt(self) -> list[str]:
        """Keys of what was announced and has no line: what a resume would have to settle."""
        announced = {str(each.parameters["Key"]) for each in self.announced}
        return sorted(announced - set(self.withdrawn) - set(self.by_key))

    @property
    def by_key(self) -> dict[str, Outcome]:
        """The outcomes; each item has one only."""
        found = {key(outcome): outcome for outcome in self.outcomes}
        assert len(found) == len(self.outcomes)
        return found

    def value(self, name: str) -> list[Any]:
        """What an item returned, in its outcome or in pages; what came in pages stands nowhere else."""
        outcome = self.by_key[name]
        assert not (outcome.paged and outcome.value)
        return self.pages[name] if outcome.paged else list(outcome.value)

    def statuses(self) -> dict[str, Status]:
        return {name: outcome.status for name, outcome in self.by_key.items()}

    def starts(self, name: str) -> list[float]:
        """When an item was sent."""
        return [arrival.at for arrival in self.service.arrivals if name in arrival.keys]
