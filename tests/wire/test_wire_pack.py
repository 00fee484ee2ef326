"""Packing: which URL, which headers, which body, for one call, for ten, for the next page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from bulkexo.wire import Call, Request, Service, pack
from bulkexo.wire.message import app_anchor, user_anchor

TENANT = "11111111-2222-3333-4444-555555555555"
ANCHOR = f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT}"
SERVICE = Service("https://outlook.office365.com", TENANT, ANCHOR, "run-guid")
BASE = f"https://outlook.office365.com/adminapi/beta/{TENANT}"
FULL_SET = {
    "Authorization": "Bearer secret",
    "Content-Type": "application/json;charset=utf-8",
    "Accept": "application/json;odata.metadata=minimal",
    "Accept-Encoding": "gzip",
    "Accept-Language": "en-US",
    "X-AnchorMailbox": ANCHOR,
    "X-ResponseFormat": "json",
    "X-SerializationLevel": "Partial",
    "connection-id": "run-guid",
    "Prefer": "odata.maxpagesize=1000",
}


def calls(count: int) -> list[Call]:
    return [Call(f"guid-{n}", "Set-Mailbox", {"Identity": f"u{n}@b.c"}) for n in range(1, count + 1)]


def sent(request: Request) -> Any:
    return orjson.loads(request.body)


def test_anchors() -> None:
    assert app_anchor(TENANT) == ANCHOR
    assert user_anchor("ada@contoso.com") == "UPN:ada@contoso.com"


def test_a_lone_call_goes_to_invoke_command() -> None:
    request = pack(SERVICE, calls(1), "secret")
    assert request.url == f"{BASE}/InvokeCommand"
    assert sent(request) == {
        "CmdletInput": {"CmdletName": "Set-Mailbox", "Parameters": {"Identity": "u1@b.c"}}
    }
    assert request.headers == FULL_SET | {"client-request-id": "guid-1", "X-CmdletName": "Set-Mailbox"}


def test_the_body_is_utf8_and_says_so() -> None:
    request = pack(SERVICE, [Call("g", "Set-User", {"Notes": "§ Ünïcode 漢"})], "secret")
    assert "§ Ünïcode 漢".encode() in request.body
    assert request.headers["Content-Type"].endswith(";charset=utf-8")


@pytest.mark.parametrize("count", range(2, 11))
def test_more_go_to_batch_with_all_that_each_needs(count: int) -> None:
    request = pack(SERVICE, calls(count), "secret")
    assert request.url == f"{BASE}/$batch"
    assert request.headers == FULL_SET | {"Prefer": "odata.maxpagesize=1000;odata.continue-on-error"}
    requests = sent(request)["requests"]
    assert len(requests) == count
    assert len({part["id"] for part in requests}) == count
    for number, part in enumerate(requests, 1):
        own = {"client-request-id": f"guid-{number}", "X-CmdletName": "Set-Mailbox"}
        assert isinstance(part["id"], str)
        assert part["method"] == "POST"
        assert part["url"] == f"{BASE}/InvokeCommand"
        assert part["headers"] == FULL_SET | own
        assert part["body"]["CmdletInput"]["Parameters"] == {"Identity": f"u{number}@b.c"}


@pytest.mark.parametrize("count", [0, 11, 100])
def test_none_and_more_than_ten_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 10"):
        pack(SERVICE, calls(count), "secret")


def test_the_next_page_is_the_same_body_and_headers_at_the_link() -> None:
    first = pack(SERVICE, calls(1), "secret")
    following = pack(SERVICE, [replace(calls(1)[0], link=f"{BASE}/InvokeCommand?$skiptoken=x")], "secret")
    assert following == replace(first, url=f"{BASE}/InvokeCommand?$skiptoken=x")


def test_next_pages_may_travel_in_company() -> None:
    first, second, third = calls(3)
    batch = pack(SERVICE, [first, replace(second, link=f"{BASE}/page2"), third], "secret")
    urls = [part["url"] for part in sent(batch)["requests"]]
    assert urls == [f"{BASE}/InvokeCommand", f"{BASE}/page2", f"{BASE}/InvokeCommand"]
    assert sent(batch)["requests"][1]["body"]["CmdletInput"]["Parameters"] == {"Identity": "u2@b.c"}


def test_what_is_selected_stands_in_the_url() -> None:
    one, two = (replace(call, select=("UserPrincipalName", "Alias")) for call in calls(2))
    selecting = f"{BASE}/InvokeCommand?$select=UserPrincipalName,Alias"
    assert pack(SERVICE, [one], "secret").url == selecting
    batch = sent(pack(SERVICE, [one, *calls(1), two, replace(two, link=f"{BASE}/page2")], "secret"))
    assert [part["url"] for part in batch["requests"]] == [
        selecting,
        f"{BASE}/InvokeCommand",
        selecting,
        f"{BASE}/page2",
    ]


def test_a_batch_is_awaited_as_long_as_its_slowest_cmdlet() -> None:
    slow = Call("g", "Set-UnifiedGroup", {})
    assert pack(SERVICE, calls(1), "t").timeout == 960.0
    assert pack(SERVICE, [*calls(2), slow], "t").timeout == 3600.0
    assert pack(replace(SERVICE, timeout=5.0), [*calls(2), slow], "t").timeout == 5.0


def test_the_token_stands_in_headers_only() -> None:
    lone, batch = pack(SERVICE, calls(1), "secret"), pack(SERVICE, calls(2), "secret")
    assert b"secret" not in lone.body
    assert batch.body.count(b"secret") == batch.body.count(b'"Authorization":"Bearer secret"') == 2
    assert "secret" not in lone.url + batch.url
