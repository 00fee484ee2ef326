"""One tenant of a run: who signs in, where it is, how fast it may go, and what runs its items."""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import anyio

from bulkexo.confidant import Confidant
from bulkexo.connection import Auth, Connection
from bulkexo.keystore import KeyStore
from bulkexo.memory import Memory
from bulkexo.model import BulkexoError, Item, SignInError, UsageError
from bulkexo.net.identity import Identity, way
from bulkexo.net.session import Session
from bulkexo.net.sessions import TOGETHER
from bulkexo.net.tokens import Keeper, Source, Token
from bulkexo.options import Options
from bulkexo.pace import Backoff, Learned, Pacer
from bulkexo.schedule import (
    Announce,
    Before,
    Decide,
    Gate,
    Keep,
    Observer,
    Past,
    Rules,
    Scheduler,
    Settings,
    Sink,
    Tally,
)
from bulkexo.schedule.keyring import Keyring
from bulkexo.wire import Lost, Reply, Service
from bulkexo.wire.doors import Host
from bulkexo.wire.hosts import CLOUDS, OTHER_NAMES, another_service, scope
from bulkexo.wire.message import app_anchor, user_anchor
from bulkexo.wire.token import Bearer, bearer

if TYPE_CHECKING:
    from bulkexo.pace.hours import Hours

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
HELD_DOWN = 0.9
"""Share of --rate from which on it is the ceiling that was reached, and not the tenant's allowance."""
SIGN_INS = 8
"""Tenants that are signed in to at once."""
WINDOW = 1000
"""Items read ahead at the least, so that those of one mailbox, which go one by one, leave others to send."""
FEW_BATCHES = 2
"""Batches of items that may go, beyond which those of several callers are not read ahead."""
AHEAD = 200_000
"""Items that all tenants together read ahead: memory does not grow with their number."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all tenants of a run share. run_id: a GUID, the connection-id of the run. note: told what a person
    should know, and what does not stop the run. hosts: the services that the job needs. secure: those of
    them with secrets that go encrypted; secrets_later: whether any may yet have some. ahead: items that one
    of the tenants may read ahead; shared: whether they are of several callers, so that none is to wait behind
    all of another's. before: what is read before items are sent. hours: in which they may be. observers: told
    of every request. confidant: see Desk."""

    run_id: str
    sink: Sink
    keep: Keep
    announce: Announce
    withdraw: Announce
    decide: Decide | None
    past: Past | None
    note: Callable[[str], None]
    hosts: tuple[Host, ...] = (Host.EXCHANGE,)
    secure: tuple[Host, ...] = ()
    secrets_later: bool = False
    ahead: int = AHEAD
    shared: bool = False
    before: Before | None = None
    hours: Hours | None = None
    observers: Sequence[Observer] = ()
    confidant: Confidant | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant of a run. name: as the job gives it, "" for the one that the token names. options: as they
    hold for it. identity: who signs in, and where."""

    name: str
    options: Options
    identity: Identity


class Remembering(Protocol):
    """Keeps what was learned of a tenant's allowance, see Memory."""

    def recall(self) -> Learned | None: ...

    def remember(self, learned: Learned) -> None: ...


@dataclass(frozen=True, slots=True)
class Means:
    """Where a tenant's tokens come from, and where it keeps what it learns. source: of the tokens for a host,
    by their scope; it may read files, and ask a person. asked_of_nobody: the tokens are whoever's, and the
    job says which tenant's they should be. ready_made: they serve one service alone. memory: of a tenant and
    app, by both."""

    source: Callable[[Host, str], Source]
    asked_of_nobody: bool
    ready_made: bool
    memory: Callable[[str], Remembering]


def own_means(place: Place) -> Means:
    """Those of a tenant that is signed in to from here. Raises UsageError."""
    auth = way(place.identity.connection, place.identity.secrets)
    named = bool(place.name or place.options.profile)
    return Means(
        lambda _, scope: place.identity.source(scope),
        asked_of_nobody=named and auth in (Auth.TOKEN, Auth.MANAGED_IDENTITY),
        ready_made=auth is Auth.TOKEN,
        # The next sandbox is another under the same name.
        memory=(lambda _: Memory("")) if place.options.sandbox else Memory,
    )


def shared(places: Sequence[Place], items: Mapping[str, int], together: int = TOGETHER) -> list[Place]:
    """The same, with the batches in flight that several tenants may have together divided among them by their
    items, at least one each and never more than --concurrency. items: of each, by name. together: how many
    these are."""
    if len(places) == 1:
        return list(places)
    total = sum(items.get(place.name, 0) for place in places) or 1
    found = []
    for place in places:
        share = max(1, round(together * items.get(place.name, 0) / total))
        options = replace(place.options, concurrency=min(place.options.concurrency, share))
        found.append(replace(place, options=options))
    return found


