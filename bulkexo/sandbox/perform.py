"""A request from its arrival to its answer: limits, faults, and the time that cmdlets take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import anyio

from bulkexo.sandbox import faults, mishaps, reply
from bulkexo.sandbox.batch import Batch
from bulkexo.sandbox.engine import Call, Engine
from bulkexo.sandbox.journal import Arrivals
from bulkexo.sandbox.options import SandboxOptions
from bulkexo.sandbox.reply import Reply
from bulkexo.sandbox.throttle import CROWDED, Throttle, retry_after
from bulkexo.sandbox.timing import timeline

_TOO_MANY = "Too many requests. Please retry later."
Replies = list[tuple[str, Reply]]


def _moment() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class CutConnection(Exception):
    """The connection is to be cut instead of an answer."""


@dataclass(slots=True)
class _Work:
    """One item on its way. call: None once it is refused. fault: what strikes it. seconds: of life, its own
    time; delay: the micro delay before it. answer: None as long as there is none, or if none is sent."""

    id: str
    call: Call | None
    fault: str | None = None
    seconds: float = 0.0
    delay: float = 0.0
    answer: Reply | None = None


class Performer:
    """Performs requests on the engine, with the waits and mishaps that the options ask for."""

    def __init__(self, options: SandboxOptions, engine: Engine, arrivals: Arrivals | None = None) -> None:
        self._options = options
        self._engine = engine
        self._arrivals = arrivals
        self._tenant = options.tenant_id
        self._stats = engine.stats
        self._random = Random(f"{options.seed}:server")
        self._fault_random = Random(f"{options.seed}:faults")
        self._throttle = Throttle(options, Random(f"{options.seed}:throttle"))
        self._start = time.monotonic()

    def now(self) -> float:
        """Seconds of life since the start."""
        return (time.monotonic() - self._start) * self._options.speed

    def figures(self) -> dict[str, Any]:
        """For /sandbox/stats: requests in flight, and the balance of the budget in ms if there is one."""
        server_time = self._throttle.server_time
        balance = None if server_time is None else round(server_time.balance(self.now()))
        return {"in_flight": self._throttle.in_flight, "budget_balance_ms": balance}

    def rate_headers(self) -> dict[str, str]:
        """What every answer says of the limits, if it says anything."""
        if not self._options.rate_limit_headers:
            return {}
        return self._throttle.headers(self.now(), self._options.speed)

    async def single(self, call: Call) -> Reply:
        """Answer one InvokeCommand. Raises CutConnection."""
        answer = await self._request([("", call)], batch=False, continues=True)
        answer = answer if isinstance(answer, Reply) else answer[0][1]
        answer.headers.pop("Cmdlet-Name", None)
        return answer

    async def batch(self, parsed: Batch) -> Reply | Replies:
        """Answer a batch: its responses in any order, or one reply to all of it. Raises CutConnection."""
        answer = await self._request(parsed.items, batch=True, continues=parsed.continues)
        if isinstance(answer, list):
            self._random.shuffle(answer)
        return answer

    async def _request(
        self, items: Sequence[tuple[str, Call | Reply]], *, batch: bool, continues: bool
    ) -> Reply | Replies:
        works = [
            _Work(identifier, None, answer=item) if isinstance(item, Reply) else _Work(identifier, item)
            for identifier, item in items
        ]
        self._note([work.call for work in works if work.call is not None])
        refusal = self._admit([work for work in works if work.call is not None], batch=batch)
        if refusal is not None:
            return refusal
        self._throttle.in_flight += 1
        try:
            return await self._admitted(works, batch=batch, continues=continues)
        finally:
            self._throttle.in_flight -= 1

    def _note(self, calls: Sequence[Call]) -> None:
        if self._arrivals is None:
            return
        for call in calls:
            self._arrivals.write(
                time=_moment(),
                tenant=self._tenant,
                cmdlet=call.cmdlet,
                client_request_id=call.client_request_id,
            )

    def _admit(self, works: list[_Work], *, batch: bool) -> Reply | None:
        """Ask the limits; refused items get their answers here. Returns the refusal of the whole."""
        self._stats["items"] += len(works)
        if not works:
            return None
        admission = self._throttle.admit(self.now(), len(works), batch=batch)
        if admission.crowded:
            self._stats["crowded_requests"] += 1
            return self._crowded()
        if admission.whole is not None:
            self._stats["throttled_requests"] += 1
            self._stats["throttled_items"] += len(works)
            return self._throttled(admission.whole, whole=True)
        for work, wait in zip(works, admission.items, strict=True):
            if wait is not None:
                self._stats["throttled_items"] += 1
                work.call, work.answer = None, self._throttled(wait, whole=False)
        return None

    def _throttled(self, wait: float, *, whole: bool) -> Reply:
        style = self._options.retry_after
        seconds = retry_after(style, wait, self._options.speed)
        answer = reply.throttled(_TOO_MANY, seconds, as_date=style == "date", now=time.time())
        if not whole:
            inside = reply.problem(429, "TooManyRequests", _TOO_MANY)
            answer.body = inside.body
            answer.headers["Content-Type"] = reply.JSON_TYPE
        return answer

    def _crowded(self) -> Reply:
        """Too many in flight: the sentence tells, the status can be any (`protocol.md`, "Status")."""
        status, code = self._random.choice(((429, "TooManyRequests"), (500, "InternalServerError")))
        return reply.problem(status, code, CROWDED)

    async def _admitted(self, works: list[_Work], *, batch: bool, continues: bool) -> Reply | Replies:
        fault = self._options.faults.request(self._fault_random)
        if fault is not None:
            self._stats[f"fault_{fault}"] += 1
        inside = batch and fault in {"408", "503", "504"} and self._fault_random.random() < 0.5
        if not inside:
            if fault == "cut-before":
                raise CutConnection
            if fault == "html":
                return reply.html()
            if fault == "nul403":
                return reply.forbidden_cmdlet()
            if fault in {"408", "503"}:
                return reply.busy(int(fault))
        running = [work for work in works if work.call is not None]
        for work in running:
            self._prepare(work, batch=batch, all_by_coin=fault == "504" and not inside)
        if inside and running:
            self._fault_random.choice(running).fault = fault
        await self._run(running, continues=continues or not batch)
        if fault == "cut-after":
            raise CutConnection
        if fault == "slow":
            await anyio.sleep(self._options.faults.slow_seconds / self._options.speed)
        if fault == "504" and not inside:
            return reply.busy(504)
        return [(work.id, work.answer) for work in works if work.answer is not None]

    def _prepare(self, work: _Work, *, batch: bool, all_by_coin: bool) -> None:
        """Draw what strikes one cmdlet, and how long it takes."""
        assert work.call is not None  # noqa: S101  (its caller has looked)
        work.seconds = self._options.latency.draw(work.call.cmdlet, self._random)
        if self._throttle.server_time is not None:
            work.delay = self._throttle.server_time.delay(self.now())
        if all_by_coin:
            work.fault = "504"
            return
        fault = self._options.faults.item(self._fault_random)
        if fault is not None and (batch or fault != "missing"):
            self._stats[f"fault_{fault}"] += 1
            work.fault = fault

    async def _run(self, works: list[_Work], *, continues: bool) -> None:
        """Let the time pass and run each cmdlet at its end."""
        start = self.now()
        ends = timeline([work.delay + work.seconds for work in works], self._options.batch_parallel)
        for end, position in ends:
            wait = start + end - self.now()
            if wait > 0:
                await anyio.sleep(wait / self._options.speed)
            work = works[position]
            self._finish(work)
            if not continues and work.answer is not None and work.answer.failed:
                return

    def _finish(self, work: _Work) -> None:
        """Run one cmdlet, unless its fault is one that comes before."""
        assert work.call is not None  # noqa: S101  (its caller has looked)
        if work.fault is not None:
            work.answer = mishaps.instead(work.fault, self._fault_random, work.call)
            if work.answer is not None:
                return
        by_coin = work.fault in {"500", "504"}
        if not by_coin or self._fault_random.random() < 0.5:
            answer = self._engine.run(work.call, now=time.monotonic(), stamp=_moment())
            if work.fault is not None:
                answer = mishaps.made_of(work.fault, self._fault_random, work.call, answer)
            work.answer = None if work.fault == "missing" else answer
            if self._throttle.server_time is not None:
                self._throttle.server_time.spend(self.now(), work.seconds)
        if work.fault == "500":
            work.answer = reply.failure(faults.SERVER_ERROR)
        elif work.fault == "504":
            work.answer = reply.busy(504)
