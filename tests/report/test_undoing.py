"""What undoes one item: a table of what the run has left of it, and the lines that put it back."""

from __future__ import annotations

from typing import Any

import pytest

from bulkexo.report.undoing import Undone, undo

ADA = "ada@contoso.com"


def result(cmdlet: str, status: str = "succeeded", **members: Any) -> dict[str, Any]:
    return {
        "row": 1, "step": 1, "cmdlet": cmdlet, "identity": ADA, "status": status, "value": [], "warnings": [],
        "key": "k", **members,
    }  # fmt: skip


def undone(
    cmdlet: str,
    before: Any,
    status: str = "succeeded",
    twin: str = "Get-Mailbox",
    more: dict[str, Any] | None = None,
    **parameters: Any,
) -> Undone:
    kept = {
        "row": 1, "step": 1, "cmdlet": cmdlet, "identity": ADA, "key": "k", "twin": twin,
        "parameters": {"Identity": ADA, **parameters}, "before": before, **(more or {}),
    }  # fmt: skip
    return undo(result(cmdlet, status), kept, created=False)


def line(cmdlet: str, **parameters: Any) -> dict[str, Any]:
    return {"cmdlet": cmdlet, "parameters": {"Identity": ADA, **parameters}}


@pytest.mark.parametrize(
    ("parameters", "before", "back"),
    [
        ({"CustomAttribute1": "new"}, {"CustomAttribute1": "old"}, {"CustomAttribute1": "old"}),
        ({"CustomAttribute1": "new"}, {"CustomAttribute1": ""}, {"CustomAttribute1": None}),
        ({"Type": "Shared"}, {"RecipientTypeDetails": "UserMailbox"}, {"Type": "Regular"}),
        (
            {"GrantSendOnBehalfTo": {"Add": ["bob"]}},
            {"GrantSendOnBehalfTo": ["eve"]},
            {"GrantSendOnBehalfTo": ["eve"]},
        ),
        (
            {"EmailAddresses": {"Add": ["smtp:a@contoso.com"]}},
            {"EmailAddresses": ["SMTP:ada@contoso.com"], "Guid": "g"},
            {"EmailAddresses": ["SMTP:ada@contoso.com"]},
        ),
        (
            {"IssueWarningQuota": "1GB"},
            {"IssueWarningQuota": "Unlimited"},
            {"IssueWarningQuota": "Unlimited"},
        ),
    ],
)
def test_former_values_are_put_back(
    parameters: dict[str, Any], before: dict[str, Any], back: dict[str, Any]
) -> None:
    found = undone("Set-Mailbox", before, **parameters)
    assert found.lines == [line("Set-Mailbox", **back)]
    assert not found.left


def test_a_mailbox_that_was_renamed_is_found_by_its_guid_and_in_order() -> None:
    before = {"UserPrincipalName": ADA, "EmailAddresses": [f"SMTP:{ADA}"], "Guid": "g"}
    found = undone("Set-Mailbox", before, MicrosoftOnlineServicesID="eve@contoso.com")
    assert found.ordered
    assert [each["parameters"] for each in found.lines] == [
        {"Identity": "g", "MicrosoftOnlineServicesID": ADA},
        {"Identity": "g", "EmailAddresses": [f"SMTP:{ADA}"]},
    ]


@pytest.mark.parametrize(
    ("cmdlet", "status", "before", "parameters", "why"),
    [
        ("Set-Mailbox", "unknown", {}, {"CustomAttribute1": "x"}, "it is not known whether"),
        ("Set-Mailbox", "succeeded", None, {"CustomAttribute1": "x"}, "there was no such object"),
        ("Set-Mailbox", "succeeded", {}, {"CustomAttribute1": "x"}, "Get-Mailbox did not show it"),
        (
            "Set-Mailbox",
            "succeeded",
            {"RecipientTypeDetails": "LegacyMailbox"},
            {"Type": "Shared"},
            "its former value 'LegacyMailbox' cannot be set",
        ),
        (
            "Set-Mailbox",
            "succeeded",
            {"RecipientLimits": None},
            {"RecipientLimits": 5},
            "it had no value before",
        ),
    ],
)
def test_what_nothing_puts_back_is_said_with_why(
    cmdlet: str, status: str, before: Any, parameters: dict[str, Any], why: str
) -> None:
    found = undone(cmdlet, before, status, **parameters)
    assert not found.lines
    assert [reason.startswith(why) for _, reason in found.left] == [True]


