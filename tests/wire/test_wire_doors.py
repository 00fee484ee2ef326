"""Doors: which host and which kind of call an item takes, and the request that this makes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from bulkexo.model import Item, Value
from bulkexo.wire import Service, pack
from bulkexo.wire.doors import (
    COMPLIANCE,
    ENDPOINTS,
    INVOKE,
    REST,
    ROUTED,
    ROUTED_ALONE,
    V2,
    Door,
    Host,
    call,
    door,
    hosts,
    notice,
    routing_hint,
)

TENANT = "11111111-2222-3333-4444-555555555555"
SERVICE = Service("https://outlook.office365.com", TENANT, "APP:anchor", "run-guid")


def item(cmdlet: str, api: str = "", **parameters: Value) -> Item:
    return Item(1, 1, cmdlet, "", parameters, {}, api=api)


@pytest.mark.parametrize(
    ("what", "where"),
    [
        (item("Set-Mailbox", Identity="a"), INVOKE),
        (item("Get-ComplianceSearch", "compliance"), COMPLIANCE),
        (item("Get-Mailbox", "v2.0"), V2),
        (item("Get-EXOMailbox", Identity="a"), REST),
        (item("Get-EXOMailbox", Anr="a"), INVOKE),
        (item("Get-EXOMailboxFolderPermission", Identity="a"), INVOKE),
        (item("get-inboxrule", Mailbox="a", UseCustomRouting=True), ROUTED_ALONE),
        (item("Get-InboxRule", Mailbox="a", UseCustomRouting=False), INVOKE),
        (item("Get-InboxRule", Mailbox="a"), INVOKE),
        (item("Set-Mailbox", Identity="a", UseCustomRouting=True), INVOKE),
    ],
)
def test_the_door_of_an_item(what: Item, where: Door) -> None:
    assert door(what) == where
    assert call(what, "guid").door == where


def test_only_what_was_run_as_its_twin_says_so() -> None:
    twin = item("Get-EXOMailbox", Archive=True)
    assert "was run as Get-Mailbox" in notice(twin)
    assert not notice(replace(twin, api="compliance"))
    assert not notice(item("Get-EXOMailbox", Identity="a"))


def test_the_hosts_of_a_job() -> None:
    assert hosts({""}) == hosts({"v2.0"}) == (Host.EXCHANGE,)
    assert hosts({"compliance"}) == (Host.COMPLIANCE,)
    assert hosts({"compliance", ""}) == (Host.EXCHANGE, Host.COMPLIANCE)


@pytest.mark.parametrize(("cmdlet", "endpoint"), ENDPOINTS.items())
def test_v2(cmdlet: str, endpoint: str) -> None:
    request = pack(SERVICE, [call(item(cmdlet, "v2.0", Identity="a"), "guid")], "t")
    assert request.url == f"https://outlook.office365.com/adminapi/v2.0/{TENANT}/{endpoint}"
    assert request.method == "POST"
    assert orjson.loads(request.body)["CmdletInput"]["CmdletName"] == cmdlet
    assert request.headers["X-AnchorMailbox"] == "APP:anchor"


def test_v2_selects_and_follows_links() -> None:
    asked = call(replace(item("Get-Mailbox", "v2.0"), select=("Alias", "Guid")), "guid")
    assert pack(SERVICE, [asked], "t").url.endswith("/Mailbox?$select=Alias,Guid")
    assert pack(SERVICE, [replace(asked, link="https://x/y")], "t").url == "https://x/y"


@pytest.mark.parametrize(
    ("parameters", "hint"),
    [
        ({"Identity": "ada@contoso.com"}, "SMTP:ada@contoso.com"),
        ({"Identity": "ada@contoso.com:\\Calendar"}, "SMTP:ada@contoso.com"),
        ({"Identity": "7", "Mailbox": "ada@contoso.com"}, "SMTP:ada@contoso.com"),
        ({"Identity": TENANT}, f"MBX:{TENANT}@{TENANT}"),
        ({"Identity": "ada"}, ""),
        ({}, ""),
    ],
)
def test_the_anchor_that_a_parameter_names(parameters: dict[str, Value], hint: str) -> None:
    assert routing_hint(parameters, TENANT) == hint


@pytest.mark.parametrize("cmdlet", sorted(ROUTED))
def test_custom_routing_picks_the_anchor(cmdlet: str) -> None:
    asked = call(item(cmdlet, Identity="ada@contoso.com", UseCustomRouting=True), "guid")
    assert asked.door.alone
    request = pack(SERVICE, [asked], "t")
    assert request.url.endswith("/InvokeCommand")
    assert request.headers["X-AnchorMailbox"] == "SMTP:ada@contoso.com"
    assert request.headers["parameter-based-routing"] == "true"
    assert parameters_of(request.body)["Identity"] == "ada@contoso.com"
    assert "UseCustomRouting" not in parameters_of(request.body)


def test_without_an_address_the_anchor_of_the_run_serves() -> None:
    asked = call(item("Get-InboxRule", Mailbox="ada", UseCustomRouting=True), "guid")
    request = pack(SERVICE, [asked], "t")
    assert request.headers["X-AnchorMailbox"] == "APP:anchor"
    assert "parameter-based-routing" not in request.headers


def parameters_of(body: bytes) -> dict[str, Any]:
    found = orjson.loads(body)["CmdletInput"]["Parameters"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("cmdlet", ["Get-EXOMailbox", "Get-EXOMailboxFolderPermission", "Get-Mailbox"])
def test_a_secret_is_known_to_a_call_through_any_door(cmdlet: str) -> None:
    """The service quotes what it does not find."""
    what = replace(item(cmdlet, Identity="hunter22"), secrets=frozenset({"Identity"}))
    assert "hunter22" in call(what, "guid").hidden
