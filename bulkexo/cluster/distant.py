"""A tenant whose items a worker runs: what the run knows of it, and what its worker is answered. Floor 4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

import anyio

from bulkexo import __version__
from bulkexo.cluster import messages
from bulkexo.cluster.ledger import Ledger
from bulkexo.cluster.messages import Share, SignIn, SupersededError
from bulkexo.confidant import Confidant
from bulkexo.connection import Connection
from bulkexo.former import Formers
from bulkexo.memory import Memory
from bulkexo.model import BulkexoError, Item, StoppedError, UsageError
from bulkexo.net.session import Session
from bulkexo.net.tokens import Token
from bulkexo.options import Options
from bulkexo.pace import Learned
from bulkexo.schedule import Tally
from bulkexo.schedule.desk import in_turn
from bulkexo.tenancy import HELD_DOWN, Place, Surroundings, Tenancy, own_means
from bulkexo.wire.token import Bearer

CUT_LIMIT = 5.0
"""Seconds that a worker has, once the run is cut off, to tell what it did and did not send."""
FRUITLESS: Final = 10
"""Workers that a tenant may take with it, one after another, before it is the tenant's fault."""
TOLD: Final = (
    *("rate", "concurrency", "batch_size", "retries", "timeout", "order", "strict", "keep_before", "raw"),
    *("response_format", "on_unknown", "offline", "give_up_after", "sandbox", "tenant"),
)
"""Options that a worker is told: what a Tenancy asks for, and nothing that can hold a secret or a path."""
ADDED: Final = ("sent", "pages", "reads", "refused", "retried")
NOW: Final = ("batches", "signing", "state", "rate", "places", "unreachable", "resting")


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all tenants of a run on workers. lease: see Share. items: of each tenant, by its name.
    steps: items of a row. before: see Share."""

    lease: float
    sign_in: SignIn
    items: Mapping[str, int]
    steps: int = 1
    before: str = ""


@dataclass(slots=True)
class _Question:
    """What a person is being asked."""

    answered: anyio.Event = field(default_factory=anyio.Event)
    answer: bool = False


class Desk(Protocol):
    """Where tenants are given to workers."""

    stopping: bool

    def want(self, tenant: Distant) -> None:
        """The tenant is to be given to a worker."""

    def drop(self, tenant: Distant, *, cut: bool) -> None:
        """It is not to be at one any more. cut: what it is doing there is to end at once."""

    def stop(self) -> None:
        """No worker is to send anything more; what is in flight may end."""


class Distant:
    """See tenancy.Executor. number: of the tenant in its run. left: items of it that have not ended, as far
    as is known."""

    def __init__(self, number: int, place: Place, around: Surroundings, terms: Terms, desk: Desk) -> None:
        self.number = number
        self.name = place.name
        self.tally = Tally()
        self.connection = place.identity.connection
        self.ledger = Ledger(terms.steps, around.past)
        self.left = terms.items.get(place.name, 0)
        self.run_id = around.run_id
        self._place = place
        self._around = around
        self._terms = terms
        self._desk = desk
        self._keep = around.before.keep if isinstance(around.before, Formers) else None
        self._confidant = around.confidant or Confidant()  # a worker knows but what it has sent itself
        self._memory = Memory("")
        self._learned: Learned | None = None
        self._asked: dict[tuple[int, int], _Question] = {}
        self._ended_before = dict.fromkeys(ADDED, 0)  # by workers that have the tenant no more
        self._attempts = 0  # of what has ended
        self._fruitless = 0
        self._over = anyio.Event()
        self._complete = False
        self._error: BulkexoError | None = None
        self._local: Tenancy | None = None
        if terms.sign_in is SignIn.COORDINATOR:
            self._means = replace(own_means(place), memory=self._remembering)
            self._local = Tenancy(place, around, self._means)

    def _remembering(self, key: str) -> Memory:
        self._memory = Memory("" if self._place.options.sandbox else key)
        return self._memory

    @property
    def who(self) -> Bearer:
        """What the first token says of itself, where it was got here."""
        return self._local.who if self._local else Bearer()

    async def sign_in(self) -> None:
        """See Tenancy.sign_in; where workers sign in themselves, they do so when they begin."""
        if self._local is not None:
            await self._local.sign_in()

    async def open(self, session: Session) -> None:
        """See Tenancy.open: whether secrets can be sent is known before anything is."""
        if self._local is not None and self._around.secure:
            await self._local.open(session)

    async def run(self, items: Iterator[Item]) -> bool:
        """See Tenancy.run."""
        self.ledger.load(items)
        self._over, self._complete, self._error = anyio.Event(), False, None
        async with anyio.create_task_group() as group:
            if self._local is not None:
                group.start_soon(self._local.keep_tokens)
            await self._at_workers()
            group.cancel_scope.cancel()
        if self._error is not None:
            raise self._error
        return self._complete

    async def _at_workers(self) -> None:
        self._desk.want(self)
        try:
            await self._over.wait()
        except anyio.get_cancelled_exc_class():
            self._desk.drop(self, cut=True)
            with anyio.move_on_after(CUT_LIMIT, shield=True):
                await self._over.wait()
            raise
        finally:
            self._desk.drop(self, cut=False)
            self._settle()

    def stop(self) -> None:
        """See Tenancy.stop."""
        self._desk.stop()

    def remember(self) -> None:
        """See Tenancy.remember."""
        ceiling = self._place.options.rate
        if (
            self._learned
            and self.tally.done
            and (ceiling is None or self._learned.rate < HELD_DOWN * ceiling)
        ):
            self._memory.remember(self._learned)

    def conclude(self, *, complete: bool = False, error: BulkexoError | None = None) -> None:
        """The run of these items is over; what is said of it first holds."""
        if self.over:
            return
        self._complete, self._error = complete, error
        self._over.set()

    @property
    def over(self) -> bool:
        """Whether it is over, or none has begun."""
        return self._over.is_set()

    def lost(self) -> None:
        """The worker that has it is given up. What it had goes to another, unless it is to end anyway."""
        self._settle()
        self._fruitless += 1
        if self._desk.stopping:
            self.conclude()
        elif self._fruitless >= FRUITLESS:
            self.conclude(
                error=StoppedError(
                    f"{FRUITLESS} workers in a row were lost that had this tenant, and none of them ended an "
                    "item of it. See what became of them, in Dask's log, before you resume."
                )
            )
        else:
            self._desk.want(self)

    def _settle(self) -> None:
        """No worker has it now: nothing is in flight, and what the last one said is added up. What it sent
        since it said so shows in what has ended."""
        self.tally.sent = max(self.tally.sent, self._attempts)
        self._ended_before = {name: getattr(self.tally, name) for name in ADDED}
        idle = Tally()
        for name in (*NOW, "hold_until"):
            setattr(self.tally, name, getattr(idle, name))

    def stands(self, tally: Tally, learned: Learned | None) -> None:
        """How it stands at its worker: see messages.Standing."""
        for name in ADDED:
            setattr(self.tally, name, self._ended_before[name] + getattr(tally, name))
        for name in NOW:
            setattr(self.tally, name, getattr(tally, name))
        self.tally.hold_until = anyio.current_time() + tally.hold_until if tally.hold_until > 0 else 0.0
        self._learned = learned or self._learned

    def begin(self, asked: messages.Begin) -> Share:
        """Raises SupersededError, or StoppedError for a worker that is of another version."""
        if asked.version != __version__:
            error = StoppedError(
                f"A worker has bulkexo {asked.version}, and this is {__version__}. Install the same version "
                "on all of them."
            )
            self.conclude(error=error)
            raise error
        self.ledger.begin(asked.at.generation, asked.host)
        around, terms, own = self._around, self._terms, self._place.identity.connection
        here = terms.sign_in is SignIn.COORDINATOR
        learned = self._learned or self._memory.recall()
        return Share(
            tenant=self.name,
            options=Options(**{name: getattr(self._place.options, name) for name in TOLD}),
            connection=_discreet(own) if here else replace(own, ca_file=None),
            ca=_certificates(own.ca_file),
            sign_in=terms.sign_in,
            asked_of_nobody=here and self._means.asked_of_nobody,
            ready_made=here and self._means.ready_made,
            run_id=around.run_id,
            hosts=around.hosts,
            secure=around.secure,
            secrets_later=around.secrets_later,
            ahead=around.ahead,
            hours=around.hours,
            before=terms.before,
            decide=around.decide is not None,
            learned=learned,
            lease=terms.lease,
        )

    def more(self, asked: messages.More) -> messages.Items:
        """Raises SupersededError, or what reading the items raises."""
        if self._desk.stopping:
            self.ledger.check(asked.at.generation)
            return messages.Items((), over=False)
        found = self.ledger.more(asked.at.generation, asked.count)
        for each in found.given:
            self._confidant.hear(each.item)
        return found

    async def announce(self, asked: messages.Announce) -> None:
        """Raises SupersededError, or StoppedError if the disk does not take it."""
        generation, ledger, around = asked.at.generation, self.ledger, self._around
        if asked.withdrawn:
            await around.withdraw(ledger.withdraw(generation, asked.items))
            return
        items = ledger.announce(generation, asked.items)
        for item, twin, before, whole in asked.formers:
            if self._keep is not None and ledger.first_kept(generation, item):
                self._keep(item, twin, before, whole=whole)
        await around.announce(items)
        ledger.check(generation)

    async def keep(self, asked: messages.Keep) -> None:
        """Raises SupersededError, or StoppedError if the disk does not take them."""
        if pages := self.ledger.pages(asked.at.generation, asked.pages):
            await self._around.keep(self._confidant.pages(pages))

    async def ended(self, asked: messages.Ended) -> None:
        """Raises SupersededError."""
        if found := self.ledger.end(asked.at.generation, asked.outcomes):
            self.left -= len(found)
            self._fruitless = 0
            told = self._confidant.outcomes(found)
            self.tally.count(told)
            self._attempts += sum(each.attempts for each in found)
            await in_turn(self._around.sink(told))

    async def decide(self, asked: messages.Decide) -> bool:
        """What a person says, who is not asked twice at once where the worker asks again. Raises
        SupersededError."""
        self.ledger.check(asked.at.generation)
        key = (asked.item.row, asked.item.step)
        if (question := self._asked.get(key)) is None:
            question = self._asked[key] = _Question()
            try:
                decide = self._around.decide
                question.answer = decide is not None and await decide(asked.item, asked.reason)
            finally:
                del self._asked[key]
                question.answered.set()
        await question.answered.wait()
        self.ledger.check(asked.at.generation)
        return question.answer

    def note(self, asked: messages.Note) -> None:
        """Raises SupersededError."""
        self.ledger.check(asked.at.generation)
        self._around.note(asked.text)

    async def token(self, asked: messages.WantToken) -> Token:
        """Raises SupersededError or SignInError."""
        self.ledger.check(asked.at.generation)
        if self._local is None:
            raise SupersededError("This run's workers sign in themselves.")
        return await self._local.lend(asked.host, asked.refused, asked.claims)

    def finished(self, asked: messages.Finished) -> None:
        """Raises SupersededError."""
        self.ledger.check(asked.at.generation)
        self.stands(asked.tally, asked.learned)
        left = self.ledger.given
        self.ledger.give()
        if asked.error is not None:
            self.conclude(error=asked.error)
        elif asked.complete and not self.ledger.over:
            self.conclude(error=StoppedError(f"A worker has left out {left:,} items. Please report this."))
        elif asked.complete or self._desk.stopping:
            self.conclude(complete=asked.complete)
        else:
            self.lost()


def _discreet(connection: Connection) -> Connection:
    """Where a tenant is, and nothing of how to sign in."""
    return Connection(
        tenant=connection.tenant,
        endpoint=connection.endpoint,
        compliance=connection.compliance,
        authority=connection.authority,
    )


def _certificates(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}). Check --ca-file.") from None
