"""A small service of the tests' own: it reads the bytes that the scheduler sends and answers with bytes.

It follows protocol.md by itself and shares nothing with bulkexo.wire but the values that hold the bytes.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkexo.wire import Lost, Reply, Request

Answer = Mapping[str, Any] | None
"""A response of a batch without its id; None where the response is missing."""

DATE = "Tue, 24 Nov 2026 09:30:00 GMT"
LATENCY = 1.0


def now() -> float:
    """Seconds of the virtual clock."""
    return asyncio.get_running_loop().time()


@dataclass(frozen=True)
class Sent:
    """One cmdlet as it arrived. key: of the item, from its parameters; `look:` and an identity for a
    question that is no item's own. nth: sending of that item, from 1."""

    key: str
    cmdlet: str
    parameters: dict[str, Any]
    request_id: str
    url: str
    token: str
    nth: int

    @property
    def identity(self) -> str:
        return str(self.parameters.get("Identity", ""))


@dataclass(frozen=True)
class Arrival:
    """One request. at: when it came. nth: request of the run, from 1."""

    at: float
    nth: int
    url: str
    token: str
    items: tuple[Sent, ...]

    @property
    def keys(self) -> list[str]:
        return [sent.key for sent in self.items]


def ok(*value: Any, **members: Any) -> dict[str, Any]:
    return {"status": 200, "body": {"value": list(value), "@adminapi.warnings": [], **members}}


def error(status: int, kind: str = "", text: str = "It went wrong.", **headers: str) -> dict[str, Any]:
    message = f"Ex000001|{kind}|{text}" if kind else text
    detail = {"code": "Client", "target": "", "message": message}
    body = {"error": {"code": "BadRequest", "message": "Error executing cmdlet", "details": [detail]}}
    return {"status": status, "headers": _with_dashes(headers), "body": body}


def throttled(**headers: str) -> dict[str, Any]:
    return error(429, "", "Too many requests.", **headers)


def passing(**headers: str) -> dict[str, Any]:
    return error(500, "Microsoft.Exchange.Data.Directory.ADTransientException", "Try again.", **headers)


def not_found() -> dict[str, Any]:
    kind = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
    return error(404, kind, "The operation couldn't be performed because the object couldn't be found.")


def reply(answer: Mapping[str, Any]) -> Reply:
    """An answer said of the whole request."""
    headers = {"date": DATE, **{name.lower(): text for name, text in answer.get("headers", {}).items()}}
    return Reply(answer["status"], headers, json.dumps(answer["body"]).encode())


def _with_dashes(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): text for name, text in headers.items()}


Each = Callable[[Sent], Answer]
Whole = Callable[[Arrival], "Reply | Lost | None"]


def success(sent: Sent) -> Answer:
    return ok()


@dataclass
class FakeService:
    """A transport. each: answers one item. whole: answers a whole request, None to ask `each`.
    latency: seconds a request takes. watch: sees each request first."""

    each: Each = success
    whole: Whole = lambda arrival: None
    latency: Callable[[Arrival], float] = lambda arrival: LATENCY
    watch: Callable[[Arrival], None] = lambda arrival: None
    arrivals: list[Arrival] = field(default_factory=list)
    sendings: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    most_of_one_identity: int = 0
    busy: Counter[str] = field(default_factory=Counter)

    async def send(self, request: Request) -> Reply | Lost:
        arrival = self._read(request)
        self.watch(arrival)
        self.arrivals.append(arrival)
        identities = [sent.identity.lower() for sent in arrival.items if sent.identity]
        self.busy.update(identities)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.most_of_one_identity = max([self.most_of_one_identity, *self.busy.values()])
        try:
            await asyncio.sleep(self.latency(arrival))
        finally:
            self.in_flight -= 1
            self.busy.subtract(identities)
        return self.whole(arrival) or self._answer(arrival)

    def _read(self, request: Request) -> Arrival:
        assert request.headers["Content-Type"] == "application/json;charset=utf-8"
        document = json.loads(request.body)
        token = request.headers["Authorization"]
        if request.url.endswith("/$batch"):
            items = [self._sent(each["body"], each["headers"], each["url"]) for each in document["requests"]]
            assert 2 <= len(items) <= 10
            assert len({each["id"] for each in document["requests"]}) == len(items)
        else:
            items = [self._sent(document, request.headers, request.url)]
        assert {sent.token for sent in items} == {token}
        return Arrival(now(), len(self.arrivals) + 1, request.url, token, tuple(items))

    def _sent(self, body: dict[str, Any], headers: Mapping[str, str], url: str) -> Sent:
        command = body["CmdletInput"]
        parameters = command["Parameters"]
        key = parameters["Key"] if "Key" in parameters else f"look:{parameters['Identity']}"
        self.sendings[key] += 1
        return Sent(
            key,
            command["CmdletName"],
            command["Parameters"],
            headers["client-request-id"],
            url,
            headers["Authorization"],
            self.sendings[key],
        )

    def _answer(self, arrival: Arrival) -> Reply | Lost:
        answers = [self.each(sent) for sent in arrival.items]
        if not arrival.url.endswith("/$batch"):
            return Lost("Nothing came.", sent=True) if answers[0] is None else reply(answers[0])
        responses = [{"id": str(n), **answer} for n, answer in enumerate(answers, 1) if answer is not None]
        return reply({"status": 200, "body": {"responses": responses[::-1]}})  # in any order


@dataclass
class FakeTokens:
    """Tokens by number: `renew` gives the next one to whoever comes with the present one."""

    texts: list[str] = field(default_factory=lambda: [f"token-{number}" for number in range(1, 100)])
    renewals: list[tuple[str, str]] = field(default_factory=list)
    latency: float = 0.5
    failure: Exception | None = None
    failure_now: Exception | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    over: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        return self.texts[len(self.renewals)]

    async def current(self) -> str:
        if self.failure_now is not None:
            raise self.failure_now
        return self.text

    def ended(self, token: str) -> bool:
        return token in self.over

    async def renew(self, refused: str, claims: str) -> str:
        async with self.lock:
            if refused == self.text:
                await asyncio.sleep(self.latency)
                if self.failure is not None:
                    raise self.failure
                self.renewals.append((refused, claims))
        return self.text
