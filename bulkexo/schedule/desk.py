"""The open tickets of a run: which may go, which wait for their moment, and what becomes of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import anyio

from bulkexo.choices import Order
from bulkexo.confidant import Confidant
from bulkexo.model import Ended, Outcome, Page, StoppedError
from bulkexo.pace import Backoff
from bulkexo.schedule import clock
from bulkexo.schedule.before import Before, Ending, Found
from bulkexo.schedule.delays import Delays
from bulkexo.schedule.lanes import Lanes, Ticket
from bulkexo.schedule.outcomes import left_out, outcome, page, unsent
from bulkexo.schedule.paging import Keep
from bulkexo.schedule.settle import Next, Rules, absent, chosen, ended, next_move, turn, within
from bulkexo.schedule.tally import Tally
from bulkexo.wire import Call, Verdict
from bulkexo.wire.doors import door

Sink = Callable[[Sequence[Outcome]], Awaitable[None]]
"""Takes outcomes on, a reply's worth at a time; waits while it has too many."""


@dataclass(slots=True)
class Fates:
    """A reply's tickets, by what becomes of them, those left out that wait for a moment.

    pages: to be written down before what has ended is told, and before the tickets of `paging` go on.
    """

    pages: list[Page] = field(default_factory=list)
    paging: list[Ticket] = field(default_factory=list)
    ended: list[Outcome] = field(default_factory=list)
    at_once: list[Ticket] = field(default_factory=list)
    sign_in: list[Ticket] = field(default_factory=list)
    undecided: list[tuple[Ticket, Verdict]] = field(default_factory=list)
    claims: str = ""


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

    def sort(self, batch: Sequence[Ticket], verdicts: Sequence[Verdict]) -> Fates:
        """Close the tickets that have ended, put off those that wait, and tell the rest apart."""
        now = clock.now()
        fates = Fates()
        for ticket, heard in zip(batch, verdicts, strict=True):
            some = heard.link or heard.value
            verdict = chosen(ticket, within(ticket, heard, self._rules)) if some else heard
            move = next_move(ticket, verdict, self._rules)
            if move is Next.ABSENT and self.wait_for(ticket, now):
                continue
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
                self.later.put(ticket, now + self._rules.looks[ticket.asked])
            elif move is Next.DECIDE:
                fates.undecided.append((ticket, verdict))
            elif move is Next.SIGN_IN:
                fates.sign_in.append(ticket)
                fates.claims = fates.claims or verdict.claims
            else:
                fates.at_once.append(ticket)
        return fates

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
        self.later.put(ticket, clock.now() + wait)

    def wait_for(self, ticket: Ticket, now: float) -> bool:
        """Let a ticket wait for its object to appear; False if its step has waited long enough."""
        left = ticket.began + ticket.item.rule.retry_not_found - now if ticket.item.rule else 0.0
        if left <= 0:
            return False
        self.tally.retried += 1
        ticket.absent += 1
        self.later.put(ticket, now + min(self._backoff.ceiling(ticket.absent), left))
        return True

    def give_back(self, tickets: Sequence[Ticket]) -> None:
        """Tickets that were taken may go again, before all others and in their order."""
        if not tickets:
            return
        for ticket in reversed(tickets):
            self.lanes.give_back(ticket)
        self.wake()

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
        if fates.pages:
            pages = self._confidant.pages(fates.pages) if self._confidant else fates.pages
            with anyio.CancelScope(shield=True):
                try:
                    await self._keep(pages)
                except StoppedError:
                    await self.deliver([each for each in fates.ended if not each.paged])
                    raise
        await self.deliver(fates.ended)
        self.give_back(fates.paging)

    async def deliver(self, outcomes: Sequence[Outcome]) -> None:
        """Hand outcomes on, whatever happens: these items have ended, and nothing else will tell of them."""
        if outcomes:
            if self._confidant is not None:
                outcomes = self._confidant.outcomes(outcomes)
            self.tally.count(outcomes)
            with anyio.CancelScope(shield=True):
                await self._sink(outcomes)

    def wake(self) -> None:
        """Something has changed."""
        self._changed.set()

    async def change(self, until: float) -> None:
        """Wait until something has changed, or the loop's clock shows `until`."""
        self._changed = anyio.Event()
        with anyio.CancelScope(deadline=until):
            await self._changed.wait()
