"""The open tickets of a run: which may go, which wait for their moment, and what becomes of each."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from types import TracebackType

import anyio

from bulkexo.choices import Order
from bulkexo.confidant import Confidant
from bulkexo.model import Ended, Outcome, Page, Status, StoppedError
from bulkexo.pace import Backoff
from bulkexo.schedule import clock
from bulkexo.schedule.before import Before, Ending, Found
from bulkexo.schedule.delays import Delays
from bulkexo.schedule.lanes import Lanes, Ticket
from bulkexo.schedule.outcomes import left_out, outcome, page, ran, unsent
from bulkexo.schedule.paging import Keep
from bulkexo.schedule.settle import (
    Next,
    Rules,
    absent,
    chosen,
    ended,
    next_move,
    plain,
    turn,
    within,
)
from bulkexo.schedule.tally import Tally
from bulkexo.wire import Action, Call, Verdict
from bulkexo.wire.doors import door

Sink = Callable[[Sequence[Outcome]], Awaitable[None] | None]
"""Takes outcomes on at once, a reply's worth at a time; what to wait for where it has too many, else None."""

DONE = Action.DONE
RAN = Ended(Status.SUCCEEDED)


async def in_turn(*rooms: Awaitable[None] | None) -> None:
    """Wait for whatever sinks want to be waited for."""
    for room in rooms:
        if room is not None:
            await room


@dataclass(slots=True)
class Fates:
    """A reply's tickets, by what becomes of them, those left out that wait for a moment.

    pages: to be written down before what has ended is told, and before the tickets of `paging` go on.
    waited: handing them on took a while, in which the run may have been cut off.
    """

    pages: list[Page] = field(default_factory=list)
    paging: list[Ticket] = field(default_factory=list)
    ended: list[Outcome] = field(default_factory=list)
    at_once: list[Ticket] = field(default_factory=list)
    sign_in: list[Ticket] = field(default_factory=list)
    undecided: list[tuple[Ticket, Verdict]] = field(default_factory=list)
    claims: str = ""
    waited: bool = False


