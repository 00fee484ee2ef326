"""Items against their objects: what is read, and what would change."""

from __future__ import annotations

from typing import Any

import pytest

from bulkexo.compare import Assessed, Change, assess, moved, reading, references
from bulkexo.model import Item


def item(cmdlet: str, secrets: frozenset[str] = frozenset(), **parameters: Any) -> Item:
    identity = str(parameters.get("Identity", ""))
    return Item(3, 1, cmdlet, identity, parameters, {}, secrets=secrets)


ADA = {"Name": "Ada Lovelace", "PrimarySmtpAddress": "ada@contoso.com", "Alias": "ada"}
OBJECT: dict[str, Any] = {
    "CustomAttribute1": "CC-1",
    "HiddenFromAddressListsEnabled": False,
    "ProhibitSendQuota": "99 GB (106,300,440,576 bytes)",
    "EmailAddresses": ["SMTP:ada@contoso.com", "smtp:al@contoso.com"],
    "RecipientTypeDetails": "UserMailbox",
    "GrantSendOnBehalfTo": [],
    "IsDirSynced": False,
}


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ({"CustomAttribute1": "CC-1"}, Change.NONE),
        ({"CustomAttribute1": "CC-2"}, Change.CHANGE),
        ({"customattribute1": "CC-2"}, Change.CHANGE),
        ({"ProhibitSendQuota": "99GB", "HiddenFromAddressListsEnabled": False}, Change.NONE),
        ({"EmailAddresses": {"Add": ["smtp:AL@contoso.com"]}}, Change.NONE),
        ({"EmailAddresses": {"Add": ["smtp:new@contoso.com"]}}, Change.CHANGE),
        ({"Type": "Regular"}, Change.NONE),
        ({"Type": "Shared"}, Change.CHANGE),
        ({"Password": "geheim"}, Change.UNKNOWN),
        ({"Password": "geheim", "CustomAttribute1": "CC-2"}, Change.CHANGE),
        ({"Office": "not among what was shown"}, Change.UNKNOWN),
        ({}, Change.NONE),
        ({"Confirm": False, "Force": True}, Change.NONE),
    ],
)
def test_settings_of_a_mailbox(given: dict[str, Any], change: Change) -> None:
    asked = item("Set-Mailbox", frozenset({"Password"}) & given.keys(), Identity="ada", **given)
    assert assess(asked, [OBJECT]).change is change


def test_what_was_and_what_would_be() -> None:
    asked = item(
        "Set-Mailbox", Identity="ada", CustomAttribute1="CC-2", EmailAddresses={"Remove": "al@contoso.com"}
    )
    found = assess(asked, [OBJECT])
    assert found.before == {"CustomAttribute1": "CC-1", "EmailAddresses": OBJECT["EmailAddresses"]}
    assert found.after == {"CustomAttribute1": "CC-2", "EmailAddresses": ["SMTP:ada@contoso.com"]}


def test_a_secret_stands_nowhere() -> None:
    found = assess(item("Set-Mailbox", frozenset({"Password"}), Identity="ada", Password="geheim"), [OBJECT])
    assert "geheim" not in repr(found.before) + repr(found.after) + repr(found)


def test_no_object() -> None:
    assert assess(item("Set-Mailbox", Identity="ada", Office="x"), None).change is Change.MISSING
    assert assess(item("Set-Mailbox", Identity="ada", Office="x"), []).change is Change.MISSING
    assert assess(item("Remove-Mailbox", Identity="ada"), None).change is Change.MISSING
    assert assess(item("Remove-Mailbox", Identity="ada"), [OBJECT]).change is Change.REMOVE
    assert assess(item("New-Mailbox", Name="ada"), None).change is Change.CREATE
    assert assess(item("New-Mailbox", Name="ada"), [OBJECT]).change is Change.NONE
    assert assess(item("Get-Mailbox", Identity="ada"), None).change is Change.NONE
    assert assess(item("Start-ManagedFolderAssistant", Identity="ada"), None).change is Change.UNKNOWN


def test_mastered_on_premises() -> None:
    synced = {**OBJECT, "IsDirSynced": True}
    renamed = assess(item("Set-Mailbox", Identity="ada", CustomAttribute1="CC-2"), [synced])
    assert renamed.change is Change.ON_PREMISES
    assert "CustomAttribute1" in renamed.why
    assert (
        assess(item("Set-Mailbox", Identity="ada", CustomAttribute1="CC-1"), [synced]).change is Change.NONE
    )
    quota = item("Set-Mailbox", Identity="ada", ProhibitSendQuota="50GB")
    assert assess(quota, [synced]).change is Change.CHANGE
    assert assess(item("Remove-Mailbox", Identity="ada"), [synced]).change is Change.ON_PREMISES


