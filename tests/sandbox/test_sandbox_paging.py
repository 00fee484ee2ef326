"""Pages: by POST and by GET, alone and in batches, bound to backend, anchor and cookie."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bulkexo.sandbox.engine import Call
from tests.sandbox.helpers import Answer, Bench, Client, body, running

pytestmark = pytest.mark.anyio
EXPIRED = (400, "Expired or Invalid pagination request")


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["error"]["message"]


async def follow(client: Client, link: str, method: str, cmdlet: dict[str, Any]) -> Answer:
    return await client.send(link, b"" if method == "GET" else cmdlet, method=method)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_link_is_good_for_both_methods(method: str) -> None:
    async with running(mailboxes=250) as client:
        cmdlet = body("Get-Mailbox", {"RecipientTypeDetails": ["UserMailbox"]})
        answer = await client.send(client.url("InvokeCommand") + "?$select=Alias", cmdlet)
        names = [row["Alias"] for row in answer.value]
        while link := answer.body.get("@odata.nextLink"):
            answer = await follow(client, link, method, cmdlet)
            assert all(row.keys() == {"Alias"} for row in answer.value)
            names += [row["Alias"] for row in answer.value]
        everyone = await client.cmdlet(
            "Get-Mailbox", {**cmdlet["CmdletInput"]["Parameters"], "ResultSize": "Unlimited"}
        )
        assert names == [row["Alias"] for row in everyone.value]


async def test_a_get_without_a_cursor_is_no_way_to_call() -> None:
    async with running() as client:
        assert (await client.send(client.url("InvokeCommand"), b"", method="GET")).status == 405
        lost = await client.send(client.url("InvokeCommand") + "?$skiptoken=nothing", b"", method="GET")
        assert refusal(lost) == EXPIRED


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_anchor_connection_and_cookie_stay_the_same(method: str) -> None:
    async with running() as client:
        cmdlet = body("Get-Mailbox")
        link = (await client.send(client.url("InvokeCommand"), cmdlet)).body["@odata.nextLink"]
        kept = dict(client.headers)
        for name in ("connection-id", "X-AnchorMailbox"):
            client.headers = {**kept, name: "UPN:another@contoso.com"}
            assert refusal(await follow(client, link, method, cmdlet)) == EXPIRED
        client.headers = kept
        assert (await follow(client, link, method, cmdlet)).status == 200
        client.session.cookie_jar.clear()
        assert refusal(await follow(client, link, method, cmdlet)) == EXPIRED
        client.session.cookie_jar.clear()
        client.headers = {**kept, "Cookie": "X-BackEndCookie=another"}
        assert refusal(await follow(client, link, method, cmdlet)) == EXPIRED
        # Whoever brings a cookie from the start is not given another.
        answer = await client.send(client.url("InvokeCommand"), cmdlet)
        assert "Set-Cookie" not in answer.headers
        assert (await follow(client, answer.body["@odata.nextLink"], method, cmdlet)).status == 200


async def test_pages_within_batches() -> None:
    async with running(mailboxes=250) as client:
        items = [client.item(str(number), "Get-Mailbox") for number in range(3)]
        for item in items:
            item["url"] += "?$select=Guid"
        seen: dict[str, list[str]] = {item["id"]: [] for item in items}
        rounds = 0
        while items:
            responses = await client.batch(items)
            for item in items:
                page = responses[item["id"]]["body"]
                seen[item["id"]] += [row["Guid"] for row in page["value"]]
                item["url"] = page.get("@odata.nextLink", "")
            items = [item for item in items if item["url"]]
            rounds += 1
        assert rounds == 3
        assert [len(set(guids)) for guids in seen.values()] == [250, 250, 250]


async def test_a_hint_that_leads_elsewhere_is_counted() -> None:
    me, you = "mailbox3@contoso.onmicrosoft.com", "mailbox4@contoso.onmicrosoft.com"
    async with running() as client:
        for anchor in (f"UPN:{me}", f"UPN:{you}", "APP:SystemMailbox{bb558c35}@tenant"):
            headers: dict[str, str | None] = {"parameter-based-routing": "true", "X-AnchorMailbox": anchor}
            answer = await client.cmdlet("Get-MailboxStatistics", {"Identity": me}, headers=headers)
            assert answer.status == 200
        right: dict[str, str | None] = {"parameter-based-routing": "true", "X-AnchorMailbox": f"UPN:{me}"}
        await client.cmdlet("Get-MailboxFolderPermission", {"Identity": me + ":\\Calendar"}, headers=right)
        await client.cmdlet(
            "Get-MailboxStatistics", {"Identity": me}, headers={"X-AnchorMailbox": f"UPN:{you}"}
        )
        assert (await client.stats())["misrouted_items"] == 2


@pytest.mark.parametrize(
    "parameters", [{}, {"SortBy": "DisplayName"}, {"Filter": "Office -like 'Dublin*'"}, {"SortBy": "City"}]
)
def test_a_large_tenant_is_not_built_anew_for_every_page(parameters: dict[str, Any]) -> None:
    """A page far into 20,000 mailboxes costs what the first one costs, not what all of them do."""
    bench = Bench(mailboxes=20_000)
    made: list[int] = []
    people, make = bench.engine.tenant.people, bench.engine.tenant.people.mailbox
    people.mailbox = lambda number: (made.append(number), make(number))[1]  # type: ignore[method-assign,func-returns-value]
    url, token, costs, seen = "https://h/adminapi/beta/t/InvokeCommand", None, [], 0
    for _ in range(12):
        made.clear()
        call = Call("", "Get-Mailbox", parameters, url, select=("Guid",), anchor="APP:x", cursor=token)
        answer = bench.engine.run(call, now=time.monotonic(), stamp="2026-01-01T00:00:00Z")
        seen += len(answer.body["value"])
        costs.append(len(made))
        token = answer.body["@odata.nextLink"].partition("skiptoken=")[2]
    assert seen == 1200
    assert max(costs[1:]) < 3000, costs
