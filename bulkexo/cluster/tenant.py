"""A tenant's share on a worker, from its beginning to its end. Floor 4."""

from __future__ import annotations

import hashlib
import os
import traceback
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from bulkexo import __version__
from bulkexo.cluster.feeder import Feeder
from bulkexo.cluster.lease import Lease, awake
from bulkexo.cluster.line import Line
from bulkexo.cluster.messages import (
    Begin,
    Decide,
    Finished,
    Items,
    More,
    Pass,
    Share,
    SignIn,
    Standing,
    SupersededError,
    WantToken,
)
from bulkexo.cluster.outbox import Outbox
from bulkexo.cluster.stubs import Stubs
from bulkexo.cluster.tokens import Asked
from bulkexo.model import BulkexoError, Item, StoppedError
from bulkexo.net.identity import Identity, Secrets
from bulkexo.net.sessions import GuardedSessions
from bulkexo.net.tokens import Token
from bulkexo.pace import Learned
from bulkexo.schedule import Tally, clock
from bulkexo.tenancy import Means, Place, Tenancy, own_means
from bulkexo.wire.doors import Host as Service

BEGIN_LIMIT = 30.0
"""Seconds for which the coordinator is asked for a share."""


@dataclass(frozen=True, slots=True)
class Surrounded:
    """What the tenants of a worker process share. name: of the process; worker: its address, as Dask knows
    it. asking: one question to a person at a time. folder: for certificates."""

    name: str
    worker: str
    line: Line
    lease: Lease
    sessions: GuardedSessions
    asking: anyio.Lock
    folder: Path


@dataclass(frozen=True, slots=True)
class _Recalled:
    """What the coordinator knows of the tenant's allowance; it is the one that keeps what is learned."""

    learned: Learned | None

    def recall(self) -> Learned | None:
        return self.learned

    def remember(self, learned: Learned) -> None:
        """Nothing: see Standing."""


class Tenant:
    """at: the tenant and its generation. begun: the coordinator has given it. lost: it is no longer this
    worker's, for good."""

    def __init__(self, at: Pass, here: Surrounded) -> None:
        self.at = at
        self.begun = self.lost = False
        self._here = here
        self._all = anyio.CancelScope()
        self._running = anyio.CancelScope()
        self._stopping = False
        self._tenancy: Tenancy | None = None

    def going(self) -> bool:
        """Whether something may be sent for it, or said of it. Where that was not so once, it is lost: a late
        answer can renew the lease, and what failed meanwhile must not be told as the tenant's own fault."""
        if self.begun and not self._here.lease.lasts():
            self.lose()
        return not self.lost and self._here.lease.lasts()

    def lose(self) -> None:
        """Say and send nothing more, and cut off what is in flight."""
        self.lost = True
        self._all.cancel()

    def stop(self, *, cut: bool) -> None:
        """Read and send nothing more. cut: nor wait for what is in flight."""
        self._stopping = True
        if self._tenancy is not None:
            self._tenancy.stop()
        if cut:
            self._running.cancel()

    def standing(self) -> Standing:
        """How it stands now."""
        if self._tenancy is None:
            return Standing(self.at.generation, Tally(), None)
        tally = self._tenancy.tally
        held = max(0.0, tally.hold_until - clock.now())
        own = replace(
            tally, by_status=Counter(), unsent=0, kinds=Counter(), examples={}, latest={}, hold_until=held
        )
        return Standing(self.at.generation, own, self._tenancy.learned)

    async def run(self) -> None:
        """Run it to its end, whatever that is. Raises nothing."""
        with self._all:
            try:
                share = await self._begun()
                complete, error = await self._tried(share)
                standing = self.standing()
                done = Finished(self.at, complete, error, standing.tally, standing.learned)
                await self._here.line.ask(done, self.going)
            except BulkexoError:
                pass  # the coordinator has turned it away, or cannot be reached: somebody else has it

    async def _begun(self) -> Share:
        here, sent = self._here, awake()
        share: Share = await here.line.ask(
            Begin(self.at, here.name, here.worker, __version__), lambda: awake() < sent + BEGIN_LIMIT
        )
        here.lease.renew(sent, share.lease)
        self.begun = True
        return share

    async def _tried(self, share: Share) -> tuple[bool, BulkexoError | None]:
        """Whether all items have ended, and why not."""
        try:
            return await self._drive(share), None
        except SupersededError:
            raise
        except BulkexoError as error:
            return False, error
        except Exception as error:
            return False, StoppedError(f"A worker has failed: {_place(error)}. Please report this.")

    async def _drive(self, share: Share) -> bool:
        outbox = Outbox(self.at, lambda said: self._here.line.ask(said, self.going))
        feeder = Feeder(self._more, self._wake, share.ahead)
        around = Stubs(outbox, feeder, self.going).around(share, self._decide)
        place, means = self._place(share)
        complete, error = False, None
        async with anyio.create_task_group() as group:
            group.start_soon(outbox.tell_all)
            try:
                tenancy = Tenancy(place, around, means)
                await tenancy.sign_in()
                await tenancy.open(await self._here.sessions.of(place.identity.connection, self.going))
                self._tenancy = tenancy
                if self._stopping:
                    tenancy.stop()
                group.start_soon(feeder.keep)
                with self._running:
                    complete = await tenancy.run(feeder)
            except BulkexoError as caught:
                error = caught
            await outbox.emptied()
            group.cancel_scope.cancel()
        if error is not None:
            raise error
        return complete

    def _place(self, share: Share) -> tuple[Place, Means]:
        connection = replace(share.connection, ca_file=self._trusted(share))
        recalled = _Recalled(share.learned)
        if share.sign_in is SignIn.WORKER:
            place = Place(share.tenant, share.options, Identity(connection, Secrets(dict(os.environ))))
            return place, replace(own_means(place), memory=lambda _: recalled)
        place = Place(share.tenant, share.options, Identity(connection, Secrets()))
        means = Means(
            lambda host, _: Asked(host, self._token),
            asked_of_nobody=share.asked_of_nobody,
            ready_made=share.ready_made,
            memory=lambda _: recalled,
        )
        return place, means

    def _trusted(self, share: Share) -> Path | None:
        """A file with the certificates that are trusted besides the system's."""
        if share.ca is None:
            return None
        path = self._here.folder / f"{hashlib.sha256(share.ca).hexdigest()}.pem"
        path.write_bytes(share.ca)
        return path

    def _wake(self) -> None:
        if self._tenancy is not None:
            self._tenancy.wake()

    async def _more(self, count: int) -> Items:
        found: Items = await self._here.line.ask(More(self.at, count), self.going)
        return found

    async def _token(self, host: Service, refused: str, claims: str) -> Token:
        found: Token = await self._here.line.ask_anew(WantToken(self.at, host, refused, claims), self.going)
        return found

    async def _decide(self, item: Item, reason: str) -> bool:
        async with self._here.asking:
            try:
                return bool(await self._here.line.ask_anew(Decide(self.at, item, reason), self.going))
            except StoppedError:
                return False


def _place(error: BaseException) -> str:
    """What kind of mistake it is, and where: not what it says, which can be a row."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
