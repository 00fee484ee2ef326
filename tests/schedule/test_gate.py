"""Gates: the region that a service sends to, links, and the key that goes stale."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bulkexo.model import Form, SignInError
from bulkexo.schedule import Gate
from bulkexo.schedule.keyring import DAY, PAUSE, Keyring
from bulkexo.wire import Action, Call, Lost, Reply, Request, Service, Verdict
from tests.schedule.fakes import FakeTokens
from tests.wire.test_wire_key import xml

FRONT = "https://ps.compliance.protection.outlook.com"
REGION = "https://eur01b.ps.compliance.protection.outlook.com"
LOCATION = "https://eur01b.admin.protection.outlook.com:446/adminapi/beta/tenant/InvokeCommand"
SERVICE = Service(FRONT, "tenant", "APP:anchor", "run")


@dataclass
class Wire:
    """A transport that notes what it is given."""

    answer: Callable[[Request], Reply | Lost]
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Reply | Lost:
        self.sent.append(request)
        await asyncio.sleep(0)
        return self.answer(request)

    @property
    def urls(self) -> list[str]:
        return [request.url for request in self.sent]


def found(location: str) -> Reply:
    return Reply(302, {"location": location}, b"")


def ok(**more: Any) -> Reply:
    return Reply(200, {}, json.dumps({"value": [1], **more}).encode())


def to_the_region(request: Request) -> Reply:
    return ok() if request.url.startswith(REGION) else found(LOCATION)


def calls(count: int) -> list[Call]:
    return [
        Call(f"guid-{number}", "Get-ComplianceSearch", {"Identity": f"{number}"}) for number in range(count)
    ]


def exchange(gate: Gate, *batches: Sequence[Call]) -> list[list[Verdict]]:
    async def run() -> list[list[Verdict]]:
        return [(await gate.exchange(batch, "token"))[1] for batch in batches]

    return asyncio.run(run())


def test_a_region_is_followed_once_and_remembered() -> None:
    wire = Wire(to_the_region)
    gate = Gate(SERVICE, wire, FakeTokens())
    verdicts = exchange(gate, calls(1), calls(1))
    assert [each[0].action for each in verdicts] == [Action.DONE, Action.DONE]
    path = "/adminapi/beta/tenant/InvokeCommand"
    assert wire.urls == [FRONT + path, REGION + path, REGION + path]
    assert {request.headers["Authorization"] for request in wire.sent} == {"Bearer token"}


def test_the_urls_inside_a_batch_are_of_the_region_too() -> None:
    def answer(request: Request) -> Reply:
        if not request.url.startswith(REGION):
            return found(LOCATION)
        parts = json.loads(request.body)["requests"]
        assert {part["url"] for part in parts} == {f"{REGION}/adminapi/beta/tenant/InvokeCommand"}
        responses = [{"id": part["id"], "status": 200, "body": {"value": []}} for part in parts]
        return Reply(200, {}, json.dumps({"responses": responses}).encode())

    (verdicts,) = exchange(Gate(SERVICE, Wire(answer), FakeTokens()), calls(3))
    assert [verdict.action for verdict in verdicts] == [Action.DONE] * 3


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/adminapi",
        "https://eur01b.evil.example:446/",
        "http://eur01b.admin.protection.outlook.com:446/",
        "https://a.b.admin.protection.outlook.com.evil.example/",
        "",
        FRONT + "/elsewhere",
    ],
)
def test_any_other_redirect_fails_with_a_sentence(location: str) -> None:
    wire = Wire(lambda request: found(location))
    ((verdict,),) = exchange(Gate(SERVICE, wire, FakeTokens()), calls(1))
    assert verdict.action is Action.FAILED
    assert verdict.failure is not None
    assert "sends the call on to another address (status 302). The token is not" in verdict.failure.message
    assert len(wire.sent) == 1


def test_regions_that_send_to_each_other_end() -> None:
    wire = Wire(lambda request: found(f"https://r{len(wire.sent)}.admin.protection.outlook.com:446/"))
    ((verdict,),) = exchange(Gate(SERVICE, wire, FakeTokens()), calls(1))
    assert verdict.action is Action.FAILED
    assert len(wire.sent) == 3


def test_a_region_that_no_longer_serves_sends_to_another() -> None:
    moved = False

    def answer(request: Request) -> Reply:
        if request.url.startswith(FRONT):
            return found(LOCATION.replace("eur01b", "nam02b") if moved else LOCATION)
        if request.url.startswith(REGION) and moved:
            return found(FRONT + "/adminapi")
        return ok()

    wire = Wire(answer)
    gate = Gate(SERVICE, wire, FakeTokens())
    exchange(gate, calls(1))
    moved = True
    ((verdict,),) = exchange(gate, calls(1))
    assert verdict.action is Action.DONE
    assert wire.urls[-1].startswith(REGION.replace("eur01b", "nam02b"))


def test_a_region_that_wants_its_cookie_again_gets_it() -> None:
    def answer(request: Request) -> Reply:
        return ok() if len(wire.sent) in (2, 4) else found(LOCATION)

    wire = Wire(answer)
    gate = Gate(SERVICE, wire, FakeTokens())
    verdicts = exchange(gate, calls(1), calls(1))
    assert [each[0].action for each in verdicts] == [Action.DONE] * 2


@pytest.mark.parametrize(
    ("link", "trusted"),
    [
        (f"{REGION}/next?$skiptoken=x", f"{REGION}/next?$skiptoken=x"),
        (f"{FRONT}/next", f"{FRONT}/next"),
        ("/next", f"{REGION}/next"),
        ("https://evil.example/next", ""),
    ],
)
def test_links_stay_with_the_service_and_its_region(link: str, trusted: str) -> None:
    def answer(request: Request) -> Reply:
        return ok(**{"@odata.nextLink": link}) if request.url.startswith(REGION) else found(LOCATION)

    ((verdict,),) = exchange(Gate(SERVICE, Wire(answer), FakeTokens()), calls(1))
    assert verdict.link == trusted
    assert (verdict.action is Action.FAILED) == (not trusted)


@dataclass
class Shelf:
    """A store of one key."""

    known: tuple[str, float] | None = None
    kept: list[tuple[str, float]] = field(default_factory=list)

    def recall(self) -> tuple[str, float] | None:
        return self.known

    def remember(self, key: str, at: float) -> None:
        self.kept.append((key, at))


KEYS = [xml(), xml(rsa.generate_private_key(public_exponent=65537, key_size=2048))]
REFUSED = {"error": {"details": [{"message": "Ex1|X.CryptographicException|It cannot be decrypted."}]}}


@dataclass
class Rotating:
    """A service whose key changes: answers cmdlets with a refusal until the new key was asked for."""

    asked: int = 0

    def __call__(self, request: Request) -> Reply:
        if request.method == "GET":
            self.asked += 1
            return Reply(200, {}, json.dumps({"value": [{"moduleFile": KEYS[1]}]}).encode())
        if self.asked:
            return ok()
        return Reply(400, {}, refused())


def refused() -> bytes:
    return json.dumps(REFUSED).encode()


def secrets(count: int) -> list[Call]:
    forms = {"Password": Form.SECURE}
    return [
        Call(f"guid-{number}", "Set-Mailbox", {"Password": "hunter2"}, forms=forms) for number in range(count)
    ]


def with_key(
    answer: Callable[[Request], Reply | Lost], shelf: Shelf, now: float = 100.0
) -> tuple[Gate, Wire]:
    wire = Wire(answer)
    gate = Gate(SERVICE, wire, FakeTokens())
    gate.keyring = Keyring(gate.key, shelf, lambda: now)
    return gate, wire


def test_a_key_that_was_rotated_is_fetched_anew_and_the_call_goes_again() -> None:
    shelf = Shelf((KEYS[0], 50.0))
    gate, wire = with_key(Rotating(), shelf)
    ((verdict,),) = exchange(gate, secrets(1))
    assert verdict.action is Action.DONE
    assert [request.method for request in wire.sent] == ["POST", "GET", "POST"]
    assert shelf.kept == [(KEYS[1], 100.0)]
    assert all(b"hunter2" not in request.body for request in wire.sent)


def test_only_what_could_not_be_read_goes_again() -> None:
    rotating = Rotating()

    def answer(request: Request) -> Reply:
        if request.method == "GET" or rotating.asked:
            return rotating(request)
        bad = {"id": "2", "status": 400, "body": REFUSED}
        good: list[dict[str, Any]] = [
            {"id": number, "status": 200, "body": {"value": []}} for number in ("1", "3")
        ]
        return Reply(200, {}, json.dumps({"responses": [bad, *good]}).encode())

    gate, wire = with_key(answer, Shelf((KEYS[0], 50.0)))
    (verdicts,) = exchange(gate, secrets(3))
    assert [verdict.action for verdict in verdicts] == [Action.DONE] * 3
    assert wire.sent[2].headers["client-request-id"] == "guid-1"
    assert len(wire.sent) == 3


def test_what_the_newest_key_does_not_open_fails() -> None:
    gate, wire = with_key(Rotating(asked=0), Shelf((KEYS[1], 50.0)))
    ((verdict,),) = exchange(gate, secrets(1))
    assert verdict.action is Action.FAILED
    assert [request.method for request in wire.sent] == ["POST", "GET"]


def test_a_key_is_fetched_once_and_again_after_a_day() -> None:
    shelf = Shelf()
    rotating = Rotating()
    gate, _ = with_key(rotating, shelf)
    exchange(gate, secrets(1), secrets(2), secrets(1))
    assert rotating.asked == 1
    old, _ = with_key(rotating, Shelf((KEYS[1], 100.0 - DAY - 1)))
    exchange(old, secrets(1), secrets(1))
    assert rotating.asked == 2


@pytest.mark.parametrize("module", [Reply(403, {}, b""), ok()])
def test_a_key_that_cannot_be_renewed_is_asked_for_once_in_a_while(module: Reply) -> None:
    """Old as it is, it still serves, and no call waits for the module each time; nor for what only sounds as
    if the key were wrong."""
    now = [0.0]
    wire = Wire(lambda request: module if request.method == "GET" else Reply(400, {}, refused()))
    gate = Gate(SERVICE, wire, FakeTokens())
    gate.keyring = Keyring(gate.key, Shelf((KEYS[0], -DAY - 1)), lambda: now[0])
    exchange(gate, *[secrets(1)] * 5)
    assert [request.method for request in wire.sent] == ["GET", *["POST"] * 5]
    now[0] = PAUSE
    exchange(gate, secrets(1))
    assert [request.method for request in wire.sent[6:]] == ["GET", "POST"]


def test_calls_without_secrets_ask_for_no_key() -> None:
    gate, wire = with_key(lambda request: ok(), Shelf())
    exchange(gate, calls(1))
    assert [request.method for request in wire.sent] == ["POST"]


@pytest.mark.parametrize(
    ("reply", "tries"),
    [
        (Reply(403, {}, b""), 1),
        (Reply(200, {}, b"no key in it"), 1),
        (Reply(503, {"retry-after": "0.001"}, b""), 3),
    ],
)
def test_where_no_key_is_to_be_had(reply: Reply, tries: int) -> None:
    gate, wire = with_key(lambda request: reply, Shelf())
    assert gate.keyring is not None
    assert asyncio.run(gate.keyring.current()) is None
    assert len(wire.sent) == tries


def test_without_a_key_no_secret_is_sent_and_what_has_none_goes_another_time() -> None:
    gate, wire = with_key(lambda request: Reply(403, {}, b""), Shelf())
    (verdicts,) = exchange(gate, [*secrets(1), *calls(1)])
    assert [each.action for each in verdicts] == [Action.FAILED, Action.UNREACHED]
    assert verdicts[0].failure is not None
    assert verdicts[0].failure.code == "bulkexo:no-key"
    assert [request.method for request in wire.sent] == ["GET"]


def test_a_sign_in_that_fails_midway_leaves_the_key_as_it_is() -> None:
    gate, wire = with_key(Rotating(), Shelf((KEYS[0], 50.0)))
    gate.tokens = FakeTokens(failure_now=SignInError("No token."))
    ((verdict,),) = exchange(gate, secrets(1))
    assert verdict.action is Action.FAILED
    assert [request.method for request in wire.sent] == ["POST"]


def test_many_who_find_the_key_refused_fetch_one() -> None:
    rotating = Rotating()
    gate, _ = with_key(rotating, Shelf((KEYS[0], 50.0)))
    ring = gate.keyring
    assert ring is not None

    async def run() -> list[bool]:
        stale = await ring.current()
        return list(await asyncio.gather(*(ring.renew(stale) for _ in range(5))))

    assert asyncio.run(run()) == [True] * 5
    assert rotating.asked == 1
