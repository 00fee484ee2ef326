"""The wire, through real sockets and real TLS: `protocol.md`, "Request", "Reply" and "Second reading"."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import aiohttp
import pytest

from tests.sandbox.helpers import Client, body, running

pytestmark = pytest.mark.anyio
ME = {"Identity": "mailbox3@contoso.onmicrosoft.com"}


async def test_a_cmdlet_comes_back_with_everything_around_it() -> None:
    async with running() as client:
        answer = await client.cmdlet("Get-Mailbox", ME, query="?$select=Alias,Guid")
        assert list(answer.body) == [
            "@odata.context", "adminapi.warnings@odata.type", "@adminapi.warnings", "value",
        ]  # fmt: skip
        assert answer.body["@odata.context"].endswith("$metadata#Collection(Exchange.GenericHashTable)")
        assert answer.value[0].keys() == {"Alias", "Guid", "Guid@data.type"}
        assert answer.headers["X-CalculatedBETarget"].endswith(".prod.outlook.com")
        assert {"request-id", "Date"} <= answer.headers.keys()
        assert "Cmdlet-Name" not in answer.headers
        other = await client.cmdlet("Get-Mailbox", ME, headers={"connection-id": "two"})
        assert other.headers["X-CalculatedBETarget"] != answer.headers["X-CalculatedBETarget"]


async def test_the_tenant_is_known_by_its_guid_too_and_no_other_is() -> None:
    async with running() as client:
        url = client.url("InvokeCommand", tenant=client.served.tenant_id)
        assert (await client.send(url, body("Get-Mailbox", ME))).status == 200
        for other in ("fabrikam.onmicrosoft.com", "contoso.com"):
            answer = await client.send(client.url("InvokeCommand", tenant=other), body("Get-Mailbox", ME))
            assert answer.status == 403


@pytest.mark.parametrize(
    ("endpoint", "version", "method", "status"),
    [
        ("InvokeCommand", "v1.0", "POST", 405),
        ("InvokeCommand", "beta", "GET", 405),
        ("InvokeCommand", "v2.0", "POST", 404),
        ("Mailbox", "beta", "GET", 200),
        ("Mailbox", "v1.0", "GET", 200),
        ("Mailbox", "beta", "POST", 405),
        ("Nothing", "beta", "GET", 404),
        ("Mailbox", "v3.0", "GET", 404),
        ("invokecommand", "beta", "POST", 200),
    ],
)
async def test_endpoints(endpoint: str, version: str, method: str, status: int) -> None:
    async with running() as client:
        answer = await client.send(
            client.url(endpoint, version), body("Get-OrganizationConfig"), method=method
        )
        assert answer.status == status


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "parsing the body"),
        (b"[]", "not a JSON object"),
        (b"{}", "no CmdletInput"),
        (b'{"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": null}}', "can't be null"),
        (b'{"CmdletInput": {"CmdletName": "Get-Mailbox"}}', "can't be null"),
        (b'{"CmdletInput": {"CmdletName": 7, "Parameters": {}}}', "no CmdletInput"),
        (b'{"CmdletInput": {"CmdletName": "\xff"}}', "parsing the body"),
    ],
)
async def test_bodies_that_are_none(content: bytes, sentence: str) -> None:
    async with running() as client:
        answer = await client.send(client.url("InvokeCommand"), content)
        assert answer.status == 400
        assert sentence in answer.body["error"]["message"]


async def test_the_charset_has_to_be_said() -> None:
    async with running() as client:
        content = json.dumps(body("Set-User", {**ME, "City": "Köln"}), ensure_ascii=False).encode()
        refused = await client.send(
            client.url("InvokeCommand"), content, headers={"Content-Type": "application/json"}
        )
        assert refused.status == 400
        place = content.index(b"\xc3")
        assert refused.body["error"]["message"] == (
            f"Unable to translate bytes [C3] at index {place} from specified code page to Unicode."
        )
        escaped = json.dumps(body("Set-User", {**ME, "City": "Köln"})).encode()
        accepted = await client.send(
            client.url("InvokeCommand"), escaped, headers={"Content-Type": "application/json"}
        )
        assert accepted.status == 200
        assert (await client.cmdlet("Get-User", ME)).value[0]["City"] == "Köln"
        wrong = await client.send(
            client.url("InvokeCommand"), content, headers={"Content-Type": "text/plain"}
        )
        assert wrong.status == 415


async def test_nasty_values_arrive_byte_for_byte() -> None:
    values = ["\"'", "a\r\nb", "ß€😀\u0301", "00420", "=1+1", "${x}", "\u200b \t", "x" * 100_000, "\\u0000\\"]
    async with running() as client:
        for value in values:
            await client.cmdlet("Set-Mailbox", {**ME, "CustomAttribute9": value})
            (found,) = (await client.cmdlet("Get-Mailbox", ME)).value
            assert found["CustomAttribute9"] == value


async def test_an_unknown_cmdlet_is_403_with_nul_bytes_declared_as_gzip() -> None:
    async with running() as client:
        with pytest.raises(aiohttp.ClientPayloadError):
            await client.cmdlet("Get-Nothing")
        async with client.session.post(
            client.url("InvokeCommand"),
            json=body("Get-Nothing"),
            headers=client.headers,
            raise_for_status=False,
        ) as response:
            assert (response.status, response.headers["Content-Encoding"]) == (403, "gzip")


async def test_gzip_comes_to_who_asks_for_it() -> None:
    async with running() as client:
        plain = await client.cmdlet("Get-Mailbox", ME, headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        zipped = await client.cmdlet("Get-Mailbox", ME, headers={"Accept-Encoding": "gzip"})
        assert zipped.headers["Content-Encoding"] == "gzip"
        assert zipped.body == plain.body
        sent = gzip.compress(json.dumps(body("Get-Mailbox", ME)).encode())
        accepted = await client.send(client.url("InvokeCommand"), sent, headers={"Content-Encoding": "gzip"})
        assert accepted.status == 200


async def test_tokens_are_asked_for_and_expire() -> None:
    async with running(token_lifetime=1.0) as client:
        for bad in (None, "Bearer x", "Basic eDp5", "Bearer"):
            answer = await client.cmdlet("Get-Mailbox", ME, headers={"Authorization": bad})
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer client_id=")
    async with running(token_lifetime=0.0) as client:
        assert (await client.cmdlet("Get-Mailbox", ME)).status == 401
        assert (await client.send(client.url("$batch"), {"requests": []})).status == 401


async def test_a_batch_is_answered_by_id_in_any_order() -> None:
    async with running() as client:
        items = [client.item(f"row-{n}", "Get-Mailbox", {"Identity": f"mailbox{n}@contoso.onmicrosoft.com"})
                 for n in range(1, 11)]  # fmt: skip
        orders = set()
        for _ in range(4):
            responses = await client.batch(items)
            orders.add(tuple(responses))
            for number, item in enumerate(items, 1):
                (row,) = responses[item["id"]]["body"]["value"]
                assert row["Alias"].endswith(str(number))
        assert len(orders) > 1
        headers = responses["row-1"]["headers"]
        assert {"Content-Type", "request-id", "Cmdlet-Name"} <= headers.keys()


async def test_the_items_of_a_batch_fail_alone() -> None:
    async with running() as client:
        broken: list[tuple[dict[str, Any], int]] = [
            ({"method": "GET"}, 405),
            ({"url": client.url("Mailbox")}, 404),
            ({"url": ""}, 400),
            ({"url": "https://[bad/InvokeCommand"}, 404),
            ({"url": client.url("InvokeCommand", tenant="fabrikam.com")}, 403),
            ({"headers": {**client.headers, "Authorization": "Bearer old"}}, 401),
            ({"headers": {"Authorization": client.headers["Authorization"]}}, 415),
            ({"body": {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": None}}}, 400),
            ({"body": None}, 400),
        ]
        items = [{**client.item(str(i), "Get-Mailbox", ME), **change} for i, (change, _) in enumerate(broken)]
        items.append(client.item("good", "Get-Mailbox", ME))
        responses = await client.batch(items)
        assert [responses[str(i)]["status"] for i in range(len(broken))] == [status for _, status in broken]
        assert responses["good"]["status"] == 200
        assert "WWW-Authenticate" in responses["5"]["headers"]


async def test_cmdlet_errors_inside_a_batch() -> None:
    async with running() as client:
        items = [
            client.item("no", "Get-Mailbox", {"Identity": "x@y.z"}),
            client.item("unknown", "Get-Nothing"),
            client.item("bound", "Set-Mailbox", {**ME, "Colour": "red"}),
        ]
        responses = await client.batch(items)
        assert {key: response["status"] for key, response in responses.items()} == {
            "no": 404, "unknown": 403, "bound": 400,
        }  # fmt: skip
        assert responses["no"]["headers"]["x-ExceptionType"].endswith("ManagementObjectNotFoundException")
        assert responses["unknown"]["body"].strip("\0") == ""


async def test_the_charset_rule_holds_for_items_too() -> None:
    async with running() as client:
        item = client.item("1", "Set-User", {**ME, "City": "Köln"})
        item["headers"]["Content-Type"] = "application/json"
        response = (await client.batch([item]))["1"]
        assert response["status"] == 400
        assert "Unable to translate bytes [C3]" in response["body"]["error"]["message"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda items: items * 11, "at most 10"),
        (lambda items: [], "no requests"),
        (lambda items: items * 2, "have to be different"),
        (lambda items: [{**items[0], "id": 1}], "needs an id"),
        (lambda items: ["text"], "needs an id"),
    ],
    ids=["eleven", "none", "same id", "number as id", "no object"],
)
async def test_batches_that_are_none(change: Any, sentence: str) -> None:
    async with running() as client:
        items = change([client.item("1", "Get-Mailbox", ME)])
        answer = await client.send(client.url("$batch"), {"requests": items})
        assert answer.status == 400
        assert sentence in answer.body["error"]["message"]


async def test_a_batch_stops_at_an_error_unless_told_to_go_on() -> None:
    async with running(batch_parallel=1) as client:
        client.headers["Prefer"] = "odata.maxpagesize=10"
        items = [
            client.item(str(i), "Get-Mailbox", ME if i != 1 else {"Identity": "x@y.z"}) for i in range(4)
        ]
        assert set(await client.batch(items)) == {"0", "1"}
        assert len(await client.batch(items, {"Prefer": "odata.continue-on-error"})) == 4


async def test_without_accept_a_batch_comes_as_multipart() -> None:
    async with running() as client:
        items = [client.item("a", "Get-Mailbox", ME), client.item("b", "Get-Mailbox", {"Identity": "x@y.z"})]
        answer = await client.send(client.url("$batch"), {"requests": items}, headers={"Accept": None})
        kind = answer.headers["Content-Type"]
        assert kind.startswith("multipart/mixed; boundary=batchresponse_")
        parts = answer.body.split(f"--{kind.partition('=')[2]}".encode())
        assert len(parts) == 4
        by_id = {re.findall(rb"Content-ID: (\w)", part)[0]: part for part in parts[1:3]}
        assert b"HTTP/1.1 200 OK" in by_id[b"a"]
        assert b"HTTP/1.1 404 " in by_id[b"b"]
        assert json.loads(by_id[b"a"].rpartition(b"\r\n\r\n")[2])["value"][0]["Alias"] == "zlovelace3"


async def _pages(client: Client, first: Any) -> list[int]:
    sizes = [len(first.value)]
    answer = first
    while link := answer.body.get("@odata.nextLink"):
        answer = await client.send(link, body("Get-Mailbox"))
        sizes.append(len(answer.value))
    return sizes


@pytest.mark.parametrize(
    ("prefer", "sizes"),
    [(None, [100, 100, 50]), ("odata.maxpagesize=120", [120, 120, 10]), ("odata.maxpagesize=9999", [250])],
)
async def test_pages(prefer: str | None, sizes: list[int]) -> None:
    async with running(mailboxes=250) as client:
        client.headers["Prefer"] = prefer or ""
        first = await client.cmdlet("Get-Mailbox")
        assert await _pages(client, first) == sizes
        assert len(first.body["@adminapi.warnings"]) == (len(sizes) > 1)


async def test_unlimited_makes_warning_and_link_go_away() -> None:
    async with running(mailboxes=250) as client:
        answer = await client.cmdlet("Get-Mailbox", {"ResultSize": "Unlimited"})
        assert len(answer.value) == 250
        assert answer.body["@adminapi.warnings"] == []
        assert "@odata.nextLink" not in answer.body


async def test_result_size_counts_over_the_pages() -> None:
    async with running(mailboxes=250) as client:
        first = await client.cmdlet("Get-Mailbox", {"ResultSize": 150})
        last = await client.send(first.body["@odata.nextLink"], body("Get-Mailbox", {"ResultSize": 150}))
        assert (len(first.value), len(last.value)) == (100, 50)
        assert "@odata.nextLink" not in last.body


async def test_select_lasts_over_the_pages_and_no_object_comes_twice() -> None:
    async with running(mailboxes=250) as client:
        answer = await client.cmdlet("Get-Mailbox", query="?$select=Alias")
        seen = [row["Alias"] for row in answer.value]
        while link := answer.body.get("@odata.nextLink"):
            answer = await client.send(link, body("Get-Mailbox"))
            assert all(row.keys() == {"Alias"} for row in answer.value)
            seen += [row["Alias"] for row in answer.value]
        assert len(seen) == len(set(seen)) == 250


async def test_pages_inside_a_batch_go_on_inside_a_batch() -> None:
    async with running(mailboxes=250) as client:
        items = [client.item("all", "Get-Mailbox"), client.item("one", "Get-Mailbox", ME)]
        first = (await client.batch(items))["all"]["body"]
        follow = {**client.item("more", "Get-Mailbox"), "url": first["@odata.nextLink"]}
        second = (await client.batch([follow]))["more"]["body"]
        assert len(second["value"]) == 100
        assert second["value"][0]["Alias"] != first["value"][0]["Alias"]


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({"connection-id": "two"}, {}),
        ({"X-AnchorMailbox": "APP:other"}, {}),
        ({}, {"ResultSize": "Unlimited"}),
    ],
    ids=["another connection", "another anchor", "another body"],
)
async def test_a_cursor_is_tied_to_its_backend(
    changes: dict[str, str | None], parameters: dict[str, Any]
) -> None:
    async with running(mailboxes=250) as client:
        link = (await client.cmdlet("Get-Mailbox")).body["@odata.nextLink"]
        answer = await client.send(link, body("Get-Mailbox", parameters), headers=changes)
        assert answer.status == 400
        assert answer.body["error"]["message"] == "Expired or Invalid pagination request"
        assert (await client.send(link, body("Get-Mailbox"))).status == 200


async def test_cursors_expire_and_need_an_anchor() -> None:
    async with running(mailboxes=250, cursor_lifetime=0) as client:
        link = (await client.cmdlet("Get-Mailbox")).body["@odata.nextLink"]
        assert (await client.send(link, body("Get-Mailbox"))).status == 400
    async with running(mailboxes=250) as client:
        client.headers["X-AnchorMailbox"] = "contoso"
        link = (await client.cmdlet("Get-Mailbox")).body["@odata.nextLink"]
        assert (await client.send(link, body("Get-Mailbox"))).status == 400


async def test_both_loopback_addresses_have_the_certificate() -> None:
    async with running() as client:
        url = client.url("InvokeCommand").replace("localhost", "127.0.0.1")
        answer = await client.send(url, body("Get-OrganizationConfig"))
        assert answer.status == 200
        assert "127.0.0.1" in answer.body["@odata.context"]


async def test_without_the_ca_nobody_connects() -> None:
    async with running() as client, aiohttp.ClientSession() as stranger:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await stranger.get(client.served.endpoint)
