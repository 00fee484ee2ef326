"""The loop that packs, sends and retries for one tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import anyio

from bulkexo.confidant import Confidant
from bulkexo.model import BulkexoError, Item, SignInError, SignInUnreachableError, StoppedError
from bulkexo.pace import Backoff, Pacer
from bulkexo.schedule import clock
from bulkexo.schedule.before import Before
from bulkexo.schedule.desk import Desk, Fates, Sink
from bulkexo.schedule.gate import Gates, Tokens
from bulkexo.schedule.lanes import Ticket
from bulkexo.schedule.observer import Observer, tell
from bulkexo.schedule.paging import Keep
from bulkexo.schedule.reach import Reach, sighting
from bulkexo.schedule.rest import Rest
from bulkexo.schedule.settings import Announce, Decide, Past, Settings
from bulkexo.schedule.settle import harmless, told_to_resend
from bulkexo.schedule.tally import Tally, signing
from bulkexo.schedule.usher import Usher
from bulkexo.wire import Action, Call, Lost, Reply, Verdict
from bulkexo.wire.token import why_refused

WITHDRAW_LIMIT = 5.0
"""Seconds that a disk may take for it when the run is cut off; what it does not take stays in doubt."""


class Scheduler:
    """Runs the items of one tenant to their end, within what `pacer` allows.

    gates: whom to speak to. wall: seconds since the epoch. sink: takes the outcomes; keep: the pages of those
    that return several, as they come.
    announce, decide: see there; without a person, what is undecided stays unknown. withdraw: told what was
    announced and certainly did not run. past: of a resumed run. tally: to go on counting in. before: what is
    read before items are sent. observers: told of every request. confidant: see Desk.
    """

    def __init__(
        self,
        *,
        gates: Gates,
        pacer: Pacer,
        backoff: Backoff,
        wall: Callable[[], float],
        sink: Sink,
        keep: Keep,
        announce: Announce,
        withdraw: Announce,
        settings: Settings,
        decide: Decide | None = None,
        past: Past | None = None,
        tally: Tally | None = None,
        before: Before | None = None,
        observers: Sequence[Observer] = (),
        confidant: Confidant | None = None,
    ) -> None:
        self._gates = gates
        self._observers = observers
        self._pacer = pacer
        self._wall = wall
        self._announce = announce
        self._withdraw = withdraw
        self._decide = decide
        self._settings = settings
        self._reach = Reach(settings.offline)
        self._group: anyio.abc.TaskGroup | None = None
        self._error: BulkexoError | None = None
        self.tally = tally or Tally()
        self._rest = Rest(settings.hours, wall, self.tally)
        self._desk = Desk(settings.order, settings.rules, backoff, sink, keep, self.tally, before, confidant)
        self._usher = Usher(
            self._desk, pacer, self._reach, self._rest, settings, past, stop=self.stop, finish=self._finish
        )

    async def run(self, items: Iterator[Item | None]) -> bool:
        """Run the items; True when all have ended, False when `stop` came before. Further ones can follow.
        None among them: there is none now, and `wake` tells when there may be.

        Raises StoppedError, SignInError or JobError after what was in flight has ended.
        """
        self._usher.begin(items)
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                while batch := await self._usher.next_batch():
                    self.tally.batches += 1
                    group.start_soon(self._exchange, batch)
        finally:
            self.tally.rate, self.tally.places = None, 0
            await self._withdraw_unsent()
        if self._error is not None:
            raise self._error
        return self._usher.exhausted and not self._desk.lanes.open

    def stop(self, error: BulkexoError | None = None) -> None:
        """Read and send nothing more; what is in flight may end. The first error given is raised by run."""
        self._error = self._error or error
        self._usher.close()

    def wake(self) -> None:
        """Look at the items again: there may be more now."""
        self._desk.wake()

    async def _exchange(self, batch: list[Ticket]) -> None:
        """One attempt of a batch, and what follows from it; then of another, as long as there is one that
        need not wait. It counts as in flight until its outcomes are taken, so that a slow disk slows the
        sending down."""
        while batch:
            try:
                going_on = await self._attempt(batch)
            finally:
                self.tally.batches -= 1
            batch = await self._usher.next_at_once() if going_on else []
        self._desk.wake()

    async def _attempt(self, batch: list[Ticket]) -> bool:
        """Whether another batch may follow at once: there was nothing to wait for."""
        gate = self._gates[batch[0].door.host]
        try:
            with self._desk.kept(batch):
                await self._announce_unsafe(batch)
                token = await signing(self.tally, gate.tokens.current())
        except SignInUnreachableError as error:
            self._put_off_unsigned(batch, str(error))
            return False
        except (SignInError, StoppedError) as error:
            self._desk.give_back(batch)
            self.stop(error)
            return False
        started = clock.now()
        held = self._rest.left() > 0 or started < self._pacer.hold_until
        if self._usher.stopping or held:
            self._desk.give_back(batch)  # things changed while the token was renewed
            return False
        calls = [ticket.call() for ticket in batch]
        self._desk.confide(calls)
        reads = self._note_sending(batch, started)
        reply, verdicts = await gate.exchange(calls, token)
        if isinstance(reply, Lost) and reply.final:
            self._desk.give_back(batch)
            self.stop(
                StoppedError(f"{gate.service.endpoint} cannot be used: check --endpoint. {reply.reason}")
            )
            return False
        attempt = max(1, *(ticket.attempts for ticket in batch)) if self._observers else 1
        self._learn(gate.service.endpoint, reply, calls, verdicts, started, attempt)
        if not isinstance(reply, Lost) or reply.sent:
            self.tally.reads += reads
        fates = self._desk.sort(batch, verdicts)
        await self._finish(fates)
        if fates.sign_in:
            await self._sign_in(gate.tokens, fates.sign_in, token, fates.claims)
        return not (fates.waited or fates.sign_in)

    async def _finish(self, fates: Fates) -> None:
        """What follows from a reply, ticket by ticket, but for signing in."""
        self._desk.give_back(fates.at_once)
        for ticket, verdict in fates.undecided:
            if self._group is not None:
                self._group.start_soon(self._ask, ticket, verdict)
        try:
            await self._desk.hand_on(fates)
        except StoppedError as error:
            self.stop(error)

    async def _ask(self, ticket: Ticket, verdict: Verdict) -> None:
        """Let a person decide about an item of unknown fate; until then its lane waits."""
        error = self._desk.told(ticket, verdict).error
        if self._decide is not None and await self._decide(ticket.item, error.message if error else ""):
            told_to_resend(ticket)
            self._desk.give_back([ticket])
        else:
            await self._desk.deliver(self._desk.close(ticket, verdict, clock.now()))
        self._desk.wake()

    async def _announce_unsafe(self, batch: Sequence[Ticket]) -> None:
        """Put on disk what is about to be sent and must not be sent twice; even if that is nothing, what such
        items have ended before comes first."""
        unsafe = [
            ticket for ticket in batch if not (ticket.announced or ticket.reading or harmless(ticket.item))
        ]
        for ticket in unsafe:
            ticket.announced = True  # even if we are cut off: it is on its way to the disk
        try:
            await self._announce([ticket.item for ticket in unsafe])
        except StoppedError:
            for ticket in unsafe:
                ticket.announced = False
            raise

    async def _withdraw_unsent(self) -> None:
        """Tell the journal of what was announced and did not run, having been refused or never having left:
        whoever goes on can send it without doubt."""
        waiting = self._desk.waiting()
        unsent = [each.item for each in waiting if each.announced and not (each.in_doubt or each.paging)]
        if unsent:
            with anyio.move_on_after(WITHDRAW_LIMIT, shield=True):
                await self._withdraw(unsent)

    def _note_sending(self, batch: Sequence[Ticket], now: float) -> int:
        """Count what is about to be sent; how many of it only read what is there."""
        wall, reads = self._wall(), 0
        for ticket in batch:
            if ticket.reading is not None:
                reads += 1
                continue
            if ticket.link:
                self.tally.pages += 1
            elif not ticket.asking:
                ticket.attempts += 1
            if ticket.started is None:
                ticket.started, ticket.began = wall, now
        self.tally.sent += len(batch)
        self._pacer.sent(now, len(batch))
        return reads

    def _learn(
        self,
        endpoint: str,
        reply: Reply | Lost,
        calls: Sequence[Call],
        verdicts: Sequence[Verdict],
        started: float,
        attempt: int,
    ) -> None:
        """Tell pace and observers what was seen, and notice when the service is out of reach."""
        now = clock.now()
        seen = sighting(reply, calls, verdicts, started, now)
        self.tally.refused += seen.refused
        self._pacer.saw(seen)
        if self._observers:
            tell(self._observers, endpoint, calls, reply, seen, self._wall(), attempt)
        self._usher.learned()
        if isinstance(reply, Lost) and not reply.sent:
            self.tally.sent -= len(verdicts)
            self.tally.pages -= sum(bool(call.link) for call in calls)
            self._note_unreached(reply.reason)
        elif any(verdict.action is not Action.SIGN_IN for verdict in verdicts):
            self._reach.reached()
            self.tally.unreachable = ""

    def _note_unreached(self, reason: str) -> None:
        """The service, or the one for signing in, is out of reach; too long, and the run stops."""
        self.tally.unreachable = reason
        if self._reach.too_long(clock.now()):
            lasted = f"{self._settings.offline:.0f} s"
            self.stop(
                StoppedError(
                    f"Nothing could be sent for {lasted}. {reason} Check the network of this machine."
                )
            )

    def _put_off_unsigned(self, tickets: Sequence[Ticket], reason: str) -> None:
        """No token can be had now: again later."""
        self._note_unreached(reason)
        for ticket in tickets:
            ticket.unreached += 1
            self._desk.put_off(ticket)

    async def _sign_in(self, tokens: Tokens, tickets: list[Ticket], refused: str, claims: str) -> None:
        """A new token, once per token; one that is refused when new ends the run."""
        if not tokens.ended(refused) and any(ticket.refused_token not in ("", refused) for ticket in tickets):
            self.stop(SignInError(why_refused(refused)))
            self._desk.give_back(tickets)
            return
        for ticket in tickets:
            ticket.refused_token = refused
        try:
            with self._desk.kept(tickets):
                await signing(self.tally, tokens.renew(refused, claims))
        except SignInUnreachableError as error:
            self._put_off_unsigned(tickets, str(error))
            return
        except SignInError as error:
            self.stop(error)
        self._desk.give_back(tickets)
