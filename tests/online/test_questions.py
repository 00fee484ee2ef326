"""What a tenant is asked about an item, and what the answers mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkexo.facts import catalogue
from bulkexo.facts.subjects import SUBJECTS
from bulkexo.model import Failure, Item, Outcome, Status, Value
from bulkexo.online import Question, Questions, Want, finding

NOT_FOUND = Failure(
    "NotFound", "Microsoft.Exchange.ManagementObjectNotFoundException", "The object couldn't be found."
)
AMBIGUOUS = Failure("Client", "X.ManagementObjectAmbiguousException", "It matches multiple entries.")
FORBIDDEN = Failure("bulkexo:http-403", "", "The service refused Get-Mailbox.")


def item(
    cmdlet: str, identity: str = "ada@x.y", row: int = 1, step: int = 1, api: str = "", **more: Any
) -> Item:
    parameters = {"Identity": identity, **more} if identity else dict(more)
    return Item(row, step, cmdlet, identity, parameters, {}, api=api)


def asked(*items: Item) -> list[Question]:
    questions = Questions()
    return [each for one in items for each in questions.of(one)]


def told(*items: Item) -> list[tuple[str, str, str]]:
    return [(each.want.name, each.cmdlet, each.name) for each in asked(*items)]


@pytest.mark.parametrize(
    ("cmdlet", "identity", "more", "getter", "name"),
    [
        ("Set-Mailbox", "ada@x.y", {}, "Get-Mailbox", "ada@x.y"),
        ("Get-MailboxStatistics", "ada@x.y", {}, "Get-Mailbox", "ada@x.y"),
        ("Add-MailboxPermission", "ada@x.y", {}, "Get-Mailbox", "ada@x.y"),
        ("Get-EXOMailboxPermission", "ada@x.y", {}, "Get-Mailbox", "ada@x.y"),
        ("Set-MailboxFolderPermission", "ada@x.y:\\Calendar", {}, "Get-Mailbox", "ada@x.y"),
        ("Set-CASMailbox", "ada@x.y", {}, "Get-CASMailbox", "ada@x.y"),
        ("Set-CalendarProcessing", "room@x.y", {}, "Get-Mailbox", "room@x.y"),
        ("Add-DistributionGroupMember", "all@x.y", {}, "Get-DistributionGroup", "all@x.y"),
        ("Add-UnifiedGroupLinks", "all@x.y", {}, "Get-UnifiedGroup", "all@x.y"),
        ("Add-RecipientPermission", "ada@x.y", {}, "Get-Recipient", "ada@x.y"),
        ("Remove-InboxRule", "7", {"Mailbox": "ada@x.y"}, "Get-Mailbox", "ada@x.y"),
        ("Set-TransportRule", "a rule", {}, "Get-TransportRule", "a rule"),
        ("Set-MailboxPlan", "plan", {}, "Get-MailboxPlan", "plan"),
    ],
)
def test_whether_the_object_is_there(
    cmdlet: str, identity: str, more: dict[str, Any], getter: str, name: str
) -> None:
    assert told(item(cmdlet, identity, **more)) == [("THERE", getter, name)]


@pytest.mark.parametrize(
    "one", [item("Set-Wonder"), item("Set-OrganizationConfig", ""), item("Undo-SoftDeletedMailbox")]
)
def test_where_nobody_knows_how_to_ask(one: Item) -> None:
    assert told(one) == []


def test_the_subjects_can_be_asked_for() -> None:
    for getter in {*SUBJECTS.values(), "Get-Recipient"}:
        known = catalogue.cmdlet(getter)
        assert known is not None and known.parameter("Identity") is not None


def test_whether_what_is_to_be_new_is_free() -> None:
    new = item(
        "New-Mailbox", "", Name="Ada", MicrosoftOnlineServicesID="ada@x.y", PrimarySmtpAddress="ADA@x.y"
    )
    assert told(new) == [("FREE", "Get-Recipient", "ADA@x.y"), ("FREE", "Get-Recipient", "Ada")]
    rule = item("New-InboxRule", "", Name="r", Mailbox="ada@x.y")
    assert [(each.want, each.parameters) for each in asked(rule)] == [
        (Want.FREE, {"Identity": "r", "Mailbox": "ada@x.y"})
    ]
    assert told(item("New-TransportRule", "", Name="r")) == [("FREE", "Get-TransportRule", "r")]


def test_addresses_that_are_added() -> None:
    table: dict[str, Value] = {"Add": ["smtp:a@x.y", "X500:/o=x", "b@x.y"], "Remove": "c@x.y"}
    assert told(item("Set-Mailbox", EmailAddresses=table))[1:] == [
        ("FREE", "Get-Recipient", "a@x.y"),
        ("FREE", "Get-Recipient", "b@x.y"),
    ]
    assert told(item("Set-Mailbox", EmailAddresses={"add": "smtp:a@x.y"}))[1:] == [
        ("FREE", "Get-Recipient", "a@x.y")
    ]


def test_what_an_earlier_step_makes_is_not_looked_for() -> None:
    rows = [
        item("New-Mailbox", "", 1, 1, Name="ada"),
        item("Set-Mailbox", "ada", 1, 2),
        item("Set-Mailbox", "ada", 2, 1),
    ]
    assert told(*rows) == [("FREE", "Get-Recipient", "ada"), ("THERE", "Get-Mailbox", "ada")]


def test_what_another_step_makes_hides_no_other_object() -> None:
    rows = [item("New-MailContact", "", 1, 1, Name="bob"), item("Set-Mailbox", "ada", 1, 2)]
    assert told(*rows) == [("FREE", "Get-Recipient", "bob"), ("THERE", "Get-Mailbox", "ada")]


def test_a_row_asks_once() -> None:
    rows = [item("Get-MailboxStatistics", "ada", 1, 1), item("Get-MailboxPermission", "ADA", 1, 2)]
    assert len(asked(*rows)) == 1
    assert len(asked(*rows, item("Get-MailboxPermission", "ADA", 2, 1))) == 2


def test_v2_is_asked_by_its_own_endpoints_only() -> None:
    assert [each.about.api for each in asked(item("Set-Mailbox", api="v2.0"))] == ["v2.0"]
    assert told(item("Add-DistributionGroupMember", api="v2.0")) == []


@pytest.mark.parametrize(
    ("one", "names"),
    [
        (item("Set-Mailbox", CustomAttribute1="x", AuditEnabled=True), ("CustomAttribute1",)),
        (item("Set-Mailbox", AuditEnabled=True), ()),
        (item("Remove-DistributionGroup"), ("it",)),
        (item("Get-Mailbox", ResultSize=1), ()),
        (item("Set-CASMailbox", PopEnabled=True), ()),
        (item("Set-Mailbox", RejectMessagesFrom="x", ForwardingSmtpAddress="y"), ("RejectMessagesFrom",)),
        (item("Set-User", Department="x", EXOModuleEnabled=True), ("Department",)),
        (item("Add-DistributionGroupMember", Member="x"), ("Member",)),
        (item("Remove-DistributionGroupMember", Member="x"), ("it",)),
    ],
)
def test_what_is_changed_on_premises(one: Item, names: tuple[str, ...]) -> None:
    (found,) = asked(one)
    assert found.synced == names
    assert ("IsDirSynced" in found.select) == bool(names)


def test_secret_names_are_not_asked_about() -> None:
    new = Item(1, 1, "New-Mailbox", "", {"Name": "hunter2"}, {}, frozenset({"Name"}))
    assert asked(new) == []


def answer(question: Question, *value: Any, error: Failure | None = None) -> str:
    status = Status.FAILED if error else Status.SUCCEEDED
    outcome = Outcome(question.item(1), status, 1, 200, 0.0, 0.1, None, value=list(value), error=error)
    found = finding(question, outcome, "job.csv")
    return "" if found is None else str(found)


THERE = asked(item("Set-Mailbox", CustomAttribute1="x"))[0]
FREE = asked(Item(1, 1, "New-Mailbox", "Ada", {"Name": "Ada"}, {}))[0]
OWN = asked(item("Set-Mailbox", EmailAddresses={"Add": "smtp:new@x.y"}))[1]


@pytest.mark.parametrize(
    ("question", "value", "error", "said"),
    [
        (THERE, [{"IsDirSynced": False}], None, ""),
        (THERE, [{}], None, ""),
        (THERE, [], None, "'ada@x.y', which is not in the tenant"),
        (THERE, [], NOT_FOUND, "'ada@x.y', which is not in the tenant"),
        (THERE, [], AMBIGUOUS, "'ada@x.y' means more than one object"),
        (THERE, [], FORBIDDEN, "could not be looked up by Get-Mailbox: The service refused Get-Mailbox."),
        (
            THERE,
            [{"IsDirSynced": True}],
            None,
            "mastered on-premises, and CustomAttribute1 cannot be changed",
        ),
        (THERE, [{"IsDirSynced": "True"}], None, "mastered on-premises"),
        (FREE, [], NOT_FOUND, ""),
        (FREE, [], None, ""),
        (
            FREE,
            [{"RecipientTypeDetails": "UserMailbox"}],
            None,
            "'Ada', which another object (UserMailbox) in the tenant has",
        ),
        (FREE, [], AMBIGUOUS, "means more than one object"),
        (FREE, [], FORBIDDEN, "could not be looked up"),
        (OWN, [{"EmailAddresses": ["SMTP:Ada@x.y", "smtp:new@x.y"]}], None, ""),
        (OWN, [{"PrimarySmtpAddress": "ADA@x.y"}], None, ""),
        (
            OWN,
            [{"PrimarySmtpAddress": "bob@x.y", "EmailAddresses": None}],
            None,
            "'new@x.y', which another object in",
        ),
    ],
)
def test_answers(question: Question, value: list[Any], error: Failure | None, said: str) -> None:
    found = answer(question, *value, error=error)
    assert said in found
    assert bool(said) == bool(found)
    assert not found or found.startswith("job.csv, row 1: ")


def test_what_an_earlier_step_fills_in_is_not_asked_for() -> None:
    made = item("Set-Mailbox", EmailAddresses={"Add": "smtp:${steps.make.Alias}@x.y"})
    assert len(asked(made)) == 2
    assert [each.name for each in asked(replace(made, pending={"EmailAddresses": ()}))] == ["ada@x.y"]
    assert asked(replace(made, identity="", pending={"Identity": (), "EmailAddresses": ()})) == []
