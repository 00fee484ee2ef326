"""CliXML: read back by psrpcore, which the sandbox knows nothing of."""

from __future__ import annotations

import uuid
from typing import Any
from xml.etree import ElementTree

import pytest
from psrpcore import PSRemotingCrypto
from psrpcore.types import deserialize_clixml

from bulkexo.sandbox.clixml import document
from tests.sandbox.helpers import Client, running

pytestmark = pytest.mark.anyio
ME = {"Identity": "mailbox3@contoso.onmicrosoft.com"}


def read(text: str) -> dict[str, Any]:
    """Property name to value."""
    (found,) = deserialize_clixml(text, PSRemotingCrypto())
    return {each.name: each.get_value(found) for each in found.PSObject.adapted_properties}


async def ask(client: Client, wanted: str | None) -> list[dict[str, Any]]:
    answer = await client.cmdlet("Get-Mailbox", ME, headers={"X-ResponseFormat": wanted})
    assert answer.body["@adminapi.warnings"] == []
    return answer.value


@pytest.mark.parametrize("wanted", ["clixml", "CliXml", None])
async def test_objects_come_as_clixml_unless_json_is_asked_for(wanted: str | None) -> None:
    async with running() as client:
        (plain,) = await ask(client, "json")
        (wrapped,) = await ask(client, wanted)
        assert wrapped.keys() == {"_clixml"}
        found = read(wrapped["_clixml"])
        assert found.keys() == {name for name in plain if "@" not in name}
        assert found["Alias"] == plain["Alias"]
        assert list(found["EmailAddresses"]) == plain["EmailAddresses"]
        assert str(found["Guid"]) == plain["Guid"]
        assert isinstance(uuid.UUID(str(found["Guid"])), uuid.UUID)
        assert found["AuditEnabled"] is True
        assert found["MailTip"] is None
        assert found["WhenCreated"].year == int(plain["WhenCreated"][:4])


async def test_each_item_of_a_batch_says_for_itself() -> None:
    async with running() as client:
        items = [client.item("json", "Get-Mailbox", ME), client.item("xml", "Get-Mailbox", ME)]
        items[1]["headers"]["X-ResponseFormat"] = "clixml"
        items.append(client.item("as the batch", "Get-Mailbox", ME))
        del items[2]["headers"]["X-ResponseFormat"]
        responses = await client.batch(items)
        shapes = {name: "_clixml" in response["body"]["value"][0] for name, response in responses.items()}
        assert shapes == {"json": False, "xml": True, "as the batch": False}


async def test_pages_and_errors_stay_what_they_are() -> None:
    async with running() as client:
        client.headers["X-ResponseFormat"] = "clixml"
        first = await client.cmdlet("Get-Mailbox", query="?$select=Alias")
        assert len(first.value) == 100
        second = await client.send(first.body["@odata.nextLink"], b"", method="GET")
        assert len({read(row["_clixml"])["Alias"] for row in first.value + second.value}) == 200
        assert (await client.cmdlet("Get-Mailbox", {"Identity": "no@x.y"})).error_type.startswith(
            "ManagementObject"
        )
        assert (
            await client.send(client.url("Mailbox('mailbox3@contoso.onmicrosoft.com')"), b"", method="GET")
        ).body["Name"]


@pytest.mark.parametrize(
    "value",
    ["", " a ", "a\r\nb\tc", "<&>\"'", "_x000A_", "_X41", "😀 \x00\x1f\x85\ufffe", "ß€", "\ud800", 7,
     -(1 << 40), 1.5, True, None, b"\x00\xff", ["a", "", "<"], [], {"a": {"b": ["c", 1]}, "_x": None}],
)  # fmt: skip
def test_any_value_survives(value: Any) -> None:
    text = document({"Name": "x", "P": value})
    ElementTree.fromstring(text.encode("utf-8"))
    assert plain(read(text)["P"]) == value


def plain(value: Any) -> Any:
    """psrpcore's types as Python's."""
    if isinstance(value, dict):
        return {str(key): plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, bool) or value is None:
        return value
    kinds: tuple[type, ...] = (bytes, int, float, str)
    return next(kind(value) for kind in kinds if isinstance(value, kind))
