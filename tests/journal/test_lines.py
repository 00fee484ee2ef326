"""A line of results.ndjson, exactly as the contract shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkexo.journal.key import key
from bulkexo.journal.lines import line, seconds, timestamp
from bulkexo.model import Status

from .outcomes import NOT_FOUND, failed, outcome

MEMBERS = {
    "row": int,
    "step": int,
    "cmdlet": str,
    "identity": str,
    "status": str,
    "attempts": int,
    "http_status": int,
    "started": str,
    "duration_ms": int,
    "request_id": str,
    "value": list,
    "warnings": list,
    "error": type(None),
    "key": str,
}
KEY = key(outcome().item).encode()


def read(text: bytes) -> dict[str, Any]:
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    document: dict[str, Any] = json.loads(text)
    return document


def test_a_line_to_the_byte() -> None:
    assert line(outcome()) == (
        b'{"row":17,"step":1,"cmdlet":"Set-Mailbox","identity":"ada@contoso.com","status":"succeeded",'
        b'"attempts":2,"http_status":200,"started":"2026-11-24T09:30:00.123Z","duration_ms":812,'
        b'"request_id":"6f9304","value":[],"warnings":[],"error":null,"key":"%s"}\n' % KEY
    )


def test_members_their_order_and_types() -> None:
    document = read(line(outcome(value=[{"A": 1}], warnings=("careful",))))
    assert {name: type(value) for name, value in document.items()} == MEMBERS
    assert list(document) == list(MEMBERS)
    assert (document["value"], document["warnings"]) == ([{"A": 1}], ["careful"])


def test_an_error_has_four_texts() -> None:
    document = read(line(failed()))
    assert document["error"] == {
        "code": NOT_FOUND.code,
        "type": NOT_FOUND.type,
        "message": NOT_FOUND.message,
        "target": NOT_FOUND.target,
    }
    assert list(document["error"]) == ["code", "type", "message", "target"]


def test_what_was_never_sent() -> None:
    never = outcome(status=Status.SKIPPED, attempts=0, http_status=None, started=None, request_id=None)
    document = read(line(never))
    assert [document[name] for name in ("http_status", "started", "request_id")] == [None] * 3
    assert list(document) == list(MEMBERS)


@pytest.mark.parametrize("status", list(Status))
def test_the_status_is_its_word(status: Status) -> None:
    assert read(line(outcome(status=status)))["status"] == status.value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1795512600.0, "2026-11-24T09:30:00.000Z"),
        (1795512600.9996, "2026-11-24T09:30:00.999Z"),
        (1709164800.0625, "2024-02-29T00:00:00.062Z"),
    ],
)
def test_timestamps_are_utc_to_the_millisecond(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.lists(JSON, max_size=3), st.lists(st.text(), max_size=3), st.text())
def test_any_value_warning_and_message_is_one_line_that_reads_back(
    value: list[Any], warnings: list[str], identity: str
) -> None:
    document = read(line(outcome(value=value, warnings=warnings, request_id=identity)))
    assert (document["value"], document["warnings"]) == (value, warnings)
    assert document["request_id"] == identity


@pytest.mark.parametrize("moment", [0.0, 1_795_512_600.123, 253_402_300_799.0])
def test_a_time_comes_back(moment: float) -> None:
    assert seconds(timestamp(moment)) == moment


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-24T10:30:00+01:00", 1_795_512_600.0),
        ("2026-11-24T09:30:00", 1_795_512_600.0),
        ("yesterday", None),
        (None, None),
        (17, None),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200.0),
    ],
)
def test_a_time_of_another_kind(text: object, found: float | None) -> None:
    assert seconds(text) == found
