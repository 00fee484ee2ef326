"""The REST-only cmdlets: the GET of each, and where the classic cmdlet stands in."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.model import Item
from bulkexo.wire import Action, Service, judge, pack
from bulkexo.wire.batch import Answer
from bulkexo.wire.doors import call, notice
from bulkexo.wire.rest import TABLE, Read, Twin, odata, property_sets, rest_only, translate

SERVICE = Service("https://outlook.office365.com", "tenant", "APP:anchor", "run-guid")


def read(cmdlet: str, *select: str, **parameters: Any) -> str:
    found = translate(cmdlet, parameters, select)
    assert isinstance(found, Read), found
    return found.path


def twin(cmdlet: str, *select: str, **parameters: Any) -> Twin:
    found = translate(cmdlet, parameters, select)
    assert isinstance(found, Twin), found
    return found


@pytest.mark.parametrize(
    ("cmdlet", "path"),
    [
        ("Get-EXOMailbox", "Mailbox('a@b.c')"),
        ("get-exorecipient", "Recipient('a@b.c')"),
        ("Get-EXOCasMailbox", "CasMailbox('a@b.c')"),
        ("Get-EXOMailboxPermission", "Mailbox('a@b.c')/MailboxPermission"),
        ("Get-EXORecipientPermission", "Recipient('a@b.c')/RecipientPermission"),
        ("Get-EXOMailboxStatistics", "Mailbox('a@b.c')/Exchange.GetMailboxStatistics()"),
        (
            "Get-EXOMailboxFolderStatistics",
            "Mailbox('a@b.c')/MailboxFolder/Exchange.GetMailboxFolderStatistics"
            "(folderscope=Exchange.ElcFolderType'All')",
        ),
        (
            "Get-EXOMobileDeviceStatistics",
            "Mailbox('a@b.c')/MobileDevice/Exchange.GetMobileDeviceStatistics()",
        ),
    ],
)
def test_each_by_the_name_of_its_mailbox(cmdlet: str, path: str) -> None:
    assert rest_only(cmdlet)
    assert read(cmdlet, UserPrincipalName="a@b.c") == path
    name = TABLE[cmdlet.lower()].names[0]
    assert read(cmdlet, **{name: "a@b.c"}) == path


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        ({}, ""),
        ({"ResultSize": "Unlimited"}, ""),
        ({"ResultSize": 50}, "?$top=50"),
        ({"PropertySets": "Archive,Custom"}, "?PropertySet=Archive,Custom"),
        ({"PropertySets": ["Archive", "Custom"]}, "?PropertySet=Archive,Custom"),
        ({"PropertySets": "All", "Properties": "Alias"}, "?PropertySet=All"),
        ({"Properties": "*"}, ""),
        ({"Filter": "Alias -eq 'a&b' -and -not(X -gt 5)"}, "?$filter=Alias eq 'a&b' and not(X gt 5)"),
        ({"Filter": "A eq 'x'", "ResultSize": "7"}, "?$filter=A eq 'x'&$top=7"),
    ],
)
def test_lists(parameters: dict[str, Any], query: str) -> None:
    path = read("Get-EXOMailbox", **parameters)
    assert unquote(path) == f"Mailbox{query}"
    assert path.isascii() and " " not in path


def test_properties_come_beside_the_set_minimum_and_select_means_no_others() -> None:
    sets = property_sets()["get-exomailbox"]
    wanted = read("Get-EXOMailbox", Properties=["Office", "Alias"]).partition("$select=")[2].split(",")
    assert wanted == [*sets["minimum"], "Office"]
    both = read("Get-EXOMailbox", Properties="Office", PropertySets="Archive")
    assert both.partition("$select=")[2].split(",") == [*sets["archive"], "Office"]
    assert read("Get-EXOMailbox", "Alias", "Guid") == "Mailbox?$select=Alias,Guid"


@given(st.text(min_size=1).filter(lambda text: text.encode("utf-8", "ignore").decode() == text))
def test_any_identity_can_be_read_back(name: str) -> None:
    path = read("Get-EXOMailbox", Identity=name)
    assert path.isascii() and path.isprintable() and " " not in path
    key = unquote(path.removeprefix("Mailbox('").partition("')")[0])
    if path.endswith("?IsEncoded=True"):
        key = base64.b64decode(key).decode()
    assert key == name


@pytest.mark.parametrize("name", ["o'hara@b.c", "a/b", "a?b", "ä@b.c", "a b", "{guid}", "a+b@c.d"])
def test_awkward_identities_go_in_base64(name: str) -> None:
    assert read("Get-EXOMailbox", Identity=name).endswith("?IsEncoded=True")


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "sent", "why"),
    [
        (
            "Get-EXOMailbox",
            {"Identity": "a", "Archive": True},
            {"Identity": "a", "Archive": True},
            "-Archive",
        ),
        ("Get-EXOMailbox", {"UserPrincipalName": "a", "Anr": "x"}, {"Identity": "a", "Anr": "x"}, "-Anr"),
        ("Get-EXOMailbox", {"Filter": "A -like 'x*'"}, {"Filter": "A -like 'x*'"}, "this -Filter"),
        ("Get-EXOMailbox", {"Filter": "A -eq 'True'"}, {"Filter": "A -eq 'True'"}, "this -Filter"),
        ("Get-EXOMailbox", {"Filter": "A -eq $null"}, {"Filter": "A -eq $null"}, "this -Filter"),
        ("Get-EXOMailboxPermission", {}, {}, "without a mailbox"),
        ("Get-EXOMailboxFolderPermission", {"Identity": "a:\\X"}, {"Identity": "a:\\X"}, "reads it"),
        ("Get-EXOMobileDeviceStatistics", {"Identity": "dev"}, {"Identity": "dev"}, "-Identity"),
        (
            "Get-EXOMobileDeviceStatistics",
            {"UserPrincipalName": "a", "ActiveSync": True},
            {"Mailbox": "a", "ActiveSync": True},
            "-ActiveSync",
        ),
    ],
)
def test_what_is_not_known_goes_by_the_classic_twin(
    cmdlet: str, parameters: dict[str, Any], sent: dict[str, Any], why: str
) -> None:
    found = twin(cmdlet, **parameters)
    assert found.cmdlet == TABLE[cmdlet.lower()].twin
    assert found.parameters == sent
    assert why in found.why
    item = Item(1, 1, cmdlet, "a", parameters, {})
    assert notice(item) == f"{cmdlet} was run as {found.cmdlet}: {found.why}."
    made = call(item, "guid")
    assert (made.cmdlet, made.parameters) == (found.cmdlet, sent)
    assert pack(SERVICE, [made], "t").url.startswith(
        "https://outlook.office365.com/adminapi/beta/tenant/InvokeC"
    )


def test_properties_cannot_leave_their_place_in_the_query() -> None:
    assert read("Get-EXOMailboxStatistics", Identity="a", Properties="x&$filter=y").endswith(
        "x%26%24filter%3Dy"
    )


def test_the_twin_selects_what_the_properties_say() -> None:
    found = twin("Get-EXOMailbox", "Guid", Anr="x", PropertySets="Archive", Properties="Office")
    assert found.select == (*property_sets()["get-exomailbox"]["archive"], "Office", "Guid")
    assert found.parameters == {"Anr": "x"}


def test_the_request_is_a_get_with_the_headers_of_all() -> None:
    made = call(Item(1, 1, "Get-EXOMailbox", "a@b.c", {"Identity": "a@b.c"}, {}), "guid")
    request = pack(SERVICE, [made], "secret")
    assert (request.method, request.body) == ("GET", b"")
    assert request.url == "https://outlook.office365.com/adminapi/beta/tenant/Mailbox('a@b.c')"
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["client-request-id"] == "guid"
    assert "Content-Type" not in request.headers
    following = pack(SERVICE, [replace(made, link="https://outlook.office365.com/next")], "secret")
    assert (following.method, following.url) == ("GET", "https://outlook.office365.com/next")


def test_an_entity_is_the_body_itself() -> None:
    body = {"@odata.context": "x", "@odata.id": "y", "@adminapi.warnings": [], "Alias": "ada", "value2": 1}
    verdict = judge(Answer(200, {}, body), "Get-EXOMailbox")
    assert verdict.action is Action.DONE
    assert verdict.value == [{"Alias": "ada", "value2": 1}]
    assert judge(Answer(200, {}, {"@odata.context": "x"}), "Get-EXOMailbox").value == []
    assert judge(Answer(200, {}, {"value": [{"a": 1}]}), "Get-EXOMailbox").value == [{"a": 1}]
    assert judge(Answer(200, {}, {"Alias": "ada"}), "Get-Mailbox").value == []


@given(st.text())
def test_a_filter_is_read_or_left_to_the_twin(text: str) -> None:
    found = odata(text)
    assert found is None or odata(found) == found


def test_every_property_set_has_properties() -> None:
    assert {"get-exomailbox", "get-exorecipient", "get-exocasmailbox", "get-exomailboxstatistics"} == set(
        property_sets()
    )
    assert all(names for sets in property_sets().values() for name, names in sets.items() if name != "all")
