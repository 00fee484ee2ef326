"""How much of a reply is read: large honest ones whole, hostile ones not at all, the token never repeated."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from typing import Any

import pytest

from bulkexo.wire import Action, Answer, Reply, judge, unpack
from bulkexo.wire.bodies import NESTED_LIMIT, REPLY_LIMIT, TEXT_LIMIT, TOO_LARGE, TOO_MANY, Unread, decode
from tests.hostile.tricks import ZEROS, bomb

GZIP = {"content-encoding": "gzip"}
TOKEN = "eyJ0eXAiOiJKV1QifQ.eyJ0aWQiOiJ4In0.signature"


def reply(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, headers or {}, body)


def test_a_large_honest_page_is_read() -> None:
    """A thousand mailboxes with all properties."""
    mailbox = {f"Property{number}": f"value {number}, with a comma" for number in range(250)}
    page = {"value": [{**mailbox, "EmailAddresses": ["SMTP:a@b.c"] * 5}] * 1000}
    packed = gzip.compress(json.dumps(page).encode(), 1)
    assert decode(reply(packed, headers=GZIP)) == page


@pytest.mark.parametrize(
    ("body", "headers", "found"),
    [
        (ZEROS, GZIP, TOO_LARGE),
        (bomb(b"{},", 3_000_000), GZIP, TOO_MANY),
        (bomb(b"1,", 11_000_000), GZIP, TOO_MANY),
        (b"[" * (NESTED_LIMIT + 1), {}, TOO_MANY),
    ],
    ids=["zeros", "objects", "values", "plain"],
)
def test_what_is_too_much_takes_no_memory(body: bytes, headers: dict[str, str], found: Unread) -> None:
    tracemalloc.start()
    try:
        assert decode(reply(body, headers=headers)) == found
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("status", [302, 400, 403, 500])
def test_of_an_error_the_status_is_enough(status: int) -> None:
    assert decode(reply(ZEROS, status, GZIP)) == ""


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip,br", "x" * 9999])
def test_what_was_not_asked_for_is_refused(encoding: str) -> None:
    found = decode(reply(b"\x0b\x02\x80", headers={"content-encoding": encoding}))
    assert isinstance(found, Unread)
    assert "not asked for" in found.reason
    assert len(found.reason) < 100
    verdict = judge(unpack(reply(b"\x0b\x02\x80", headers={"content-encoding": encoding}), 1)[0], "Get-X")
    assert verdict.action is Action.UNANSWERED


@pytest.mark.parametrize("encoding", ["br", "identity", ""])
def test_json_is_json_whatever_it_says_of_itself(encoding: str) -> None:
    assert decode(reply(b'{"value": []}', headers={"content-encoding": encoding})) == {"value": []}


def test_a_byte_that_is_no_text_spoils_nothing_else() -> None:
    assert decode(reply(b'{"value": ["a\xffb"]}')) == {"value": ["a�b"]}


def test_of_a_text_the_beginning_is_enough() -> None:
    assert decode(reply(b"x" * (TEXT_LIMIT * 2))) == "x" * TEXT_LIMIT


def test_members_of_several_gzips_are_read_as_one() -> None:
    """A server may write its reply in parts."""
    whole = gzip.compress(b'{"value": ') + gzip.compress(b"[1]}")
    assert decode(reply(whole, headers=GZIP)) == {"value": [1]}


def test_what_follows_a_gzip_is_padding() -> None:
    assert decode(reply(gzip.compress(b"[1]") + bytes(500), headers=GZIP)) == [1]


def test_a_gzip_of_very_many_members_is_given_up() -> None:
    assert isinstance(decode(reply(gzip.compress(b"") * 5000, headers=GZIP)), Unread)


@pytest.mark.parametrize("count", [1, 2])
def test_a_token_that_is_repeated_is_left_out(count: int) -> None:
    told: dict[str, Any] = {"value": [{"Echo": f"Bearer {TOKEN}"}], "@adminapi.warnings": [TOKEN]}
    inner = {"responses": [{"id": str(n), "status": 200, "body": told} for n in range(1, count + 1)]}
    body = json.dumps(told if count == 1 else inner).encode()
    for packed, headers in ((body, {}), (gzip.compress(body), GZIP)):
        for heard in unpack(reply(packed, headers={**headers, "request-id": TOKEN}), count, TOKEN):
            assert isinstance(heard, Answer)
            assert TOKEN not in str(heard)
            assert heard.body["value"] == [{"Echo": "Bearer ***"}]


def test_a_reply_of_exactly_the_limit_is_no_hostile_one() -> None:
    body = b'"' + b" " * (REPLY_LIMIT - 2) + b'"'
    assert len(decode(reply(gzip.compress(body, 1), headers=GZIP))) == REPLY_LIMIT - 2
