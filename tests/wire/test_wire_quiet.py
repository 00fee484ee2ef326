"""The usual reply is read as a whole, and whatever is said in it, that comes to what is read call by call."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.wire import Lost, Reply, judge
from bulkexo.wire.batch import answers, opened
from bulkexo.wire.quiet import quiet

HEADERS = {"Content-Type": "application/json", "request-id": "5f3bd0a6", "Cmdlet-Name": "Set-Mailbox"}
BODY = {
    "@odata.context": "https://host.example/$metadata",
    "adminapi.warnings@odata.type": "#Collection(String)",
    "@adminapi.warnings": [],
    "value": [],
}


def answer(number: Any, **other: Any) -> dict[str, Any]:
    return {"id": number, "status": 200, "headers": HEADERS, "body": BODY, **other}


def replied(responses: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, headers or {}, orjson.dumps({"responses": responses}))


ANYTHING = st.sampled_from(
    [None, "", "1", "text", 0, 1, 200, 200.0, 404, True, [], {}, ["a"], {"a": 1}, [{"a": 1}]]
)
VALUES: st.SearchStrategy[Any] = st.sampled_from([[], None, "", [{"Name": "ada"}], {}, "text"])
BODIES = (
    st.just(BODY)
    | st.fixed_dictionaries(
        {name: st.just(member) for name, member in BODY.items()},
        optional={
            "error": ANYTHING,
            "@odata.nextLink": ANYTHING,
            "@adminapi.errors": ANYTHING,
            "@adminapi.confirmationmessage": ANYTHING,
        },
    )
    | st.fixed_dictionaries(
        {}, optional={"value": VALUES, "@adminapi.warnings": st.sampled_from([None, ["Look out."], "", 0])}
    )
    | ANYTHING
)
NAMES = st.sampled_from(["request-id", "Request-Id", "x-warnings", "X-Warnings", "Retry-After", "Other"])
HEADS = st.just(HEADERS) | st.dictionaries(NAMES, ANYTHING | st.just("said")) | ANYTHING
IDS: st.SearchStrategy[Any] = st.sampled_from(
    ["1", "2", "3", "4", "10", "11", "01", "x", 1, 2.0, None, ["1"], {}]
)
RESPONSE = (
    st.builds(answer, IDS)
    | st.builds(answer, IDS, body=BODIES)
    | st.builds(answer, IDS, headers=HEADS, status=st.sampled_from([200, 201, 429, "200", True, None]))
    | ANYTHING
)
USUAL = st.integers(1, 10).flatmap(lambda count: st.permutations([answer(str(n + 1)) for n in range(count)]))
MIXED = st.tuples(USUAL, RESPONSE).map(lambda two: [*two[0], two[1]])


def call_by_call(reply: Reply, count: int) -> list[Any]:
    return [judge(each, "Set-Mailbox") for each in answers(opened(reply, ""), count)]


@given(
    USUAL | MIXED | st.lists(RESPONSE, max_size=5) | ANYTHING,
    st.none() | st.integers(1, 10),
    st.sampled_from([200, 200, 201, 207, 302, 429, 500]),
)
def test_what_is_said_as_a_whole_is_what_is_said_call_by_call(
    responses: Any, asked: int | None, status: int
) -> None:
    reply = replied(responses, status, {"retry-after": "3", "x-warnings": "Of the whole."})
    count = asked or (len(responses) if isinstance(responses, list) and responses else 2)
    found = quiet(opened(reply, ""), count)
    assert found is None or found == call_by_call(reply, count)


@given(USUAL)
def test_the_usual_reply_is_read_as_a_whole_in_whatever_order_it_comes(responses: list[Any]) -> None:
    count = len(responses)
    named = [{**each, "headers": {**HEADERS, "request-id": f"id-{each['id']}"}} for each in responses]
    found = quiet(opened(replied(named), ""), count)
    if count == 1:  # that is no batch
        assert found is None
        return
    assert found is not None
    assert [each.request_id for each in found] == [f"id-{number + 1}" for number in range(count)]


@pytest.mark.parametrize(
    "other",
    [
        {"status": 404},
        {"body": {**BODY, "value": [{"Name": "ada"}]}},
        {"body": {**BODY, "@adminapi.warnings": ["Look out."]}},
        {"body": {**BODY, "@odata.nextLink": "https://host.example/next"}},
        {"headers": {**HEADERS, "X-Warnings": "Look out."}},
        {"headers": {**HEADERS, "Request-Id": "another"}},
        {"headers": {}},
        {"id": "1"},
        {"id": "3"},
        {"id": 2},
    ],
    ids=str,
)
def test_whoever_has_more_to_say_is_heard_call_by_call(other: dict[str, Any]) -> None:
    assert quiet(opened(replied([answer("1"), {**answer("2"), **other}]), ""), 2) is None


def test_a_reply_that_compares_itself_to_death_is_left_to_whoever_reads_call_by_call() -> None:
    deep = b"[" * 1000 + b"]" * 1000
    body = orjson.dumps(BODY)[:-1] + b',"@odata.context":%b}' % deep
    head = orjson.dumps(HEADERS)
    told = b",".join(b'{"id":"%d","status":200,"headers":%b,"body":%b}' % (n, head, body) for n in (1, 2))
    reply = Reply(200, {}, b'{"responses":[%b]}' % told)
    assert isinstance(opened(reply, "").body, dict)
    found = quiet(opened(reply, ""), 2)
    assert found is None or found == call_by_call(reply, 2)


def test_what_never_came_is_not_quiet() -> None:
    assert quiet(Lost("No reply came.", sent=True), 2) is None