class Desk:
    """Tickets by what they wait for, and the event of something having changed.

    rules, backoff: what becomes of a ticket, and when. sink: takes the outcomes; keep: the pages; tally:
    counts them. before: says what is read before an item is sent, and hears what was found. confidant: knows
    what neither may show; None where nothing is written down.
    """

    def __init__(
        self,
        order: Order,
        rules: Rules,
        backoff: Backoff,
        sink: Sink,
        keep: Keep,
        tally: Tally,
        before: Before | None = None,
        confidant: Confidant | None = None,
    ) -> None:
        self.lanes = Lanes(order)
        self.later = Delays()
        self.tally = tally
        self._rules = rules
        self._backoff = backoff
        self._sink = sink
        self._keep = keep
        self._before = before
        self._confidant = confidant
        self._changed = anyio.Event()
        self._until = math.inf

    def sort(self, batch: Sequence[Ticket], verdicts: Sequence[Verdict]) -> Fates:
        """Close the tickets that have ended, put off those that wait, and tell the rest apart."""
        now = clock.now()
        fates = Fates()
        for ticket, verdict in zip(batch, verdicts, strict=True):
            if verdict.action is DONE and not verdict.link and plain(ticket):
                fates.ended.append(ran(ticket, verdict, now))
                how = ended(ticket, RAN.status, verdict) if verdict.value else RAN
                if left := self.lanes.end(ticket, how):
                    fates.ended += map(left_out, left)
            else:
                self._sort(ticket, verdict, now, fates)
        return fates

    def _sort(self, ticket: Ticket, heard: Verdict, now: float, fates: Fates) -> None:
        """What becomes of a ticket, whatever was heard."""
        some = heard.link or heard.value
        verdict = chosen(ticket, within(ticket, heard, self._rules)) if some else heard
        move = next_move(ticket, verdict, self._rules)
        if move is Next.ABSENT and self.wait_for(ticket, now):
            return
        if move in (Next.END, Next.ABSENT):
            closed = self.close(ticket, verdict, now)
            fates.ended += closed
            if closed[0].paged and verdict.value:
                fates.pages.append(page(ticket, verdict))
        elif move is Next.READ:
            closed = self._read(ticket, verdict)
            fates.ended += closed
            if not closed:
                fates.at_once.append(ticket)
        elif move is Next.PAGE:
            fates.pages.append(page(ticket, verdict))
            fates.paging.append(ticket)
            turn(ticket, verdict, len(heard.value))
        elif move is Next.LATER:
            self.put_off(ticket, verdict.retry_after)
        elif move is Next.LOOK:
            self._wait(ticket, now + self._rules.looks[ticket.asked])
        elif move is Next.DECIDE:
            fates.undecided.append((ticket, verdict))
        elif move is Next.SIGN_IN:
            fates.sign_in.append(ticket)
            fates.claims = fates.claims or verdict.claims
        else:
            fates.at_once.append(ticket)

    def told(self, ticket: Ticket, verdict: Verdict) -> Outcome:
        """The outcome of a ticket if it ended with this verdict."""
        told = outcome(ticket, verdict, clock.now(), strict=self._rules.strict)
        return self._confidant.outcomes([told])[0] if self._confidant else told

    def close(self, ticket: Ticket, verdict: Verdict, now: float) -> list[Outcome]:
        """End a ticket: its outcome, and those of the steps that end with it. now: see `clock`."""
        told = outcome(ticket, verdict, now, strict=self._rules.strict)
        return self._close(ticket, told, ended(ticket, told.status, verdict))

    def _close(self, ticket: Ticket, told: Outcome, how: Ended) -> list[Outcome]:
        left = self.lanes.end(ticket, how)
        return [told, *map(left_out, left)] if left else [told]

    def confide(self, calls: Sequence[Call]) -> None:
        """Note the secrets of calls that are about to be made: any answer can have them from then on."""
        if self._confidant is not None:
            for each in calls:
                if each.hidden:
                    self._confidant.note(each.hidden)

    async def read_first(self, batch: list[Ticket]) -> list[Ticket]:
        """Those of a batch, all of one door, that go now: by themselves, or the reads that come before them.
        Those whose read takes another door wait there; those that are not to be sent at all end."""
        if self._before is None:
            return batch
        here = batch[0].door if batch else None
        done: list[Outcome] = []
        left: list[Ticket] = []
        for ticket in batch:
            if not ticket.looked:
                ticket.looked = True
                asked = self._before.question(ticket.item)
                if isinstance(asked, Ending):
                    done += self._unsent(ticket, asked)
                    continue
                ticket.reading = asked
                ticket.door = door(asked or ticket.item)
            left.append(ticket)
        self.give_back([ticket for ticket in left if ticket.door != here])
        await self.deliver(done)
        return [ticket for ticket in left if ticket.door == here]

    def _read(self, ticket: Ticket, verdict: Verdict) -> list[Outcome]:
        """Hand on what was read; if the ticket is not sent, its outcome and those that end with it."""
        ticket.reading = None
        ticket.door = door(ticket.item)
        ticket.apart = False
        ticket.failures = ticket.faults = 0
        found = Found(not absent(verdict), verdict.value, whole=not verdict.link)
        ending = self._before.answer(ticket.item, found) if self._before else None
        return [] if ending is None else self._unsent(ticket, ending)

    def _unsent(self, ticket: Ticket, ending: Ending) -> list[Outcome]:
        """End a ticket that is not to be sent, and what ends with it."""
        told = unsent(ticket, ending, strict=self._rules.strict)
        return self._close(ticket, told, Ended(told.status))

    def put_off(self, ticket: Ticket, asked: float | None = None) -> None:
        """Let a ticket wait by backoff, and at least the seconds that the service has asked for."""
        self.tally.retried += 1
        wait = max(self._backoff.wait(ticket.failures + ticket.unreached), asked or 0.0)
        self._wait(ticket, clock.now() + wait)

    def wait_for(self, ticket: Ticket, now: float) -> bool:
        """Let a ticket wait for its object to appear; False if its step has waited long enough."""
        left = ticket.began + ticket.item.rule.retry_not_found - now if ticket.item.rule else 0.0
        if left <= 0:
            return False
        self.tally.retried += 1
        ticket.absent += 1
        self._wait(ticket, now + min(self._backoff.ceiling(ticket.absent), left))
        return True

    def _wait(self, ticket: Ticket, due: float) -> None:
        """Let a ticket wait until clock second `due`."""
        self.later.put(ticket, due)
        self.wake()

    def give_back(self, tickets: Sequence[Ticket]) -> None:
        """Tickets that were taken may go again, before all others and in their order."""
        if not tickets:
            return
        for ticket in reversed(tickets):
            self.lanes.give_back(ticket)
        self.wake()

    def kept(self, unsent: Sequence[Ticket]) -> Kept:
        """While the context is open: where the run is cut off, these are among those that wait."""
        return Kept(self, unsent)

    def waiting(self) -> Iterator[Ticket]:
        """Those that are not in flight and wait for nothing but their moment."""
        return chain(self.lanes.waiting(), self.later)

    def bring_back(self, now: float) -> None:
        """Tickets whose moment has come may go."""
        for ticket in self.later.due(now):
            self.lanes.give_back(ticket)

    async def hand_on(self, fates: Fates) -> None:
        """Write down the pages, then let what has ended be known and the rest go on to its next page. Raises
        StoppedError if the pages are not taken: their items are left as they are, under way."""
        fates.waited = bool(fates.pages)
        if fates.pages:
            pages = self._confidant.pages(fates.pages) if self._confidant else fates.pages
            with anyio.CancelScope(shield=True):
                try:
                    await self._keep(pages)
                except StoppedError:
                    await self.deliver([each for each in fates.ended if not each.paged])
                    raise
        if await self.deliver(fates.ended):
            fates.waited = True
        self.give_back(fates.paging)

    async def deliver(self, outcomes: Sequence[Outcome]) -> bool:
        """Hand outcomes on, whatever happens: these items have ended, and nothing else will tell of them.
        Whether that had to be waited for."""
        if not outcomes:
            return False
        if self._confidant is not None:
            outcomes = self._confidant.outcomes(outcomes)
        self.tally.count(outcomes)
        if (room := self._sink(outcomes)) is None:
            return False
        with anyio.CancelScope(shield=True):
            await room
        return True

    def wake(self) -> None:
        """Something has changed."""
        self._changed.set()

    def wake_by(self, until: float) -> None:
        """Whoever waits for a change is to look again when the loop's clock shows `until`."""
        if until < self._until:
            self._changed.set()

    async def change(self, until: float) -> None:
        """Wait until something has changed, or the loop's clock shows `until`."""
        self._changed, self._until = anyio.Event(), until
        with anyio.CancelScope(deadline=until):
            await self._changed.wait()


class Kept:
    """See Desk.kept."""

    __slots__ = ("_desk", "_unsent")

    def __init__(self, desk: Desk, unsent: Sequence[Ticket]) -> None:
        self._desk = desk
        self._unsent = unsent

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, anyio.get_cancelled_exc_class()):
            self._desk.give_back(self._unsent)
