"""What Set- writes, Get- returns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.helpers import Bench, error_of, warnings_of

ME = "mailbox3@contoso.onmicrosoft.com"
YOU = "mailbox4@contoso.onmicrosoft.com"
GROUP = "group1@contoso.onmicrosoft.com"
HASH = "#Exchange.GenericHashTable"


@pytest.mark.parametrize(
    ("setter", "getter", "parameters", "seen"),
    [
        ("Set-Mailbox", "Get-Mailbox", {"CustomAttribute1": "ß 😀 \"'\n= 007"}, {}),
        ("Set-Mailbox", "Get-Mailbox", {"MailTip": None, "CustomAttribute2": ""}, {}),
        ("Set-Mailbox", "Get-Mailbox", {"HiddenFromAddressListsEnabled": True}, {}),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"ProhibitSendQuota": "49.5GB"},
            {"ProhibitSendQuota": "49.5 GB (53,150,220,288 bytes)"},
        ),
        ("Set-Mailbox", "Get-Mailbox", {"ProhibitSendQuota": "99 GB (106,300,440,576 bytes)"}, {}),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"IssueWarningQuota": "unlimited"},
            {"IssueWarningQuota": "Unlimited"},
        ),
        ("Set-Mailbox", "Get-Mailbox", {"RecipientLimits": 1000}, {"RecipientLimits": "1000"}),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"RetainDeletedItemsFor": "30"},
            {"RetainDeletedItemsFor": "30.00:00:00"},
        ),
        ("Set-Mailbox", "Get-Mailbox", {"RetainDeletedItemsFor": "21.00:00:00"}, {}),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"LitigationHoldDuration": "365"},
            {"LitigationHoldDuration": "365.00:00:00"},
        ),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"StartDateForRetentionHold": "2026-05-01T10:00:00"},
            {"StartDateForRetentionHold": "2026-05-01T10:00:00Z"},
        ),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"StartDateForRetentionHold": "2026-05-01T10:00:00+02:00"},
            {"StartDateForRetentionHold": "2026-05-01T08:00:00Z"},
        ),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"Type": "Shared"},
            {"RecipientTypeDetails": "SharedMailbox", "IsShared": True},
        ),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"ForwardingSmtpAddress": "a@example.org"},
            {"ForwardingSmtpAddress": "smtp:a@example.org"},
        ),
        ("Set-Mailbox", "Get-Mailbox", {"ForwardingAddress": YOU}, {"ForwardingAddress": "kokafor4"}),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"GrantSendOnBehalfTo": [YOU, GROUP]},
            {"GrantSendOnBehalfTo": ["kokafor4", "IT Group 1"]},
        ),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"ExtensionCustomAttribute1": ["a", "b", "a"]},
            {"ExtensionCustomAttribute1": ["a", "b"]},
        ),
        (
            "Set-Mailbox",
            "Get-Mailbox",
            {"MicrosoftOnlineServicesID": "z@contoso.com"},
            {"UserPrincipalName": "z@contoso.com"},
        ),
        ("Set-Mailbox", "Get-Mailbox", {"SharingPolicy": "Strict", "Languages": ["de-DE"]}, {}),
        ("Set-CASMailbox", "Get-CASMailbox", {"PopEnabled": False, "ActiveSyncAllowedDeviceIDs": ["x"]}, {}),
        ("Set-CASMailbox", "Get-CASMailbox", {"SmtpClientAuthenticationDisabled": True}, {}),
        ("Set-CASMailbox", "Get-CASMailbox", {"PopMessagesRetrievalMimeFormat": "TextOnly"}, {}),
        (
            "Set-User",
            "Get-User",
            {"Department": "Größen", "Manager": YOU, "SeniorityIndex": 3},
            {"Manager": "kokafor4"},
        ),
        ("Set-User", "Get-Recipient", {"Department": "X", "FirstName": "Zoë"}, {}),
    ],
)
def test_what_set_writes_get_returns(
    bench: Bench, setter: str, getter: str, parameters: dict[str, Any], seen: dict[str, Any]
) -> None:
    if "HiddenFromAddressListsEnabled" in parameters:
        assert warnings_of(bench(setter, Identity=ME, HiddenFromAddressListsEnabled=False)) != []
    bench(setter, Identity=ME, CustomAttribute2="before") if setter == "Set-Mailbox" else None
    assert bench(setter, Identity=ME, **parameters).status == 200
    found = bench.get(getter, ME)
    wanted = seen or parameters
    assert {name: found[name] for name in wanted} == wanted


def test_email_addresses(bench: Bench) -> None:
    primary = "SMTP:zofia.lovelace3@contoso.com"

    def edit(value: object) -> list[str]:
        reply = bench("Set-Mailbox", Identity=ME, EmailAddresses=value)
        assert reply.status == 200, reply.body
        found: list[str] = bench.get("Get-Mailbox", ME)["EmailAddresses"]
        return found

    start = bench.get("Get-Mailbox", ME)["EmailAddresses"]
    added = edit({"@odata.type": HASH, "Add": ["a@contoso.com", "sip:z@contoso.com"]})
    assert added == [*start, "smtp:a@contoso.com", "sip:z@contoso.com"]
    assert edit({"@odata.type": HASH, "add": "SMTP:A@contoso.com"})[:2] == [
        "SMTP:A@contoso.com",
        primary.replace("SMTP", "smtp"),
    ]
    assert bench.get("Get-Mailbox", ME)["PrimarySmtpAddress"] == "A@contoso.com"
    removed = edit(
        {"@odata.type": HASH, "Remove": ["smtp:ZOFIA.lovelace3@contoso.com", "sip:none@contoso.com"]}
    )
    assert not any("zofia" in address for address in removed)
    bench("Set-Mailbox", Identity=ME, WindowsEmailAddress="w@contoso.com")
    assert "smtp:A@contoso.com" in bench.get("Get-Mailbox", ME)["EmailAddresses"]
    assert edit(["b@contoso.com", "smtp:" + ME]) == ["SMTP:b@contoso.com", "smtp:" + ME]
    reply = bench("Set-Mailbox", Identity=ME, EmailAddresses={"@odata.type": HASH, "Remove": "b@contoso.com"})
    assert error_of(reply)[1] == "ValidationException"


def test_an_address_that_is_there_or_not_there_changes_nothing(bench: Bench) -> None:
    for edit in ({"Add": "SMTP:zofia.lovelace3@contoso.com"}, {"Remove": "smtp:x@contoso.com"}, {}):
        value = {"@odata.type": HASH, **edit}
        assert len(warnings_of(bench("Set-Mailbox", Identity=ME, EmailAddresses=value))) == 1


def test_lists_take_hashtables(bench: Bench) -> None:
    bench("Set-Mailbox", Identity=ME, ExtensionCustomAttribute1=["a", "b"])
    bench(
        "Set-Mailbox",
        Identity=ME,
        ExtensionCustomAttribute1={"@odata.type": HASH, "Add": ["c", "A"], "Remove": "b"},
    )
    assert bench.get("Get-Mailbox", ME)["ExtensionCustomAttribute1"] == ["a", "c"]
    bench("Set-Mailbox", Identity=ME, ExtensionCustomAttribute1=None)
    assert bench.get("Get-Mailbox", ME)["ExtensionCustomAttribute1"] == []
