"""A coordinator whose Dask is played, and the means to ask it as a worker would, over real connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
from distributed import Security
from distributed.core import ConnectionPool

from bulkexo import __version__
from bulkexo.cluster.coordinator import Coordinator
from bulkexo.cluster.distant import Distant, Terms
from bulkexo.cluster.engine import Engine
from bulkexo.cluster.line import Line
from bulkexo.cluster.messages import (
    Beat,
    Begin,
    Pass,
    Share,
    SignIn,
    Standing,
)
from bulkexo.model import Item, Outcome, Page, Status
from bulkexo.net.identity import Identity, Secrets
from bulkexo.options import Options
from bulkexo.pace import Learned
from bulkexo.schedule import Tally
from bulkexo.tenancy import Place, Surroundings

RUN = "5a8b0f0e-1111-4222-8333-444455556666"


def items(count: int) -> list[Item]:
    return [Item(row, 1, "New-Mailbox", f"user{row}", {}, {}) for row in range(1, count + 1)]


def ended(*of: Item) -> list[Outcome]:
    return [Outcome(each, Status.SUCCEEDED, 1, 200, 0.0, 0.1, "id") for each in of]


@dataclass
class Given:
    """A task as Dask would have it."""

    at: Pass
    worker: str
    ended: bool = False
    why: str = ""
    released: bool = False

    async def failed(self) -> str:
        return self.why

    def release(self) -> None:
        self.released = True


@dataclass(slots=True)
class Pretend(Engine):
    """Dask's part, played: its workers are names, and its tasks go nowhere. The line is real."""

    names: frozenset[str] = frozenset({"w1"})
    tasks: list[Given] = field(default_factory=list)
    down: bool = False

    @property
    def reached(self) -> bool:
        return not self.down

    @property
    def closed(self) -> bool:
        return self.down

    async def workers(self, *, urgent: bool) -> frozenset[str]:
        return self.names

    def submit(self, at: Pass, worker: str) -> Any:
        self.tasks.append(Given(at, worker))
        return self.tasks[-1]


@dataclass
class Journal:
    """What a run gives its tenants, and what came of it. slow: the disk waits for this."""

    ended: list[Outcome] = field(default_factory=list)
    announced: list[Item] = field(default_factory=list)
    withdrawn: list[Item] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    slow: anyio.Event | None = None

    async def put(self, outcomes: Sequence[Outcome]) -> None:
        self.ended += outcomes

    async def announce(self, found: Sequence[Item]) -> None:
        self.announced += found
        if self.slow is not None:
            await self.slow.wait()

    async def withdraw(self, found: Sequence[Item]) -> None:
        self.withdrawn += found

    async def keep(self, pages: Sequence[Page]) -> None:
        self.pages += pages

    def around(self) -> Surroundings:
        return Surroundings(
            run_id=RUN,
            sink=self.put,
            keep=self.keep,
            announce=self.announce,
            withdraw=self.withdraw,
            decide=None,
            past=None,
            note=self.notes.append,
        )


SECRET = "correct-horse-battery"
PLACE = Place(
    "contoso",
    Options(
        tenant="contoso.onmicrosoft.com",
        set=(f"Password={SECRET}",),
        certificate=Path(f"/{SECRET}/app.pfx"),
        client_secret_file=Path(f"/{SECRET}/secret"),
        token_file=Path(f"/{SECRET}/token"),
        account=f"{SECRET}@contoso.com",
        rate=7.0,
    ),
    Identity(
        replace(
            Options(tenant="contoso.onmicrosoft.com", certificate=Path(f"/{SECRET}/app.pfx")).connection,
            account=SECRET,
        ),
        Secrets(token=lambda scope: f"a token for {scope}"),
    ),
)


@dataclass
class Bench:
    """A coordinator with its tenants, and the means to ask it as a worker would."""

    coordinator: Coordinator
    engine: Pretend
    journal: Journal
    pool: ConnectionPool
    tenants: list[Distant]

    def worker(self, host: str, *, key: str | None = None) -> Line:
        at = self.engine.tasks[-1].at
        return Line(self.pool, at.address, at.key if key is None else key, host, anyio.CapacityLimiter(8))

    async def given(self, count: int = 1) -> Given:
        """The task that was given last, once there are so many."""
        await until(lambda: len(self.engine.tasks) >= count)
        return self.engine.tasks[count - 1]


def always() -> bool:
    return True


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110 (nobody tells)
            await anyio.sleep(0.01)


@asynccontextmanager
async def bench(tenants: int = 1, room: int = 100, lease: float = 10.0) -> AsyncIterator[Bench]:
    security: Any = Security()
    engine = Pretend(None, security, "tcp://127.0.0.1:0", {"workers": 1})  # type: ignore[arg-type]
    journal = Journal()
    terms = Terms(lease, SignIn.COORDINATOR, {"contoso": 5})
    async with await ConnectionPool(timeout=5) as pool:
        try:
            async with Coordinator(engine, terms, room, journal.notes.append) as coordinator:
                places = [PLACE] * tenants
                found = [coordinator.executor(place, journal.around()) for place in places]
                yield Bench(coordinator, engine, journal, pool, found)
        finally:
            await engine.close()


async def begin(line: Line, at: Pass, host: str, worker: str = "w1", version: str = __version__) -> Share:
    share: Share = await line.ask(Begin(at, host, worker, version), always)
    return share


def beat(at: Pass, host: str, tally: Tally | None = None) -> Beat:
    return Beat(host, RUN, at.key, {at.number: Standing(at.generation, tally or Tally(), Learned(9.0, None))})
