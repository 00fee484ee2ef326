"""What holds for every reply: nothing raises, the order says nothing, what was packed is answered."""

from __future__ import annotations

import base64
import gzip
import random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.wire import Action, Call, Lost, Reply, Request, Service, judge, pack, unpack
from bulkexo.wire.bodies import Unread, decode
from bulkexo.wire.token import bearer, why_refused

SERVICE = Service("https://host.example", "t", "APP:x", "c")

NAMES = st.sampled_from(
    [
        "responses",
        "id",
        "status",
        "headers",
        "body",
        "error",
        "details",
        "message",
        "innererror",
        "value",
        "internalexception",
        "type",
        "code",
        "target",
        "@adminapi.errors",
        "@adminapi.warnings",
        "Message",
        "@adminapi.confirmationmessage",
        "@odata.nextLink",
        "x@odata.type",
        "Retry-After",
        "ClassName",
    ]
)
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "1",
        "2",
        "200",
        "429",
        "Ex1|A.CmdletProxyException|{",
        '{"error":{"details":[{"message":"|"}]}}',
        "nan",
        '|A.CmdletProxyException|{"Message":"|"}',
        "no settings of x have been modified",
        "||",
        "{}",
        "[",
        "\x00",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-9, 700) | st.floats(allow_nan=False) | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
PARTS = st.fixed_dictionaries({}, optional={"id": SCALARS, "status": SCALARS, "headers": JSON, "body": JSON})
BODIES = (
    st.binary(max_size=60)
    | JSON.map(orjson.dumps)
    | st.lists(PARTS | JSON, max_size=5).map(lambda parts: orjson.dumps({"responses": parts}))
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-encoding", "retry-after", "date", "www-authenticate", "x-warnings"]),
    st.sampled_from(["gzip", "deflate", 'Bearer claims="{"', "claims=", "-1", "nan"]) | st.text(max_size=20),
)
CMDLETS = st.sampled_from(["Set-Mailbox", "Add-X", "Remove-X", "", "-", "Get-Ä"])
KNOWN = set(Action)


@given(st.integers(100, 599), HEADERS, BODIES, st.integers(1, 10), CMDLETS, st.booleans(), st.integers(0, 99))
def test_no_reply_raises_and_every_call_gets_a_verdict(
    status: int, headers: dict[str, str], body: bytes, count: int, cmdlet: str, packed: bool, cut: int
) -> None:
    raw = gzip.compress(body, mtime=0)[: cut or None] if packed else body
    answers = unpack(Reply(status, headers, raw), count)
    assert len(answers) == count
    for answer in answers:
        verdict = judge(answer, cmdlet)
        assert verdict.action in KNOWN
        good = verdict.action in (Action.DONE, Action.UNCHANGED)
        assert good or (verdict.failure is not None and verdict.failure.message)
        assert orjson.dumps(verdict.value) is not None
        assert all(isinstance(warning, str) for warning in verdict.warnings)
        assert verdict.action is not Action.DONE or verdict.status in range(200, 300)


@given(st.lists(PARTS, max_size=6), st.integers(2, 6), st.randoms(use_true_random=False))
def test_the_order_of_the_responses_says_nothing(
    parts: list[dict[str, Any]], count: int, shuffle: random.Random
) -> None:
    moved = list(parts)
    shuffle.shuffle(moved)
    first, second = (
        unpack(Reply(200, {}, orjson.dumps({"responses": some})), count) for some in (parts, moved)
    )
    assert first == second


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def echo(request: Request, order: random.Random, lose: set[int]) -> Reply:
    """A service of its own that answers each cmdlet with what it was sent; those in `lose` not at all."""
    sent = orjson.loads(request.body)
    if not request.url.endswith("/$batch"):
        return Reply(200, {}, orjson.dumps({"value": [sent["CmdletInput"]]}))
    responses = [
        {"id": part["id"], "status": 200, "headers": {}, "body": {"value": [part["body"]["CmdletInput"]]}}
        for number, part in enumerate(sent["requests"])
        if number not in lose
    ]
    order.shuffle(responses)
    return Reply(200, {"content-encoding": "gzip"}, gzip.compress(orjson.dumps({"responses": responses})))


@given(
    st.lists(st.dictionaries(st.text("abcXYZ", min_size=1), VALUES, max_size=3), min_size=1, max_size=10),
    st.randoms(use_true_random=False),
    st.sets(st.integers(0, 9), max_size=3),
)
def test_what_is_packed_is_answered_to_the_one_who_asked(
    rows: list[dict[str, Any]], order: random.Random, lose: set[int]
) -> None:
    calls = [Call(f"g{n}", f"Get-Thing{n}", row) for n, row in enumerate(rows)]
    heard = unpack(echo(pack(SERVICE, calls, "token"), order, lose), len(calls))
    for number, (call, answer) in enumerate(zip(calls, heard, strict=True)):
        if number in lose and len(calls) > 1:
            assert isinstance(answer, Lost)
            continue
        echoed = judge(answer, call.cmdlet).value[0]
        assert echoed == {
            "CmdletName": call.cmdlet,
            "Parameters": call.parameters,
        }


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "", "br"]))
def test_any_bytes_decode_to_something(raw: bytes, encoding: str) -> None:
    body = decode(Reply(200, {"content-encoding": encoding}, raw))
    assert body is None or isinstance(body, str | int | float | bool | list | dict | Unread)
    assert raw.strip() or body == ""


def jwt(claims: Any) -> str:
    return f"e30.{base64.urlsafe_b64encode(orjson.dumps(claims)).decode().rstrip('=')}.sig"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"tid": "T", "upn": "a@b.c", "appid": "A"}, ("T", "a@b.c", "A")),
        ({"tid": "T", "upn": "a@b.c", "idtyp": "app", "azp": "Z"}, ("T", "", "Z")),
        ({"tid": None}, ("", "", "")),
        ([], ("", "", "")),
    ],
)
def test_a_token_says_whom_it_speaks_for(claims: Any, expected: tuple[str, str, str]) -> None:
    told = bearer(jwt(claims))
    assert (told.tenant, told.upn, told.app) == expected


@given(st.text(max_size=40) | st.binary(max_size=30).map(lambda raw: f"a.{raw.hex()}.b") | JSON.map(jwt))
def test_any_other_token_says_nothing_and_raises_nothing(token: str) -> None:
    assert isinstance(bearer(token).tenant, str)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"upn": "a@b.c", "appid": "A", "scp": "x"}, "Give a@b.c a role"),
        ({"appid": "A", "idtyp": "app"}, "app A does not hold Exchange.ManageAsApp"),
        ({"appid": "A", "roles": ["Mail.Send"]}, "app A does not hold Exchange.ManageAsApp"),
        ({"appid": "A", "roles": ["Exchange.ManageAsApp"]}, "directory role"),
        ({"appid": "A", "scp": "x"}, "directory role"),
        ({"appid": "A", "roles": "strange"}, "directory role"),
        ([], "directory role"),
    ],
)
def test_why_a_new_token_is_refused_as_well(claims: Any, words: str) -> None:
    assert words in why_refused(jwt(claims))
