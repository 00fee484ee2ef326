"""CliXML: PowerShell's objects as plain values, wherever in the reply they stand."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psrpcore.types import PSCryptoProvider, serialize_clixml

from bulkexo.wire import Action, Lost, judge
from bulkexo.wire.batch import Answer
from bulkexo.wire.clixml import from_clixml

MEMBERS = """
<S N="Alias">ada_x000A_b</S><B N="Hidden">true</B><I32 N="Count">7</I32><Nil N="Nothing"/>
<Db N="Share">1.25</Db>
<DT N="When">2026-11-24T09:30:00.1234560Z</DT><DT N="Local">2026-11-24T09:30:00</DT>
<TS N="Kept">P14DT1H</TS><TS N="Back">-PT90S</TS><G N="Guid">11111111-2222-3333-4444-555555555555</G>
<D N="Price">1.5</D><D N="Whole">3</D><BA N="Data">AQID</BA><Version N="Version">15.20</Version>
<SS N="Password">0100000000</SS>
<Obj N="Quota" RefId="1"><TN RefId="1"><T>Deserialized.Unlimited</T></TN><ToString>99 GB (1 bytes)</ToString>
<Props><B N="IsUnlimited">false</B></Props></Obj>
<Obj N="Addresses" RefId="2"><TN RefId="2"><T>System.Collections.ArrayList</T></TN>
<LST><S>a</S><S>b</S></LST></Obj>
<Obj N="Table" RefId="3"><TN RefId="3"><T>System.Collections.Hashtable</T></TN>
<DCT><En><S N="Key">k</S><I32 N="Value">1</I32></En></DCT></Obj>
<Obj N="Kind" RefId="4"><TN RefId="4"><T>System.Enum</T></TN>
<ToString>UserMailbox</ToString><I32>1</I32></Obj>
<Obj N="Inner" RefId="5"><MS><S N="A">x</S></MS></Obj>
"""
TEXT = f"""<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj RefId="0">
<TN RefId="0"><T>Deserialized.Mailbox</T></TN><ToString>Ada</ToString><Props>{MEMBERS}</Props>
<MS><S N="RunspaceId">r</S></MS></Obj><S S="warning">careful</S></Objs>"""
PLAIN = {
    "Alias": "ada\nb",
    "Hidden": True,
    "Count": 7,
    "Nothing": None,
    "Share": 1.25,
    "When": "2026-11-24T09:30:00.123456Z",
    "Local": "2026-11-24T09:30:00",
    "Kept": "14.01:00:00",
    "Back": "-00:01:30",
    "Guid": "11111111-2222-3333-4444-555555555555",
    "Price": 1.5,
    "Whole": 3,
    "Data": "AQID",
    "Version": "15.20",
    "Password": None,
    "Quota": "99 GB (1 bytes)",
    "Addresses": ["a", "b"],
    "Table": {"k": 1},
    "Kind": "UserMailbox",
    "Inner": {"A": "x"},
    "RunspaceId": "r",
}


@pytest.mark.parametrize(
    "body",
    [
        TEXT,
        "#< CLIXML\r\n" + TEXT,
        {"value": [TEXT]},
        {"value": TEXT},
        {"value": [{"_clixml": TEXT}]},
        {"value": [{"CliXml": TEXT, "Other": 7}], "@adminapi.warnings": []},
    ],
)
def test_an_object_wherever_it_stands(body: Any) -> None:
    found = from_clixml(Answer(200, {}, body))
    assert isinstance(found, Answer)
    assert found.body["value"] == [PLAIN]
    assert found.body["@adminapi.warnings"] == ["careful"]
    orjson.dumps(found.body)
    verdict = judge(found, "Get-Mailbox")
    assert (verdict.action, list(verdict.value)) == (Action.DONE, [PLAIN])


@pytest.mark.parametrize(
    "body", ["", "text", None, {"value": []}, {"value": [{"Alias": "<b>"}]}, {"error": {"message": "x"}}, [1]]
)
def test_what_is_no_clixml_is_left_as_it_is(body: Any) -> None:
    answer = Answer(400, {}, body)
    assert from_clixml(answer) is answer


def test_a_lost_reply_stays_lost() -> None:
    lost = Lost("Gone.", sent=True)
    assert from_clixml(lost) is lost


def test_the_rest_of_the_body_stays() -> None:
    found = from_clixml(Answer(200, {}, {"value": [TEXT, {"A": 1}], "@odata.nextLink": "/next"}))
    assert isinstance(found, Answer)
    assert found.body["@odata.nextLink"] == "/next"
    assert found.body["value"][1] == {"A": 1}


@pytest.mark.parametrize(
    "text",
    [
        "<Objs",
        "<Objs></Objs",
        "<Objs><Obj RefId='0'><TNRef RefId='9'/></Obj></Objs>",
        "<Objs><Strange/></Objs>",
        "<Objs><I32>x</I32></Objs>",
        "<Objs><DT>yesterday</DT></Objs>",
        '<Objs/><!DOCTYPE x [<!ENTITY a "aaaa">]><Objs>&a;</Objs>',
    ],
)
def test_what_cannot_be_read_is_no_answer(text: str) -> None:
    found = from_clixml(Answer(200, {}, {"value": [text]}))
    assert isinstance(found, Lost)
    assert found.sent
    assert found.reason.startswith("The CliXML of the reply cannot be read (")


@given(st.text())
def test_any_text_that_begins_so_is_read_or_lost(text: str) -> None:
    assert isinstance(from_clixml(Answer(200, {}, "<Objs>" + text)), Answer | Lost)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
PLAINS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=8,
)


@given(PLAINS)
def test_what_powershell_writes_comes_back(value: Any) -> None:
    text = serialize_clixml([value], PSCryptoProvider())
    found = from_clixml(Answer(200, {}, {"value": [text]}))
    assert isinstance(found, Answer)
    assert found.body["value"] == [value]
