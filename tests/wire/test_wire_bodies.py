"""What is sent of one cmdlet: body, notes of hashtables, how long to wait, whether twice is harmless."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from bulkexo.wire.cmdlets import cmdlet_input, repeatable, timeout, verb
from bulkexo.wire.notes import DEEPEST, without_notes

NOTE = {"@odata.type": "#Exchange.GenericHashTable"}


def parameters(cmdlet: str, **values: Any) -> Any:
    return cmdlet_input(cmdlet, values)["CmdletInput"]["Parameters"]


def test_a_body_is_a_cmdlet_input() -> None:
    assert cmdlet_input("Set-Mailbox", {"Identity": "a@b.c", "HiddenFromAddressListsEnabled": True}) == {
        "CmdletInput": {
            "CmdletName": "Set-Mailbox",
            "Parameters": {"Identity": "a@b.c", "HiddenFromAddressListsEnabled": True},
        }
    }


def test_no_parameters_are_an_empty_object_never_null() -> None:
    assert cmdlet_input("Get-OrganizationConfig", {})["CmdletInput"]["Parameters"] == {}


@pytest.mark.parametrize("value", [None, True, False, 0, -7, 2.5, "", "007", "ä§", [], ["a", None, 1]])
def test_plain_values_go_as_they_are(value: Any) -> None:
    sent = parameters("Set-User", Value=value)["Value"]
    assert sent == value
    assert type(sent) is type(value)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ({}, NOTE),
        ({"Add": "a", "Remove": ["b"]}, NOTE | {"Add": "a", "Remove": ["b"]}),
        ({"Add": {"Deep": {"Deeper": 1}}}, NOTE | {"Add": NOTE | {"Deep": NOTE | {"Deeper": 1}}}),
        ([{"a": 1}, [{"b": None}]], [NOTE | {"a": 1}, [NOTE | {"b": None}]]),
        (("a", {"b": 1}), ["a", NOTE | {"b": 1}]),
        (
            {"@odata.type": "#Exchange.ByteArrayType", "Data": [1, 2]},
            {"@odata.type": "#Exchange.ByteArrayType", "Data": [1, 2]},
        ),
    ],
)
def test_hashtables_carry_their_note_at_every_depth(value: Any, encoded: Any) -> None:
    assert parameters("Set-Mailbox", Value=value)["Value"] == encoded


def test_the_note_is_the_first_member() -> None:
    text = orjson.dumps(parameters("Set-Mailbox", EmailAddresses={"Add": ["x"], "Inner": {"a": 1}}))
    assert text.index(b'{"@odata.type"') == text.index(b'"EmailAddresses":') + len(b'"EmailAddresses":')
    assert text.index(b'"Inner":{"@odata.type"') > 0


def test_the_callers_values_are_left_alone() -> None:
    table = {"Add": ["x"]}
    parameters("Remove-Mailbox", Value=table)
    assert table == {"Add": ["x"]}


@pytest.mark.parametrize(
    "cmdlet",
    [
        "Remove-Mailbox",
        "REMOVE-mailbox",
        "Disable-Mailbox",
        "Clear-MobileDevice",
        "Suspend-MoveRequest",
        "Stop-MigrationBatch",
        "Delete-QuarantineMessage",
    ],
)
def test_destructive_cmdlets_are_sent_confirmed(cmdlet: str) -> None:
    assert parameters(cmdlet, Identity="x") == {"Identity": "x", "Confirm": False}


@pytest.mark.parametrize(
    "cmdlet",
    [
        "Set-Mailbox",
        "Get-Mailbox",
        "New-Mailbox",
        "Enable-Mailbox",
        "Remove-TenantAllowBlockListItems",
        "Remove-QuarantinePolicy",
        "Stop-HistoricalSearch",
    ],
)
def test_others_and_those_without_the_parameter_are_not(cmdlet: str) -> None:
    assert parameters(cmdlet, Identity="x") == {"Identity": "x"}


def test_a_given_confirm_stays() -> None:
    assert parameters("Remove-Mailbox", Confirm=True) == {"Confirm": True}


@pytest.mark.parametrize(
    ("cmdlet", "seconds"),
    [
        ("Set-Mailbox", 960.0),
        ("Set-OrganizationConfig", 1800.0),
        ("Update-RoleGroupMember", 1800.0),
        ("Get-DistributionGroupMember", 3600.0),
        ("Update-DistributionGroupMember", 3600.0),
        ("Set-UnifiedGroup", 3600.0),
        ("Import-TransportRuleCollection", 3600.0),
        ("SET-UNIFIEDGROUP", 3600.0),
    ],
)
def test_a_reply_is_awaited_longer_than_the_server_takes(cmdlet: str, seconds: float) -> None:
    assert timeout(cmdlet) == seconds


@pytest.mark.parametrize(
    "cmdlet",
    [
        "Get-Mailbox",
        "GET-MAILBOX",
        "Set-Mailbox",
        "Update-DistributionGroupMember",
        "Search-MailboxAuditLog",
        "Test-MAPIConnectivity",
        "Export-QuarantineMessage",
        "Preview-QuarantineMessage",
        "Validate-RetentionRuleQuery",
        "Check-PurviewConfig",
        "Update-eDiscoveryCaseAdmin",
    ],
)
def test_what_reads_or_puts_a_value_may_run_twice(cmdlet: str) -> None:
    assert repeatable(cmdlet)


@pytest.mark.parametrize(
    "verb_of_it",
    [
        "Add",
        "Cancel",
        "Clear",
        "Compare",
        "Complete",
        "Delete",
        "Disable",
        "Enable",
        "Execute",
        "Expedite",
        "Import",
        "Install",
        "Invoke",
        "New",
        "Release",
        "Remove",
        "Restore",
        "Resume",
        "Rotate",
        "Send",
        "Start",
        "Stop",
        "Suspend",
        "Undo",
        "Upgrade",
        "Write",
        "",
        "Getter",
        "NoSuchVerb",
    ],
)
def test_every_other_verb_may_not(verb_of_it: str) -> None:
    assert not repeatable(f"{verb_of_it}-Mailbox")


@pytest.mark.parametrize(
    "cmdlet", ["Test-Message", "Validate-OutboundConnector", "Compare-TextMessagingVerificationCode"]
)
def test_nor_may_what_sends_mail_or_uses_up_a_code(cmdlet: str) -> None:
    assert not repeatable(cmdlet)
    assert not repeatable(cmdlet.upper())


def test_the_verb_stands_before_the_first_hyphen() -> None:
    assert verb("Set-Mailbox-Odd") == "set"
    assert verb("Mailbox") == "mailbox"


def test_type_notes_are_left_out_at_every_depth() -> None:
    came = {
        "@odata.type": "#Exchange.Mailbox",
        "Name": "a@odata.type",
        "Guid@data.type": "System.Guid",
        "List@odata.type": "#Collection(String)",
        "List": [{"x@data.type": "y", "x": 1}, ["z", {"q@odata.type": 1}]],
        "@odata.id": "kept",
    }
    assert without_notes(came) == {
        "Name": "a@odata.type",
        "List": [{"x": 1}, ["z", {}]],
        "@odata.id": "kept",
    }
    assert "Guid@data.type" in came


@pytest.mark.parametrize("plain", [None, True, 3, "text@odata.type", [], {}])
def test_what_has_no_notes_stays(plain: Any) -> None:
    assert without_notes(plain) == plain


def test_a_value_too_deep_to_be_written_is_refused_within_the_interpreters_own_limit() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    assert orjson.dumps(without_notes(nested(DEEPEST)))
    with pytest.raises(RecursionError):
        without_notes(nested(DEEPEST + 2))
