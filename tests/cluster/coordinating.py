"""A coordinator that does what a test says, on a real `distributed.core.Server`, and a worker's host without
Dask's worker around it."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from distributed.core import Server

from bulkexo.cluster.host import HOSTS
from bulkexo.cluster.messages import (
    OP,
    Announce,
    Beat,
    Begin,
    Ended,
    Finished,
    Given,
    Items,
    More,
    Note,
    Orders,
    Pass,
    Share,
    SignIn,
    WantToken,
    packed,
    unpacked,
)
from bulkexo.model import BulkexoError, Item, Outcome
from bulkexo.net.tokens import Token
from bulkexo.options import Options
from bulkexo.wire.doors import Host as Service
from tests.e2e.pretend import Pretend

RUN = "5a8b0f0e-1111-4222-8333-444455556666"


@dataclass
class Coordinator:
    """Gives items to a tenant on a worker, and notes what it is told. break_after: kinds of questions whose
    first answers are lost with the connection. orders: what a Beat is answered with; None for not at all.
    most: items asked for at once. answer_first: answers what it likes to."""

    items: Sequence[Given] = ()
    token: Callable[[WantToken], Token] = lambda _: Token("")
    orders: Orders | None = field(default_factory=Orders)
    break_after: set[type] = field(default_factory=set)
    answer_first: Callable[[object], Any] | None = None
    heard: list[object] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    announced: list[Item] = field(default_factory=list)
    withdrawn: list[Item] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    finished: Finished | None = None
    most: int = 0
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    share: dict[str, Any] = field(default_factory=dict)
    _given: int = 0
    _answers: dict[int, bytes] = field(default_factory=dict)

    async def hear(self, comm: Any, key: str, host: str, number: int, settled: int, payload: bytes) -> bytes:
        assert key == self.key
        if number in self._answers:
            return self._answers[number]
        question = unpacked(payload)
        self.heard.append(question)
        answer = packed(await self._answered(question))
        if number:
            self._answers = {each: said for each, said in self._answers.items() if each >= settled}
            self._answers[number] = answer
        if type(question) in self.break_after:
            self.break_after.discard(type(question))
            comm.abort()
        return answer

    async def _answered(self, question: object) -> Any:
        try:
            if self.answer_first is not None and (found := self.answer_first(question)) is not None:
                return found
            return await self._answer(question)
        except BulkexoError as error:
            return error

    async def _answer(self, question: object) -> Any:
        match question:
            case Begin():
                return Share(**self.share)
            case Beat():
                return self.orders if self.orders is not None else await anyio.sleep(3600)
            case More(count=count):
                self.most = max(self.most, count)
                given = self.items[self._given : self._given + count]
                self._given += len(given)
                return Items(given, over=self._given == len(self.items))
            case WantToken():
                return self.token(question)
            case Finished():
                self.finished = question
            case Ended(outcomes=outcomes):
                self.outcomes += outcomes
            case Announce(items=items, withdrawn=withdrawn):
                (self.withdrawn if withdrawn else self.announced).extend(items)
            case Note(text=text):
                self.notes.append(text)
        return None


@asynccontextmanager
async def serving(coordinator: Coordinator) -> AsyncIterator[Pass]:
    """Listen; the pass of a tenant."""
    made: Any = Server
    server = made({OP: coordinator.hear}, needs_workdir=False)
    await server.listen("tcp://127.0.0.1:0")
    try:
        yield Pass(server.address, RUN, 1, 1, coordinator.key)
    finally:
        await server.close()


async def run_share(at: Pass) -> None:
    """As a Dask worker does, in a thread of its own."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        HOSTS.of(at, "tcp://worker", {}).run(at)
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work, daemon=True).start()
    await done.wait()


def hosts_end() -> None:
    """Take their leases away, and wait until they have ended."""
    for host in HOSTS._hosts.values():
        host._lease._until = 0.0
    for thread in threading.enumerate():
        if thread.name.startswith("bulkexo-"):
            thread.join(10.0)
            assert not thread.is_alive()


def share(tenant: Pretend, lease: float = 10.0, **more: Any) -> dict[str, Any]:
    """The members of a Share of a sandbox."""
    said = tenant.said
    options = Options(
        tenant=said["tenant"],
        endpoint=said["endpoint"],
        compliance_endpoint=said["compliance"],
        authority=said["authority"],
        concurrency=10,
        **more.pop("options", {}),
    )
    found = {
        "tenant": "",
        "options": options,
        "connection": options.connection,
        "ca": Path(said["ca_file"]).read_bytes(),
        "sign_in": SignIn.COORDINATOR,
        "asked_of_nobody": False,
        "ready_made": False,
        "run_id": RUN,
        "hosts": (Service.EXCHANGE,),
        "secure": (),
        "secrets_later": False,
        "ahead": 1000,
        "hours": None,
        "before": "",
        "decide": False,
        "learned": None,
        "lease": lease,
    }
    return {**found, **more}
