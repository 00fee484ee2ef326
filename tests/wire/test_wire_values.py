"""Values whose JSON does not show what they are: bytes, arrays with a note beside them, secrets."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.model import Form
from bulkexo.wire.cmdlets import cmdlet_input
from bulkexo.wire.values import encode, octets

TABLE = "#Exchange.GenericHashTable"
BYTES = "#Exchange.ByteArrayType"


def of(form: Form, value: Any) -> dict[str, Any]:
    return encode({"P": value}, {"P": form}, seal=lambda text: f"<{text}>")


@pytest.mark.parametrize(
    ("form", "value", "sent"),
    [
        (Form.BYTES, "AQID", {"P": {"@odata.type": BYTES, "Data": [1, 2, 3]}}),
        (Form.BYTES, "AQ\nID ", {"P": {"@odata.type": BYTES, "Data": [1, 2, 3]}}),
        (Form.BYTES, [0, 255], {"P": {"@odata.type": BYTES, "Data": [0, 255]}}),
        (
            Form.BYTES,
            {"@odata.type": BYTES, "Data": [7]},
            {"P": {"@odata.type": BYTES, "Data": [7]}},
        ),
        (
            Form.BYTE_ARRAYS,
            ["AQ==", [2]],
            {
                "P@odata.type": "#Collection(Exchange.ByteArrayType)",
                "P": [{"@odata.type": BYTES, "Data": [1]}, {"@odata.type": BYTES, "Data": [2]}],
            },
        ),
        (
            Form.BYTE_ARRAYS,
            [1, 2],
            {
                "P@odata.type": "#Collection(Exchange.ByteArrayType)",
                "P": [{"@odata.type": BYTES, "Data": [1, 2]}],
            },
        ),
        (
            Form.TABLES,
            [{"a": 1}, {"b": {"c": None}}],
            {
                "P@odata.type": "#Collection(Exchange.GenericHashTable)",
                "P": [
                    {"@odata.type": TABLE, "a": 1},
                    {"@odata.type": TABLE, "b": {"@odata.type": TABLE, "c": None}},
                ],
            },
        ),
        (
            Form.TABLES,
            {"a": 1},
            {
                "P@odata.type": "#Collection(Exchange.GenericHashTable)",
                "P": [{"@odata.type": TABLE, "a": 1}],
            },
        ),
        (Form.SECURE, "hunter2", {"P": "<hunter2>"}),
    ],
)
def test_forms(form: Form, value: Any, sent: dict[str, Any]) -> None:
    assert of(form, value) == sent
    orjson.dumps(of(form, value))


@pytest.mark.parametrize("form", list(Form))
def test_null_is_null_in_every_form(form: Form) -> None:
    assert of(form, None) == {"P": None}


def test_the_note_stands_before_what_it_is_about() -> None:
    text = orjson.dumps(of(Form.TABLES, []))
    assert text == b'{"P@odata.type":"#Collection(Exchange.GenericHashTable)","P":[]}'


def test_a_secret_is_never_sent_bare() -> None:
    with pytest.raises(ValueError, match="without the service's key") as caught:
        cmdlet_input("New-Mailbox", {"Password": "hunter2"}, {"Password": Form.SECURE})
    assert "hunter2" not in str(caught.value)


@given(st.binary())
def test_bytes_come_back(data: bytes) -> None:
    assert octets(base64.b64encode(data).decode()) == list(data) == octets(list(data))


@pytest.mark.parametrize("value", ["no!", "AQI", [256], [-1], [True], ["1"], {"a": 1}, 7, None])
def test_what_is_no_bytes(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^is "):
        octets(value)


@pytest.mark.parametrize("name", ["UseCustomRouting", "usecustomrouting"])
@pytest.mark.parametrize("value", [True, False])
def test_custom_routing_is_not_sent(name: str, value: bool) -> None:
    sent = cmdlet_input("Get-InboxRule", {"Mailbox": "a@b.c", name: value})
    assert sent["CmdletInput"]["Parameters"] == {"Mailbox": "a@b.c"}