class Executor(Protocol):
    """What runs the items of one tenant: a Tenancy, or what has one elsewhere (see Tenancy for what each is).
    run: can be called again, with further items, once it has ended."""

    @property
    def name(self) -> str: ...

    @property
    def tally(self) -> Tally: ...

    @property
    def connection(self) -> Connection: ...

    @property
    def who(self) -> Bearer: ...

    async def sign_in(self) -> None: ...

    async def open(self, session: Session) -> None: ...

    async def run(self, items: Iterator[Item]) -> bool: ...

    def stop(self) -> None: ...

    def remember(self) -> None: ...


class Tenancy:
    """A tenant with its own tokens and its own pace, so that one that is throttled holds up no other.

    `sign_in`, then `open`, before the rest. means: None for its own. who: what the first token says of
    itself.
    """

    def __init__(self, place: Place, around: Surroundings, means: Means | None = None) -> None:
        self.name = place.name
        self.tally = Tally()
        self.connection = place.identity.connection
        self.who = Bearer()
        self._options = place.options
        self._means = means = means or own_means(place)
        places = {Host.EXCHANGE: self.connection.endpoint, Host.COMPLIANCE: self.connection.compliance}
        self._endpoints = {host: places[host] for host in around.hosts}
        self._keepers = {
            host: Keeper(means.source(host, scope(endpoint)), time.monotonic, around.note)
            for host, endpoint in self._endpoints.items()
        }
        self._around = around
        self._services: dict[Host, Service] = {}
        self._gates: dict[Host, Gate] = {}
        self._memory: Remembering = Memory("")
        self._pacer: Pacer | None = None
        self._scheduler: Scheduler | None = None

    async def sign_in(self) -> None:
        """Get the first tokens, and learn from them who and where we are. Raises SignInError or UsageError.

        The tenant's GUID serves better than its domain (protocol.md, Endpoints).
        """
        options, run_id = self._options, self._around.run_id
        for host, endpoint in self._endpoints.items():
            who = bearer(await self._keepers[host].current())
            self.who = self.who if self._services else who
            if self._means.ready_made:
                self._check_audience(who.audience, host)
            tenant = self._tenant_of(who)
            anchor = user_anchor(who.upn) if who.upn else app_anchor(tenant)
            if not self._services:
                self._memory = self._means.memory(f"{endpoint} {tenant} {who.app or who.upn}")
            self._services[host] = Service(
                endpoint, tenant, anchor, run_id, options.timeout, options.response_format
            )

    def _check_audience(self, audience: str, host: Host) -> None:
        """A ready-made token serves one service alone, and may say which. Raises SignInError."""
        exchange = {self.connection.endpoint, *(cloud.endpoint for cloud in CLOUDS.values()), *OTHER_NAMES}
        compliance = {self.connection.compliance, *(cloud.compliance for cloud in CLOUDS.values())}
        others = exchange if host is Host.COMPLIANCE else compliance
        if another_service(audience, self._endpoints[host], others):
            raise SignInError(
                f"The token is for {audience}, and the job goes to {self._endpoints[host]}"
                f"{' as well' if len(self._endpoints) > 1 else ''}, which takes another. Nothing was sent: "
                "sign in as an app or a person, who get one for each service; or run what goes to each in a "
                "job of its own, with its own token (api: tells where a cmdlet goes)."
            )

    def _tenant_of(self, who: Bearer) -> str:
        """The tenant that requests go to. A token that did not come from its own authority can be another
        tenant's; then the service is told the tenant that was said, and refuses the token."""
        said = self.connection.tenant or ""
        if GUID.fullmatch(said) and who.tenant and said.lower() != who.tenant.lower():
            raise SignInError(
                f"The token is for the tenant {who.tenant}, and the job is for {said}. Nothing was sent: get "
                "the token of the right tenant."
            )
        tenant = said if said and self._means.asked_of_nobody else who.tenant or said
        if not tenant:
            raise UsageError("The token does not say which tenant it is for: give --tenant.")
        return tenant

    async def open(self, session: Session) -> None:
        """Make ready to send; where the job has secrets, the service's key for them is fetched. Raises
        UsageError if it is not to be had, or SignInError."""
        for host, service in self._services.items():
            raw = self._options.raw
            gate = self._gates[host] = Gate(service, session, self._keepers[host], keep_notes=raw)
            needed = host in self._around.secure
            if not (needed or self._around.secrets_later):
                continue
            name = "" if self._options.sandbox else f"{service.endpoint} {service.tenant}"
            gate.keyring = Keyring(gate.key, KeyStore(name), time.time)
            if needed and await gate.keyring.current() is None:
                raise UsageError(
                    f"The job has passwords, which go encrypted only, and {service.endpoint} did not give "
                    "its key for them. Check the roles of this identity and try again later, or leave the "
                    "passwords out."
                )

    @property
    def tenant(self) -> str:
        """The tenant that requests go to, once signed in."""
        return next(iter(self._services.values())).tenant

    async def modules(self) -> dict[Host, Reply | Lost]:
        """What each host answers who asks for the module of its roles. Raises SignInError."""
        return {host: await gate.module() for host, gate in self._gates.items()}

    async def run(self, items: Iterator[Item | None]) -> bool:
        """Run items of the tenant; True when all have ended, and then others can follow. Raises as
        Scheduler.run does, which tells what None is."""
        self._scheduler = self._scheduler or self._make()
        complete, error = False, None
        async with anyio.create_task_group() as group:
            group.start_soon(self.keep_tokens)
            try:
                complete = await self._scheduler.run(items)
            except BulkexoError as caught:
                error = caught
            group.cancel_scope.cancel()
        if error is not None:
            raise error
        return complete

    async def keep_tokens(self) -> None:
        """Renew the tokens before they end, until cancelled."""
        async with anyio.create_task_group() as group:
            for keeper in self._keepers.values():
                group.start_soon(keeper.keep)

    async def lend(self, host: Host, refused: str, claims: str) -> Token:
        """A token for who runs the items elsewhere (see Keeper.lend). Raises SignInError."""
        return await self._keepers[host].lend(refused, claims)

    def wake(self) -> None:
        """Look at the items again: there may be more now."""
        if self._scheduler is not None:
            self._scheduler.wake()

    def stop(self) -> None:
        """Read and send nothing more; what is in flight may end."""
        if self._scheduler is not None:
            self._scheduler.stop()

    @property
    def learned(self) -> Learned | None:
        """What is known of the tenant's allowance: from this run, or from an earlier one."""
        return self._pacer.learned if self._pacer and self.tally.done else self._memory.recall()

    @property
    def rate(self) -> float | None:
        """Items a second that the tenant takes, as far as it was learned, and --rate allows."""
        learned = self._pacer.learned.rate if self._pacer and self.tally.done else None
        known = learned or (recalled.rate if (recalled := self._memory.recall()) else None)
        ceiling = self._options.rate
        return min(known, ceiling) if known and ceiling else known or ceiling

    def remember(self) -> None:
        """Keep what was learned of the allowance for the next run; what --rate held down is none."""
        ceiling = self._options.rate
        if self._pacer is None or not self.tally.done:
            return
        learned = self._pacer.learned
        if ceiling is None or learned.rate < HELD_DOWN * ceiling:
            self._memory.remember(learned)

    def _make(self) -> Scheduler:
        around, options = self._around, self._options
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
            gates=self._gates,
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
            before=around.before,
            observers=around.observers,
            confidant=around.confidant,
            settings=Settings(
                batch_size=options.batch_size,
                order=options.order,
                rules=rules,
                offline=options.offline,
                enough=FEW_BATCHES * options.batch_size if around.shared else math.inf,
                window=min(max(WINDOW, 2 * options.concurrency * options.batch_size), around.ahead),
                run_id=around.run_id[:24],
                hours=around.hours,
            ),
        )


_Executor = TypeVar("_Executor", bound=Executor)


async def at_all(tenancies: Sequence[_Executor], do: Callable[[_Executor], Awaitable[None]]) -> None:
    """Do something at all of them, some at once; where a person signs in, one by one. Raises the first error,
    with the tenant it is of."""
    errors: list[BulkexoError] = []
    by_person = {tenancy.connection.auth for tenancy in tenancies} & {Auth.DEVICE_CODE, Auth.BROWSER}
    limit = anyio.CapacityLimiter(1 if by_person else SIGN_INS)

    async def at(tenancy: _Executor) -> None:
        async with limit:
            try:
                await do(tenancy)
            except BulkexoError as error:
                errors.append(type(error)(f"{tenancy.name}: {error}") if len(tenancies) > 1 else error)
                group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for tenancy in tenancies:
            group.start_soon(at, tenancy)
    if errors:
        raise errors[0]
