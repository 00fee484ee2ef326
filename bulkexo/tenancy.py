"""One tenant of a run: who signs in, where it is, how fast it may go, and what runs its items."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import anyio

from bulkexo.memory import Memory
from bulkexo.model import BulkexoError, Item, SignInError, UsageError
from bulkexo.net.identity import Identity
from bulkexo.net.session import Session
from bulkexo.net.tokens import Keeper
from bulkexo.options import Options
from bulkexo.pace import Backoff, Pacer
from bulkexo.schedule import Announce, Decide, Gate, Keep, Past, Rules, Scheduler, Settings, Sink, Tally
from bulkexo.wire import Service
from bulkexo.wire.doors import Host
from bulkexo.wire.hosts import scope
from bulkexo.wire.message import app_anchor, user_anchor
from bulkexo.wire.token import bearer

HELD_DOWN = 0.9
"""Share of --rate from which on it is the ceiling that was reached, and not the tenant's allowance."""
WINDOW = 1000
"""Items read ahead at the least, so that those of one mailbox, which go one by one, leave others to send."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all tenants of a run share. run_id: a GUID, the connection-id of the run. note: told what a person
    should know, and what does not stop the run."""

    options: Options
    run_id: str
    sink: Sink
    keep: Keep
    announce: Announce
    withdraw: Announce
    decide: Decide | None
    past: Past | None
    note: Callable[[str], None]


class Tenancy:
    """A tenant with its own tokens and its own pace, so that one that is throttled holds up no other.

    name: as the job gives it, "" for the one that the token names. Call `sign_in` before the rest.
    """

    def __init__(self, name: str, identity: Identity, around: Surroundings) -> None:
        self.name = name
        self.tally = Tally()
        self.connection = identity.connection
        source = identity.source(scope(self.connection.endpoint))
        self._keeper = Keeper(source, time.monotonic, around.note)
        self._around = around
        self._service: Service | None = None
        self._memory = Memory("")
        self._pacer: Pacer | None = None
        self._scheduler: Scheduler | None = None

    async def sign_in(self) -> None:
        """Get the first token, and learn from it who and where we are. Raises SignInError or UsageError.

        The tenant's GUID serves better than its domain (protocol.md, Endpoints).
        """
        options, endpoint = self._around.options, self.connection.endpoint
        who = bearer(await self._keeper.current())
        tenant = who.tenant or self.connection.tenant
        if not tenant:
            raise UsageError("The token does not say which tenant it is for: give --tenant.")
        anchor = user_anchor(who.upn) if who.upn else app_anchor(tenant)
        if not options.sandbox:  # the next one is another tenant under the same name
            self._memory = Memory(f"{endpoint} {tenant} {who.app or who.upn}")
        self._service = Service(endpoint, tenant, anchor, self._around.run_id, options.timeout)

    async def run(self, session: Session, items: Iterator[Item]) -> bool:
        """Run the tenant's items; True when all have ended. Raises as Scheduler.run does."""
        self._scheduler = self._make(session)
        complete, error = False, None
        async with anyio.create_task_group() as group:
            group.start_soon(self._keeper.keep)
            try:
                complete = await self._scheduler.run(items)
            except BulkexoError as caught:
                error = caught
            group.cancel_scope.cancel()
        if error is not None:
            raise error
        return complete

    def stop(self) -> None:
        """Read and send nothing more; what is in flight may end."""
        if self._scheduler is not None:
            self._scheduler.stop()

    def remember(self) -> None:
        """Keep what was learned of the allowance for the next run; what --rate held down is none."""
        ceiling = self._around.options.rate
        if self._pacer is None or not self.tally.done:
            return
        learned = self._pacer.learned
        if ceiling is None or learned.rate < HELD_DOWN * ceiling:
            self._memory.remember(learned)

    def _make(self, session: Session) -> Scheduler:
        if self._service is None:
            raise SignInError(f"Nobody is signed in to {self.name}.")
        around, options = self._around, self._around.options
        backoff = Backoff(random.random)
        self._pacer = Pacer(
            rate=options.rate,
            concurrency=options.concurrency,
            backoff=backoff,
            learned=self._memory.recall(),
            give_up_after=options.give_up_after,
        )
        rules = Rules(retries=options.retries, strict=options.strict, on_unknown=options.on_unknown)
        return Scheduler(
            gates={Host.EXCHANGE: Gate(self._service, session, self._keeper, keep_notes=options.raw)},
            pacer=self._pacer,
            backoff=backoff,
            wall=time.time,
            sink=around.sink,
            keep=around.keep,
            announce=around.announce,
            withdraw=around.withdraw,
            decide=around.decide,
            past=around.past,
            tally=self.tally,
            settings=Settings(
                batch_size=options.batch_size,
                order=options.order,
                rules=rules,
                offline=options.offline,
                window=max(WINDOW, 2 * options.concurrency * options.batch_size),
                run_id=around.run_id[:24],
            ),
        )
