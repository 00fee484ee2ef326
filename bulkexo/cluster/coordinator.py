"""The coordinator of a run whose tenants are on workers: gives them out, answers, and takes them back from
those that are lost. Floor 4.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import anyio

from bulkexo.cluster import messages
from bulkexo.cluster.distant import Distant, Terms
from bulkexo.cluster.engine import Engine, Task
from bulkexo.cluster.leases import Leases
from bulkexo.cluster.messages import Beat, Begin, Orders, Pass, SupersededError, packed, unpacked
from bulkexo.model import BulkexoError, StoppedError
from bulkexo.net.sessions import TOGETHER
from bulkexo.spread import CLUSTER
from bulkexo.tenancy import Place, Surroundings

LOOK_EVERY: Final = 0.25
"""Seconds from one look at workers and leases to the next."""
NOBODY: Final = 600.0
"""Seconds that a run waits for a worker where there is none, before it stops."""


@dataclass(slots=True)
class _Asked:
    """A question, and its answer once there is one."""

    done: anyio.Event = field(default_factory=anyio.Event)
    answer: bytes = b""


@dataclass(slots=True)
class _Asker:
    """A worker process: what it asked and may ask again. settled: all below this number are answered."""

    settled: int = 0
    asked: dict[int, _Asked] = field(default_factory=dict)

    def settle(self, number: int) -> None:
        """All below this number are answered."""
        self.settled = max(self.settled, number)
        for each in [each for each in self.asked if each < self.settled]:
            del self.asked[each]


class Coordinator:
    """See spread.Spread; an async context manager, in the loop of the run. engine: Dask. room: tenants at one
    worker at the most. note: told what a person should know."""

    def __init__(self, engine: Engine, terms: Terms, room: int, note: Callable[[str], None]) -> None:
        self.stopping = False
        self.together = TOGETHER * max(1, engine.workers_at_start)
        self._engine = engine
        self._terms = terms
        self._note = note
        self._key = secrets.token_hex(32)
        self._leases = Leases(terms.lease, room)
        self._tenants: list[Distant] = []
        self._waiting: dict[int, Distant] = {}
        self._tasks: dict[int, Task] = {}
        self._askers: dict[str, _Asker] = {}
        self._cut = False
        self._changed = anyio.Event()
        self._group: anyio.abc.TaskGroup
        self._without_since: float | None = None

    async def __aenter__(self) -> Coordinator:
        self._group = await anyio.create_task_group().__aenter__()
        await self._engine.serve(messages.OP, self.ask)
        self._group.start_soon(self._watch)
        return self

    async def __aexit__(self, *of: Any) -> bool | None:
        self.stopping = self._cut = True
        self._group.cancel_scope.cancel()
        return await self._group.__aexit__(*of)

    def executor(self, place: Place, around: Surroundings) -> Distant:
        """See Spread.executor."""
        tenant = Distant(len(self._tenants), place, around, self._terms, self)
        self._tenants.append(tenant)
        return tenant

    def document(self, *, over: bool) -> dict[str, Any]:
        """See Spread.document."""
        ended = over and not self._leases.begun
        return {CLUSTER: {"lease": self._terms.lease, **self._engine.document, "ended": ended}}

    def want(self, tenant: Distant) -> None:
        """See Desk.want."""
        if self.stopping:
            tenant.conclude()
            return
        self._waiting[tenant.number] = tenant
        self._changed.set()

    def drop(self, tenant: Distant, *, cut: bool) -> None:
        """See Desk.drop."""
        if cut:
            self.stopping = self._cut = True
        self._waiting.pop(tenant.number, None)
        lot = self._leases.lots.get(tenant.number)
        if lot is None or not lot.host:
            self._take_back(tenant)
            tenant.conclude()
        elif not cut:
            tenant.ledger.give()  # it stays among the leases: the worker may not have heard it

    def stop(self) -> None:
        """See Desk.stop."""
        self.stopping = True
        for tenant in list(self._tenants):
            lot = self._leases.lots.get(tenant.number)
            if not tenant.over and (lot is None or not lot.host):
                self._waiting.pop(tenant.number, None)
                self._take_back(tenant)
                tenant.conclude()

    def _take_back(self, tenant: Distant) -> None:
        """No worker has the tenant from now on; whoever says so is not believed."""
        tenant.ledger.give()
        self._leases.done(tenant.number)
        if task := self._tasks.pop(tenant.number, None):
            task.release()

    async def _watch(self) -> None:
        while True:
            self._changed = anyio.Event()
            with anyio.move_on_after(LOOK_EVERY):
                await self._changed.wait()
            workers = await self._engine.workers(urgent=bool(self._waiting))
            now = time.monotonic()
            lost = self._leases.overdue(workers, now)
            if lost:
                self._hand_on(lost, "gave no sign of life for too long")
            await self._look_at_tasks(now)
            self._give_out(workers, now)

    def _hand_on(self, numbers: list[int], why: str) -> None:
        """Take tenants from workers that have them no more."""
        begun = 0
        for number in numbers:
            tenant = self._tenants[number]
            begun += bool(tenant.ledger.host)
            self._take_back(tenant)
            if not tenant.over:
                tenant.lost()
        if begun:
            tenants = "a tenant goes" if begun == 1 else f"{begun:,} tenants go"
            where = "on when the run is resumed" if self.stopping else "on at another"
            self._note(f"A worker {why}: {tenants} {where}.")

    async def _look_at_tasks(self, now: float) -> None:
        """What Dask says of tasks counts for tenants that have not begun, and for programs that fail."""
        for number, task in list(self._tasks.items()):
            failed = await task.failed()
            if self._tasks.get(number) is not task:  # its worker has told of it meanwhile
                continue
            if failed:
                self._fail(number, failed)
            elif task.ended and self._leases.unreached(number, now):
                self._note(
                    f"A worker could not reach this process at {self._engine.address}. Name an address that "
                    "workers can reach with --cluster-listen."
                )
                self._hand_on([number], "")

    def _fail(self, number: int, why: str) -> None:
        """What Dask says of a task that failed: it did not begin, or broke off."""
        tenant = self._tenants[number]
        self._take_back(tenant)
        tenant.conclude(error=StoppedError(why))

    def _give_out(self, workers: frozenset[str], now: float) -> None:
        """Give tenants that wait to workers that have room."""
        if self.stopping or not self._waiting:
            self._without_since = None
            return
        left = {number: tenant.left for number, tenant in self._waiting.items()}
        workers = workers if self._engine.reached else frozenset()
        for number, worker in list(self._leases.choose(left, workers, now)):
            tenant = self._waiting.pop(number)
            generation = tenant.ledger.give()
            at = Pass(self._engine.address, tenant.run_id, number, generation, self._key)
            self._leases.give(number, generation, worker, tenant.left, now)
            self._tasks[number] = self._engine.submit(at, worker)
        self._look_for_some(now)

    def _look_for_some(self, now: float) -> None:
        """Tell where no worker has any of the tenants, and stop where that does not change."""
        if self._leases.lots:
            self._without_since = None
            return
        if self._without_since is None:
            self._without_since = now
            self._note(f"{self._nobody} It is waited for.")
        if self._engine.closed or now - self._without_since > NOBODY:
            error = StoppedError(f"{self._nobody} Start the cluster, then go on.")
            for tenant in list(self._waiting.values()):
                self._waiting.pop(tenant.number)
                tenant.conclude(error=error)

    @property
    def _nobody(self) -> str:
        reached = self._engine.reached
        return "There is no worker of the cluster." if reached else "Dask's scheduler is not reached."

    async def ask(self, key: str, host: str, number: int, settled: int, payload: bytes) -> bytes:
        """Answer a question of a worker (see `messages`)."""
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            return packed(SupersededError("This is another run than the one that the tenant was given by."))
        asker = self._askers.setdefault(host, _Asker())
        asker.settle(settled)
        asked = _Asked() if not number else asker.asked.get(number)
        if asked is None and number < asker.settled:
            return packed(None)  # it was answered: nobody waits for this
        if asked is None or not number:
            asked = asked or _Asked()
            if number:
                asker.asked[number] = asked
            self._group.start_soon(self._answer, asked, payload)
        await asked.done.wait()
        return asked.answer

    async def _answer(self, asked: _Asked, payload: bytes) -> None:
        answer: Any = SupersededError("The coordinator cannot read the question: is it of another version?")
        with contextlib.suppress(Exception):  # whatever it holds
            question = unpacked(payload)
            answer = None
        if answer is None:
            try:
                answer = await self._act(question)
            except BulkexoError as error:
                answer = error
        asked.answer = packed(answer)
        asked.done.set()

    async def _act(self, question: Any) -> Any:
        if isinstance(question, Beat):
            return self._beat(question)
        tenant = self._tenants[question.at.number]
        match question:
            case Begin():
                return self._begin(tenant, question)
            case messages.More():
                return tenant.more(question)
            case messages.Announce():
                return await tenant.announce(question)
            case messages.Keep():
                return await tenant.keep(question)
            case messages.Ended():
                return await self._ended(tenant, question)
            case messages.Decide():
                return await tenant.decide(question)
            case messages.Note():
                return tenant.note(question)
            case messages.WantToken():
                return await tenant.token(question)
            case messages.Finished():
                return self._finished(tenant, question)
        raise SupersededError("This coordinator does not know the question.")

    def _begin(self, tenant: Distant, question: Begin) -> messages.Share:
        now = time.monotonic()
        self._leases.heard(question.host, question.worker, now)
        share = tenant.begin(question)
        self._leases.begin(tenant.number, question.host, question.worker, now)
        return share

    async def _ended(self, tenant: Distant, question: messages.Ended) -> None:
        await tenant.ended(question)
        if lot := self._leases.lots.get(tenant.number):
            lot.left = tenant.left

    def _finished(self, tenant: Distant, question: messages.Finished) -> None:
        tenant.finished(question)
        self._take_back(tenant)

    def _beat(self, beat: Beat) -> Orders:
        now = time.monotonic()
        has = {number: standing.generation for number, standing in beat.standings.items()}
        gone = self._leases.beat(beat.host, has, now)
        for number, standing in beat.standings.items():
            if (number, standing.generation) not in gone:
                self._tenants[number].stands(standing.tally, standing.learned)
        if missing := self._leases.missing(beat.host, has, now):
            self._hand_on(missing, "could not be answered for too long")
        return Orders(stop=self.stopping, cut=self._cut, gone=gone)