def entry(*rights: str, **more: Any) -> dict[str, Any]:
    return {"User": "ada@contoso.com", "AccessRights": list(rights), "Deny": "False", **more}


@pytest.mark.parametrize(
    ("cmdlet", "rights", "found", "change", "after"),
    [
        ("Add-MailboxPermission", "FullAccess", [], Change.CHANGE, ["FullAccess"]),
        ("Add-MailboxPermission", "fullaccess", [entry("FullAccess")], Change.NONE, ["FullAccess"]),
        (
            "Add-MailboxPermission",
            "FullAccess",
            [entry("FullAccess", Deny="True")],
            Change.CHANGE,
            ["FullAccess"],
        ),
        ("Add-MailboxPermission", ["SendAs"], [entry("FullAccess")], Change.CHANGE, ["FullAccess", "SendAs"]),
        ("Remove-MailboxPermission", "FullAccess", [], Change.NONE, []),
        (
            "Remove-MailboxPermission",
            "FullAccess",
            [entry("FullAccess", "SendAs")],
            Change.CHANGE,
            ["SendAs"],
        ),
        ("Set-MailboxFolderPermission", "Reviewer", [entry("Editor")], Change.CHANGE, ["Reviewer"]),
        ("Set-MailboxFolderPermission", "Reviewer", [], Change.MISSING, None),
        ("Add-MailboxFolderPermission", "Reviewer", [entry("Editor")], Change.UNKNOWN, ["Reviewer"]),
        ("Remove-MailboxFolderPermission", None, [entry("Editor")], Change.CHANGE, []),
    ],
)
def test_permissions(cmdlet: str, rights: Any, found: list[Any], change: Change, after: Any) -> None:
    given = {"Identity": "bob:\\Calendar", "User": "ada"} | ({"AccessRights": rights} if rights else {})
    told = assess(item(cmdlet, **given), found)
    assert told.change is change
    assert told.after.get("AccessRights") == after


@pytest.mark.parametrize(
    ("cmdlet", "member", "whole", "change"),
    [
        ("Add-DistributionGroupMember", "ADA@contoso.com", True, Change.NONE),
        ("Add-DistributionGroupMember", "ada", False, Change.NONE),
        ("Add-DistributionGroupMember", "bob", True, Change.CHANGE),
        ("Add-DistributionGroupMember", "bob", False, Change.UNKNOWN),
        ("Remove-DistributionGroupMember", "ada", False, Change.CHANGE),
        ("Remove-DistributionGroupMember", "bob", True, Change.NONE),
        ("Remove-DistributionGroupMember", "bob", False, Change.UNKNOWN),
    ],
)
def test_members(cmdlet: str, member: str, whole: bool, change: Change) -> None:
    assert assess(item(cmdlet, Identity="g", Member=member), [ADA], whole=whole).change is change


def test_what_is_read() -> None:
    read = reading(item("Set-Mailbox", Identity="ada", Type="Shared", CustomAttribute1="x", Confirm=False))
    assert read is not None
    assert (read.cmdlet, read.parameters) == ("Get-Mailbox", {"Identity": "ada"})
    assert set(read.select) >= {"RecipientTypeDetails", "CustomAttribute1"}
    assert "Confirm" not in read.select
    assert reading(item("Get-Mailbox", Identity="ada")) is None
    assert reading(item("Start-ManagedFolderAssistant", Identity="ada")) is None
    permission = reading(
        item("Add-MailboxPermission", Identity="bob", User="ada", AccessRights=["FullAccess"])
    )
    assert permission is not None
    assert permission.parameters == {"Identity": "bob", "User": "ada"}


def test_names_of_others_are_found_at_any_depth() -> None:
    given: dict[str, Any] = {
        "GrantSendOnBehalfTo": {"Add": ["a", "b"], "Remove": "c"},
        "ForwardingAddress": "d",
        "Office": "e",
    }
    assert set(references(item("Set-Mailbox", Identity="ada", **given))) == {"a", "b", "c", "d"}


def test_what_has_moved_since() -> None:
    asked = item(
        "Set-Mailbox", Identity="ada", CustomAttribute1="CC-2", EmailAddresses={"Add": "x@contoso.com"}
    )
    now = assess(asked, [{**OBJECT, "EmailAddresses": list(reversed(OBJECT["EmailAddresses"]))}])
    assert moved({"CustomAttribute1": "CC-1", "EmailAddresses": OBJECT["EmailAddresses"]}, now) == []
    assert moved({"CustomAttribute1": "other"}, now) == ["CustomAttribute1"]
    assert moved({"CustomAttribute1": None}, assess(asked, [{**OBJECT, "CustomAttribute1": ""}])) == []
    assert moved({}, Assessed(Change.NONE)) == []