def test_a_secret_is_listed_and_the_rest_put_back() -> None:
    found = undone(
        "Set-Mailbox", {"CustomAttribute1": "a"}, more={"secrets": ["Password"]}, CustomAttribute1="b"
    )
    assert found.lines == [line("Set-Mailbox", CustomAttribute1="a")]
    assert found.left == [("Password", "it is a secret, and was not kept")]


ACE = {"User": "bob", "Deny": "False", "IsInherited": False}


@pytest.mark.parametrize(
    ("cmdlet", "rights", "had", "back"),
    [
        ("Add-MailboxPermission", ["FullAccess"], [], ("Remove-MailboxPermission", ["FullAccess"])),
        (
            "Add-MailboxPermission",
            "FullAccess, ReadPermission",
            ["ReadPermission"],
            ("Remove-MailboxPermission", ["FullAccess"]),
        ),
        ("Add-MailboxPermission", ["FullAccess"], ["FullAccess"], None),
        (
            "Remove-MailboxPermission",
            ["FullAccess"],
            ["FullAccess"],
            ("Add-MailboxPermission", ["FullAccess"]),
        ),
        ("Remove-MailboxPermission", ["FullAccess"], ["ReadPermission"], None),
    ],
)
def test_rights_go_back_to_what_they_were(
    cmdlet: str, rights: Any, had: list[str], back: tuple[str, list[str]] | None
) -> None:
    before = [{**ACE, "AccessRights": had}] if had else []
    found = undone(cmdlet, before, twin="Get-MailboxPermission", User="bob", AccessRights=rights)
    lines = [(each["cmdlet"], each["parameters"]["AccessRights"]) for each in found.lines]
    assert lines == ([back] if back else [])


def test_what_was_there_already_is_not_taken_away() -> None:
    member = undone("Add-DistributionGroupMember", None, "unchanged", twin="", Member="bob")
    assert member == Undone()
    right = undone("Add-MailboxPermission", [], "unchanged", User="bob", AccessRights=["FullAccess"])
    assert right == Undone()


def test_a_member_that_a_lost_sending_may_not_have_added_is_left_to_a_person() -> None:
    kept = {"parameters": {"Identity": "group", "Member": "bob"}, "before": None, "twin": ""}
    said = result("Add-DistributionGroupMember", warnings=["bob is already a member of the group."])
    found = undo(said, kept, created=False)
    assert not found.lines
    assert "its answer was lost" in found.left[0][1]


def test_all_members_are_put_back_if_all_are_known() -> None:
    before = [{"Guid": "g1", "Name": "bob"}, {"PrimarySmtpAddress": "eve@contoso.com"}]
    found = undone(
        "Update-DistributionGroupMember", before, twin="Get-DistributionGroupMember", Members=["x"]
    )
    assert found.lines == [line("Update-DistributionGroupMember", Members=["g1", "eve@contoso.com"])]
    cut = undone(
        "Update-DistributionGroupMember",
        before,
        twin="Get-DistributionGroupMember",
        more={"whole": False},
        Members=["x"],
    )
    assert not cut.lines
    assert cut.left[0][0] == "Members"


