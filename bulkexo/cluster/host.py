"""A worker process as its coordinator knows it: one loop, one lease, and all of its tenants. Floor 4.

Dask starts `run_share` for each tenant, in a thread that does nothing but wait. What is done is done in a
loop of asyncio's own, in one thread for all of them: not in uvloop, which hands bytes to the system a moment
after it was asked to, when they may no longer be sent.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

import anyio
from anyio.from_thread import BlockingPortal
from distributed import get_worker, secede
from distributed.core import ConnectionPool

from bulkexo.cluster.lease import Lease, awake
from bulkexo.cluster.line import Line
from bulkexo.cluster.messages import Beat, Orders, Pass, beat_every
from bulkexo.cluster.tenant import Surrounded, Tenant
from bulkexo.model import BulkexoError
from bulkexo.net.sessions import GuardedSessions

CONNECT: Final = 2.0
"""Seconds that a connection to the coordinator may take, before it is tried again."""
AT_ONCE: Final = 16
"""Questions under way at once, but for those that must not wait or can take long: each takes a connection, of
which the coordinator has those of all workers."""
LOOK: Final = 0.25
"""Seconds until it is looked again whether there is a lease."""


def run_share(at: Pass) -> None:
    """Run a tenant's share to its end: the task that Dask is given. It ends without a word: the coordinator
    has been told, or has given the tenant to another."""
    worker = get_worker()
    connecting: Any = worker.security
    leave: Any = secede  # a worker runs as many tasks as it has threads, and a tenant waits most of its time
    leave()
    HOSTS.of(at, worker.address, connecting.get_connection_args("worker")).run(at)


class Host:
    """name: of this process, for one coordinator, as no other ever has it. connecting: Dask's arguments for
    connections, as for TLS. It ends by itself when it has had no tenant for the length of the lease."""

    def __init__(self, at: Pass, worker: str, connecting: Mapping[str, Any]) -> None:
        self.name = secrets.token_hex(8)
        self.users = 0
        self.closed = False
        self._at = at
        self._worker = worker
        self._connecting = dict(connecting)
        self._lease = Lease(awake)
        self._tenants: set[Tenant] = set()
        self._started: Future[BlockingPortal] = Future()
        self._here: Surrounded | None = None
        threading.Thread(target=self._live, name=f"bulkexo-{self.name}", daemon=True).start()

    def run(self, at: Pass) -> None:
        """Run a share; called in any thread, which waits."""
        try:
            self._started.result().call(self._run, at)
        finally:
            with HOSTS.lock:
                self.users -= 1

    def _live(self) -> None:
        try:
            anyio.run(self._serve, backend_options={"loop_factory": asyncio.SelectorEventLoop})
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)
        finally:
            self.closed = True

    async def _serve(self) -> None:
        pool = ConnectionPool(connection_args=self._connecting, timeout=CONNECT)
        sessions = GuardedSessions(self._lease.lasts)
        line = Line(pool, self._at.address, self._at.key, self.name, anyio.CapacityLimiter(AT_ONCE))
        with tempfile.TemporaryDirectory(prefix="bulkexo-") as folder:
            async with pool, sessions, BlockingPortal() as portal:
                self._here = Surrounded(
                    self.name, self._worker, line, self._lease, sessions, anyio.Lock(), Path(folder)
                )
                self._started.set_result(portal)
                await self._keep_lease(line)

    async def _run(self, at: Pass) -> None:
        if self._here is None:
            raise RuntimeError("not started")
        tenant = Tenant(at, self._here)
        self._tenants.add(tenant)
        try:
            await tenant.run()
        finally:
            self._tenants.discard(tenant)

    async def _keep_lease(self, line: Line) -> None:
        """Beat, each time anew, whether or not the last one has been answered: a slow answer is one, too.
        Tenants that have no lease any more are lost."""
        async with anyio.create_task_group() as group:
            while not self._ended():
                if self._lease.lasts():
                    group.start_soon(self._beat, line)
                    await anyio.sleep(beat_every(self._lease.granted))
                else:
                    self._lose(tenant for tenant in self._tenants if tenant.begun)
                    if granted := self._lease.granted:  # it lives, and may be given others
                        group.start_soon(self._beat, line)
                    await anyio.sleep(beat_every(granted) if granted else LOOK)
            group.cancel_scope.cancel()

    def _ended(self) -> bool:
        with HOSTS.lock:
            self.closed = not (self.users or self._lease.lasts())
            return self.closed

    async def _beat(self, line: Line) -> None:
        sent, granted = awake(), self._lease.granted
        begun = sorted(
            (tenant for tenant in self._tenants if tenant.begun), key=lambda each: each.at.generation
        )
        standings = {tenant.at.number: tenant.standing() for tenant in begun}
        try:
            with anyio.fail_after(granted):
                orders: Orders = await line.ask_once(
                    Beat(self.name, self._at.run, key=self._at.key, standings=standings)
                )
        except (OSError, BulkexoError):
            return
        self._lease.renew(sent, granted)
        self._lose(each for each in begun if (each.at.number, each.at.generation) in orders.gone)
        if orders.stop or orders.cut:
            for tenant in self._tenants:
                tenant.stop(cut=orders.cut)

    def _lose(self, tenants: Iterable[Tenant]) -> None:
        for tenant in list(tenants):
            tenant.lose()


class Hosts:
    """Those of this process: one for each coordinator that it works for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._hosts: dict[tuple[str, str], Host] = {}

    def of(self, at: Pass, worker: str, connecting: Mapping[str, Any]) -> Host:
        """The one for a share, which is then to be run."""
        with self.lock:
            for key in [key for key, host in self._hosts.items() if host.closed]:
                del self._hosts[key]
            host = self._hosts.get((at.address, at.key))
            if host is None:
                host = self._hosts[at.address, at.key] = Host(at, worker, connecting)
            host.users += 1
            return host


HOSTS: Final = Hosts()
