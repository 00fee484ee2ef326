"""Dask as a run needs it: the workers of a cluster, tasks for them, and a line that they can ask by. Floor 4.

What it imports is heavy: nothing but what runs on workers, or has some, imports this.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import dask
from distributed import Client, Future, LocalCluster, Security
from distributed.comm.addressing import get_address_host_port, parse_address
from distributed.core import Server
from distributed.scheduler import KilledWorker
from distributed.utils import get_ip

from bulkexo.cluster.messages import Pass
from bulkexo.model import UsageError

FRESH: Final = 1.0
"""Seconds for which it is believed which workers there are, while a tenant waits for one."""
STALE: Final = 5.0
"""The same while none does."""
START_LIMIT: Final = 60.0
"""Seconds until a scheduler must have answered."""
CLOSE_LIMIT: Final = 15.0
"""Seconds that closing may take; what is left then ends with this process."""
LOOPBACK: Final = ("127.", "localhost", "::1", "[::1]")


@dataclass(slots=True)
class Task:
    """What was given to a worker: see `failed`."""

    future: Future[None]

    async def failed(self) -> str:
        """Why the task failed, a sentence; "" while it runs, and for what a worker's death does to it:
        whether that one sends any more, Dask cannot know."""
        if self.future.status != "error":
            return ""
        error = await self.future.exception()
        if error is None or isinstance(error, KilledWorker):
            return ""
        if isinstance(error, ImportError):
            return f"A worker could not begin ({error}). Install the same bulkexo, and its extras, on all."
        return f"A worker failed: {type(error).__name__}: {error}."

    @property
    def ended(self) -> bool:
        """Whether the worker has done with it; what it has said of the tenant counts first."""
        return self.future.status == "finished"

    def release(self) -> None:
        """It is not needed any more; a task that has not begun is dropped."""
        self.future.release()


@dataclass(slots=True)
class Engine:
    """listen: where workers are to ask; address: the same, once it is served. document: what run.json says of
    the cluster."""

    client: Client
    security: Any
    listen: str
    document: Mapping[str, Any]
    address: str = ""
    workers_at_start: int = 1
    _server: Server | None = None
    _workers: frozenset[str] = frozenset()
    _seen: float = field(default=float("-inf"))

    async def serve(self, op: str, ask: Callable[..., Awaitable[bytes]]) -> None:
        """Let workers ask, from now on. Raises UsageError."""
        server = Server({op: ask}, needs_workdir=False)
        for handler in set(server.handlers) - {op}:
            del server.handlers[handler]
        try:
            await server
            await server.listen(self.listen, **self.security.get_listen_args(_role(self.security)))
        except OSError as error:
            await server.close()
            raise UsageError(
                f"Workers cannot be listened to at {self.listen} ({error}). Name an address of this machine "
                "with --cluster-listen."
            ) from None
        self._server, self.address = server, server.address

    async def close(self) -> None:
        """Listen to nobody any more."""
        if self._server is not None:
            await self._server.close()

    @property
    def reached(self) -> bool:
        """Whether tasks can be given out now; the scheduler's connection can be lost, and come back."""
        return self.client.status == "running"

    @property
    def closed(self) -> bool:
        """Whether the scheduler is given up."""
        return self.client.status in ("closed", "closing")

    async def workers(self, *, urgent: bool) -> frozenset[str]:
        """The addresses of the workers that Dask knows. urgent: something waits for them."""
        now = time.monotonic()
        scheduler: Any = self.client.scheduler
        if now - self._seen < (FRESH if urgent else STALE) or not self.reached:
            return self._workers
        with contextlib.suppress(OSError):
            identity = await scheduler.identity()
            self._workers, self._seen = frozenset(identity["workers"]), now
        return self._workers

    def submit(self, at: Pass, worker: str) -> Task:
        """Give a tenant to a worker."""
        from bulkexo.cluster.host import run_share  # noqa: PLC0415 (all that runs items)

        key = f"bulkexo-{at.run[:8]}-{at.number}-{at.generation}"
        return Task(
            self.client.submit(
                run_share,
                at,
                key=key,
                workers=[worker],
                allow_other_workers=False,
                retries=0,
                pure=False,
            )
        )


@asynccontextmanager
async def local(workers: int) -> AsyncIterator[Engine]:
    """Worker processes on this machine, and a scheduler in this one. Nobody else can reach them: every
    connection is protected by a certificate that is made for the run alone."""
    quiet = {
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.worker.preload": ["bulkexo.cluster.deaf"],
        # 15 s by default, after which a dead worker gets no successor: too few to start one on a busy machine
        "distributed.deploy.lost-worker-timeout": "365 days",
    }
    _quiet()
    with (
        tempfile.TemporaryDirectory(prefix="bulkexo-", ignore_cleanup_errors=True) as scratch,
        dask.config.set({**quiet, "temporary-directory": scratch}),
    ):
        security = Security.temporary()
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            asynchronous=True,
            security=security,
            protocol="tls://",
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=logging.CRITICAL,
        )
        cluster.new_spec["options"]["dashboard"] = False
        async with _ended(cluster):
            await cluster
            document = {"workers": workers}
            async with _connected(
                cluster.scheduler_address, security, "tls://127.0.0.1:0", document
            ) as engine:
                engine.workers_at_start = workers
                yield engine


@asynccontextmanager
async def existing(address: str, listen: str | None, note: Callable[[str], None]) -> AsyncIterator[Engine]:
    """The workers of a cluster that is there. address: of its scheduler. listen: host and port that workers
    can reach, None to find them. Raises UsageError."""
    _quiet()
    security = Security()
    scheme, _ = parse_address(address, strict=True)
    host, port = get_address_host_port(address)
    if scheme != "tls" and not host.startswith(LOOPBACK):
        note(
            f"{address} is not encrypted: rows and tokens cross the network as they are, and who reaches the "
            "port can run programs here. Give the cluster TLS, and say tls://."
        )
    at = f"{scheme}://{listen or get_ip(host, port)}"
    async with _connected(address, security, at, {"address": address}) as engine:
        engine.workers_at_start = len(await engine.workers(urgent=True))
        yield engine


@asynccontextmanager
async def _connected(
    address: str, security: Any, listen: str, document: Mapping[str, Any]
) -> AsyncIterator[Engine]:
    client = Client(address, security=security, asynchronous=True, set_as_default=False, timeout=START_LIMIT)
    async with _ended(client):
        try:
            await client
        except (OSError, TimeoutError) as error:
            raise UsageError(
                f"Dask's scheduler at {address} does not answer ({error}). Check the address, and Dask's TLS "
                "configuration."
            ) from None
        engine = Engine(client, security, listen, document)
        async with _ended(engine):
            yield engine


@asynccontextmanager
async def _ended(what: Any) -> AsyncIterator[None]:
    """Close it at the end, whatever it is."""
    try:
        yield
    finally:
        with anyio.move_on_after(CLOSE_LIMIT, shield=True):
            await what.close()


def _role(security: Any) -> str:
    """Whose certificate this end shows: the coordinator is a client that is listened to."""
    return "scheduler" if security.tls_scheduler_cert else "client"


def _quiet() -> None:
    """Dask's own words go to nobody, and least of all what is said on the line (core logs it at debug)."""
    for name in ["distributed", *logging.root.manager.loggerDict]:
        if name.split(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