def test_what_was_made_goes_only_if_it_is_said_so() -> None:
    made = result("New-DistributionGroup", value=[{"Guid": "g", "Name": "Project"}])
    kept = {"parameters": {"Name": "Project"}, "before": None, "twin": ""}
    assert undo(made, kept, created=False).left[0][1].endswith("--including-created removes it")
    found = undo(made, kept, created=True)
    assert found.lines == [{"cmdlet": "Remove-DistributionGroup", "parameters": {"Identity": "g"}}]
    assert found.ordered


def test_a_rule_that_was_enabled_is_disabled_unless_it_was_so_before() -> None:
    def of(state: bool) -> Undone:
        return undone("Enable-InboxRule", {"Enabled": state}, twin="Get-InboxRule", Mailbox=ADA)

    assert of(False).lines == [line("Disable-InboxRule", Mailbox=ADA)]
    assert of(True) == Undone()


@pytest.mark.parametrize(
    ("cmdlet", "status", "left"),
    [
        ("Get-Mailbox", "succeeded", 0),
        ("Set-Mailbox", "failed", 0),
        ("Set-Mailbox", "skipped", 0),
        ("Remove-Mailbox", "succeeded", 1),
        ("Start-ManagedFolderAssistant", "succeeded", 1),
        ("Set-Mailbox", "succeeded", 1),
        ("Add-MailboxPermission", "unknown", 1),
    ],
)
def test_without_what_was_kept_only_changes_are_listed(cmdlet: str, status: str, left: int) -> None:
    found = undo(result(cmdlet, status), None, created=False)
    assert not found.lines
    assert len(found.left) == left


def test_an_item_that_found_its_value_there_after_a_crash_is_put_back_all_the_same() -> None:
    """What was kept before the first sending is the truth, and `unchanged` only what the second one met."""
    back = undone("Set-Mailbox", {"CustomAttribute1": "old"}, "unchanged", CustomAttribute1="new")
    assert back.lines == [line("Set-Mailbox", CustomAttribute1="old")]
    same = undone("Set-Mailbox", {"CustomAttribute1": "new"}, "unchanged", CustomAttribute1="new")
    assert same == Undone()


@pytest.mark.parametrize("known", ["eve", {"Name": "eve", "DisplayName": "Eve"}])
def test_what_was_added_to_a_list_by_its_own_parameter_is_removed_by_the_other(known: Any) -> None:
    found = undone(
        "Set-RetentionCompliancePolicy",
        {"ExchangeLocation": [known]},
        twin="Get-RetentionCompliancePolicy",
        AddExchangeLocation=["bob", "Eve"],
    )
    assert found.lines == [line("Set-RetentionCompliancePolicy", RemoveExchangeLocation=["bob"])]


def test_the_tenant_of_an_item_goes_along() -> None:
    found = undone(
        "Set-Mailbox", {"CustomAttribute1": "a"}, more={"tenant": "fabrikam"}, CustomAttribute1="b"
    )
    assert found.lines[0]["tenant"] == "fabrikam"


def test_no_mark_is_put_where_a_secret_was() -> None:
    before = {"CustomAttribute1": "it is ***", "CustomAttribute2": "***", "Office": "A"}
    given = {"CustomAttribute1": "1", "CustomAttribute2": "2", "Office": "B"}
    found = undone("Set-Mailbox", before, more={"hidden": True}, **given)
    assert found.lines == [line("Set-Mailbox", Office="A")]
    why = "it had a secret in it, which is kept nowhere"
    assert found.left == [("CustomAttribute1", why), ("CustomAttribute2", why)]


def test_where_all_of_it_was_hidden_nothing_is_sent() -> None:
    found = undone("Set-Mailbox", {"Office": "***"}, more={"hidden": True}, Office="B")
    assert (found.lines, [name for name, _ in found.left]) == ([], ["Office"])


def test_stars_that_hide_nothing_are_put_back() -> None:
    found = undone("Set-Mailbox", {"Office": "***"}, Office="B")
    assert found.lines == [line("Set-Mailbox", Office="***")]
