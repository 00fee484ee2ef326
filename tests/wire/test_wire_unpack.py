"""Unpacking: each call's answer by its id alone, whatever else the reply does."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from bulkexo.wire import Action, Answer, Lost, Reply, judge, unpack
from bulkexo.wire.bodies import decode


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Reply(status, headers or {}, raw)


def part(number: Any, status: Any = 200, **more: Any) -> dict[str, Any]:
    return {"id": number, "status": status, "headers": {}, "body": {"value": [number]}} | more


def batch(*parts: Any, headers: Mapping[str, str] | None = None) -> Reply:
    return reply({"responses": list(parts)}, headers=headers)


def actions(whole: Reply | Lost, count: int, cmdlet: str = "Set-Mailbox") -> list[Action]:
    return [judge(heard, cmdlet).action for heard in unpack(whole, count)]


@pytest.mark.parametrize("order", list(itertools.permutations("123")))
def test_answers_come_in_any_order(order: tuple[str, ...]) -> None:
    answers = unpack(batch(*(part(number) for number in order)), 3)
    assert [judge(answer, "Get-X").value for answer in answers] == [["1"], ["2"], ["3"]]


def test_a_missing_answer_is_lost_and_the_others_are_not() -> None:
    assert actions(batch(part("3"), part("1")), 3) == [Action.DONE, Action.UNANSWERED, Action.DONE]


def test_an_answer_that_comes_twice_the_same_counts_once() -> None:
    assert actions(batch(part("1"), part("2"), part("1")), 2) == [Action.DONE, Action.DONE]


@pytest.mark.parametrize("times", [2, 3])
def test_one_that_comes_twice_and_differs_cannot_be_told(times: int) -> None:
    parts = [part("1"), part("1", 404), part("1")][:times]
    assert actions(batch(*parts, part("2")), 2) == [Action.UNANSWERED, Action.DONE]


@pytest.mark.parametrize("stray", ["9", "", None, "x", 0, -1, 1.5, [1], {"a": 1}, True])
def test_unknown_ids_are_nobodys(stray: Any) -> None:
    assert actions(batch(part(stray, 500), part("1"), part("2")), 2) == [Action.DONE, Action.DONE]


@pytest.mark.parametrize("junk", [None, 1, "x", [], {}, {"status": 200, "body": {"value": []}}])
def test_what_is_no_response_is_passed_over(junk: Any) -> None:
    assert actions(batch(junk, part("2")), 2) == [Action.UNANSWERED, Action.DONE]


def test_ids_may_be_numbers_and_statuses_text() -> None:
    assert actions(batch(part(2, "404"), part(1, "200")), 2) == [Action.DONE, Action.FAILED]


@pytest.mark.parametrize("status", [None, "", "OK", 0, -200, 99, 600, 10**30, [], {}, True, "9" * 5000])
def test_an_answer_without_a_status_is_lost(status: Any) -> None:
    raw = orjson.dumps({"responses": [part("1", "STATUS"), part("2")]})
    shown = str(status).encode() if type(status) is int else orjson.dumps(status)
    assert actions(reply(raw.replace(b'"STATUS"', shown)), 2) == [Action.UNANSWERED, Action.DONE]


@pytest.mark.parametrize("space", ["", " ", "\r\n"])
def test_a_body_may_be_json_in_a_text(space: str) -> None:
    text = space + '{"value":[{"a":1}],"@adminapi.warnings":["w"]}'
    verdict = judge(unpack(batch(part("1", body=text), part("2")), 2)[0], "Get-X")
    assert (verdict.action, verdict.value, verdict.warnings) == (Action.DONE, [{"a": 1}], ["w"])


@pytest.mark.parametrize("body", ["plain", "<html>no</html>", "{cut", [1], 7, True])
def test_a_success_that_is_not_an_object_is_lost_alone_and_in_a_batch(body: Any) -> None:
    assert actions(batch(part("1", body=body), part("2")), 2) == [Action.UNANSWERED, Action.DONE]
    alone = body.encode() if isinstance(body, str) else body
    assert actions(reply(alone), 1) == [Action.UNANSWERED]


@pytest.mark.parametrize("more", [{"body": None}, {"body": ""}, {"body": {}}, {"body": {"value": None}}])
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_write_may_succeed_without_a_word(status: int, more: dict[str, Any]) -> None:
    verdict = judge(unpack(batch(part("1", status, **more), part("2")), 2)[0], "Set-Mailbox")
    assert (verdict.action, verdict.value, verdict.status) == (Action.DONE, [], status)


def test_a_body_may_be_left_out() -> None:
    assert actions(batch({"id": "1", "status": 204}, part("2")), 2) == [Action.DONE, Action.DONE]


@pytest.mark.parametrize("raw", [b"", b" \r\n", b"null", b"{}", b'\xef\xbb\xbf{"value":[]}'])
def test_so_may_a_lone_one(raw: bytes) -> None:
    assert actions(reply(raw), 1) == [Action.DONE]


def test_inner_headers_are_read_in_any_case_and_form() -> None:
    headers = {"Retry-After": 7, "REQUEST-ID": "r", "X-Warnings": None, "Date": ["a", "b"]}
    answer = unpack(batch(part("1", 429, headers=headers), part("2")), 2)[0]
    assert isinstance(answer, Answer)
    assert answer.headers == {"retry-after": "7", "request-id": "r", "date": "a, b"}


@pytest.mark.parametrize("headers", [None, [], "x", 5])
def test_inner_headers_may_be_anything(headers: Any) -> None:
    assert actions(batch(part("1", headers=headers), part("2")), 2) == [Action.DONE, Action.DONE]


def test_a_sub_items_wait_may_stand_in_the_outer_headers() -> None:
    outer = {"retry-after": "30", "date": "Wed, 01 Jan 2025 00:00:00 GMT", "x-warnings": "outer"}
    when = {"Retry-After": "Wed, 01 Jan 2025 00:00:05 GMT"}
    whole = batch(part("1", 429), part("2", 429, headers={"Retry-After": "2"}), part("3"), headers=outer)
    verdicts = [judge(heard, "Get-X") for heard in unpack(whole, 3)]
    assert [verdict.retry_after for verdict in verdicts] == [30.0, 2.0, None]
    assert verdicts[2].warnings == []
    dated = batch(part("1", 429, headers=when), part("2"), headers=outer)
    assert judge(unpack(dated, 2)[0], "Get-X").retry_after == 5.0


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("sent", [True, False])
def test_a_lost_reply_is_lost_to_each(count: int, sent: bool) -> None:
    expected = Action.UNANSWERED if sent else Action.UNREACHED
    assert actions(Lost("gone", sent), count) == [expected] * count


@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 409, 413, 415, 422, 431])
def test_a_refusal_of_the_whole_sends_each_apart_and_fails_a_lone_call(status: int) -> None:
    refused = reply({"error": {"code": "BadRequest", "message": "no"}}, status)
    assert actions(refused, 2) == [Action.APART] * 2
    assert actions(refused, 1) == [Action.FAILED]


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (401, Action.SIGN_IN),
        (429, Action.THROTTLED),
        (503, Action.BUSY),
        (504, Action.UNANSWERED),
        (408, Action.UNANSWERED),
        (502, Action.UNANSWERED),
        (500, Action.FAULT),
        (302, Action.FAILED),
    ],
)
@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize("body", [b"", b"busy", b"<html>busy</html>", b'{"error":{"message":"busy"}}'])
def test_a_status_of_the_whole_holds_for_each(status: int, action: Action, count: int, body: bytes) -> None:
    assert actions(reply(body, status), count) == [action] * count


@pytest.mark.parametrize(
    "message",
    [
        "|Microsoft.Exchange.MemberAlreadyExistsException|The recipient is already a member.",
        "||The appropriate access control entry is already present",
        "Expired or Invalid pagination request",
    ],
)
@pytest.mark.parametrize(
    ("status", "action"), [(400, Action.APART), (500, Action.UNANSWERED), (200, Action.UNANSWERED)]
)
def test_what_is_true_of_one_item_is_not_taken_for_each(message: str, status: int, action: Action) -> None:
    refused = reply({"error": {"details": [{"message": message}]}}, status)
    assert actions(refused, 3, "Add-DistributionGroupMember") == [action] * 3


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html>Sign in to the guest network</html>",
        b'{"responses":{}}',
        b"\x00\x00",
        b'{"error":null}',
        b'{"error":{}}',
        b'{"value":[]}',
        b'{"responses":null}',
        b'{"responses":[{"id":',
    ],
)
def test_a_200_that_is_no_batch_says_nothing_of_any_item(raw: bytes) -> None:
    assert actions(reply(raw), 2) == [Action.UNANSWERED] * 2


def test_an_empty_list_of_responses_answers_nobody() -> None:
    assert actions(batch(), 2) == [Action.UNANSWERED] * 2


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("status", [200, 400, 403, 429, 500, 503])
@pytest.mark.parametrize("form", ["plain", "json", "string"])
def test_too_many_at_once_is_known_at_any_status_and_in_any_form(form: str, status: int, count: int) -> None:
    text = "You have reached the maximum number of concurrent requests per tenant. Please wait and try again"
    body: Any = {"plain": text.encode(), "json": {"error": {"message": text}}, "string": {"error": text}}[
        form
    ]
    assert actions(reply(body, status), count) == [Action.CROWDED] * count


GZIP = {"content-encoding": "gzip"}


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip", "deflate"])
def test_compressed_bodies_are_unpacked(encoding: str) -> None:
    packed = zlib.compress(b'{"value":[1]}') if encoding == "deflate" else gzip.compress(b'{"value":[1]}')
    assert decode(reply(packed, headers={"content-encoding": encoding})) == {"value": [1]}


def test_what_a_proxy_has_unpacked_already_is_read_as_it_is() -> None:
    assert decode(reply(b'{"value":[1]}', headers=GZIP)) == {"value": [1]}


@pytest.mark.parametrize("headers", [{}, GZIP])
def test_nul_bytes_in_a_403_are_a_refusal_with_a_hint(headers: dict[str, str]) -> None:
    nothing = reply(b"\0" * 40, 403, headers)
    assert actions(nothing, 2) == [Action.APART] * 2
    verdict = judge(unpack(nothing, 1)[0], "Get-Secret")
    assert verdict.action is Action.FAILED
    assert verdict.failure is not None
    assert verdict.failure.code == "bulkexo:http-403"
    assert "Get-Secret" in verdict.failure.message
    assert "roles" in verdict.failure.message


@pytest.mark.parametrize("headers", [{}, GZIP])
def test_nul_bytes_in_a_200_are_no_success(headers: dict[str, str]) -> None:
    assert actions(reply(b"\0" * 40, 200, headers), 1) == [Action.UNANSWERED]


@pytest.mark.parametrize(("status", "action"), [(200, Action.UNANSWERED), (400, Action.FAILED)])
@pytest.mark.parametrize("length", [2, 10, 15, 30])
def test_a_gzip_cut_off_is_no_success_and_shows_no_control_codes(
    status: int, action: Action, length: int
) -> None:
    cut = gzip.compress(b'{"value":[{"Name":"ada"}]}')[:length]
    verdict = judge(unpack(reply(cut, status, GZIP), 1)[0], "Get-X")
    assert verdict.action is action
    assert verdict.failure is not None
    assert verdict.failure.message.isprintable()
    assert "�" not in verdict.failure.message


def test_a_reply_that_cannot_be_read_is_quoted_in_one_clean_line() -> None:
    verdict = judge(unpack(reply(b"<html>\r\n\x1b[31mBlocked\x07 page " + b"x" * 500), 1)[0], "Get-X")
    assert verdict.failure is not None
    assert verdict.failure.message.isprintable()
    assert "<html> ?[31mBlocked? page" in verdict.failure.message
    assert len(verdict.failure.message) < 200


@pytest.mark.parametrize("levels", [210, 500, 1000, 1020, 5000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_is_no_way_to_raise(levels: int, opening: str) -> None:
    deep = opening * levels + "1" + ("]" if opening == "[" else "}") * levels
    lone = reply(b'{"value":[' + deep.encode() + b"]}")
    assert actions(lone, 1) == [Action.UNANSWERED]
    warned = b'{"responses":[{"id":"1","status":200,"body":{"@adminapi.errors":[%b]}}]}' % deep.encode()
    assert len(actions(reply(warned), 2)) == 2
    twice = b'{"id":"1","status":200,"headers":{"a":%b},"body":%b}' % (deep.encode(), deep.encode())
    assert len(actions(reply(b'{"responses":[' + twice + b"," + twice + b"]}"), 2)) == 2
