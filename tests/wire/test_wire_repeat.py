"""What the service lets take effect once only, how it says so, and how else an effect is looked for."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bulkexo.model import Failure, Value
from bulkexo.wire.cmdlets import REPEATABLE, UNREPEATABLE, harm, repeatable
from bulkexo.wire.repeat import (
    BY_POSITION,
    CREATED,
    ENTRY,
    FOLDER,
    GONE,
    HARMLESS,
    MEMBER,
    Done,
    done_before,
    question,
)

TABLE = {
    "Add-DistributionGroupMember": MEMBER,
    "Add-RoleGroupMember": MEMBER,
    "Add-UnifiedGroupLinks": MEMBER,
    "Add-MailboxPermission": ENTRY,
    "Add-RecipientPermission": ENTRY,
    "Add-MailboxFolderPermission": FOLDER,
    "New-Mailbox": CREATED,
    "New-MailUser": CREATED,
    "New-MailContact": CREATED,
    "New-DistributionGroup": CREATED,
    "New-DynamicDistributionGroup": CREATED,
    "New-TransportRule": CREATED,
    "New-RoleGroup": CREATED,
    "New-AcceptedDomain": CREATED,
}

TEXTS = [
    (MEMBER, 'The recipient "a" is already a member of the group "g".'),
    (ENTRY, "The appropriate access control entry is already present on the object."),
    (FOLDER, "An existing permission entry was found for user: Bob."),
    (CREATED, 'The proxy address "smtp:a@b.c" is already being used by the proxy addresses of x.'),
    (CREATED, "The name 'a' is already in use. Please try another name."),
    (CREATED, "The object 'x' already exists."),
    (GONE, "The operation couldn't be performed because object 'a' couldn't be found on 'DC'."),
    (GONE, 'The recipient "a" isn\'t a member of the group "g".'),
    (GONE, "The appropriate access control entry isn't present on the object."),
    (GONE, "There is no existing permission entry found for user: Bob."),
]

TYPES = [
    (MEMBER, "MemberAlreadyExistsException"),
    (FOLDER, "UserAlreadyExistsInPermissionEntryException"),
    (CREATED, "ProxyAddressExistsException"),
    (CREATED, "WLCDManagedMemberExistsException"),
    (CREATED, "ObjectAlreadyExistsException"),
    (GONE, "ManagementObjectNotFoundException"),
    (GONE, "MemberNotFoundException"),
    (GONE, "UserNotFoundInPermissionEntryException"),
]

ROWS = (MEMBER, ENTRY, FOLDER, CREATED, GONE)


def test_the_table_is_this_one() -> None:
    assert dict(HARMLESS) == {name.lower(): done for name, done in TABLE.items()}


@pytest.mark.parametrize(("cmdlet", "done"), TABLE.items())
def test_a_cmdlet_of_the_table_in_any_case(cmdlet: str, done: Done) -> None:
    assert done_before(cmdlet) is done
    assert done_before(cmdlet.upper()) is done
    assert not repeatable(cmdlet)  # else it would not need to be there


@pytest.mark.parametrize(
    "cmdlet",
    ["Remove-Mailbox", "remove-distributiongroupmember", "Remove-MailboxPermission", "Remove-Nothing"],
)
def test_what_is_gone_cannot_be_removed_again(cmdlet: str) -> None:
    assert done_before(cmdlet) is GONE


def test_a_remove_by_position_or_period_may_hit_something_else() -> None:
    assert frozenset({"remove-inboxrule", "remove-calendarevents", "remove-transportrule"}) == BY_POSITION
    for cmdlet in ("Remove-InboxRule", "Remove-CalendarEvents", "REMOVE-TRANSPORTRULE"):
        assert done_before(cmdlet) is None


@pytest.mark.parametrize(
    "cmdlet",
    [
        "New-InboxRule",
        "New-UnifiedGroup",
        "New-MoveRequest",
        "Enable-Mailbox",
        "Disable-Mailbox",
        "Start-ManagedFolderAssistant",
        "Add-ManagementRoleEntry",
        "Undo-SoftDeletedMailbox",
        "Set-Mailbox",
    ],
)
def test_of_all_others_the_service_takes_no_care(cmdlet: str) -> None:
    assert done_before(cmdlet) is None


@pytest.mark.parametrize(("done", "text"), TEXTS)
def test_its_text_says_it_in_any_case_and_that_of_no_other_row(done: Done, text: str) -> None:
    for words in (text, text.upper()):
        said = [row for row in ROWS if row.said(Failure("Code", "System.Exception", words))]
        assert said == [done]


@pytest.mark.parametrize(("done", "kind"), TYPES)
def test_its_type_says_it_by_its_last_part(done: Done, kind: str) -> None:
    for name in (kind, f"Microsoft.Exchange.Tasks.{kind}"):
        assert [row for row in ROWS if row.said(Failure("Code", name, "Words."))] == [done]
    assert not done.said(Failure("Code", f"{kind}.Other", "Words."))


OTHERS = [
    Failure("Forbidden", "", "You do not have access."),
    Failure("BadRequest", "System.ArgumentException", "The value is bad."),
    Failure("Code", "Microsoft.Exchange.ManagementObjectAmbiguousException", "It matches multiple entries."),
    Failure("ManagementObjectNotFoundException", "", "Its type stands in the wrong place."),
    Failure("", "", ""),
]


@pytest.mark.parametrize("failure", OTHERS)
def test_other_errors_say_nothing_of_it(failure: Failure) -> None:
    assert not any(row.said(failure) for row in ROWS)


def test_each_row_has_its_reason() -> None:
    assert len({row.why for row in ROWS}) == len(ROWS)
    assert all(row.why and not row.why.endswith(".") for row in ROWS)


QUESTIONS: list[tuple[str, Mapping[str, Value], Mapping[str, Value]]] = [
    ("New-Mailbox", {"Name": "Ada", "Shared": True}, {"Identity": "Ada"}),
    ("New-Mailbox", {"Name": "Ada", "PrimarySmtpAddress": "ada@x.y"}, {"Identity": "ada@x.y"}),
    (
        "New-Mailbox",
        {"PrimarySmtpAddress": "a@x.y", "MicrosoftOnlineServicesID": "b@x.y"},
        {"Identity": "b@x.y"},
    ),
    ("New-MailUser", {"MicrosoftOnlineServicesID": "b@x.y", "UserPrincipalName": "c"}, {"Identity": "c"}),
    ("New-MoveRequest", {"Identity": "ada", "Name": "other"}, {"Identity": "ada"}),
    ("New-InboxRule", {"Name": "Rule 1", "Mailbox": "ada"}, {"Identity": "Rule 1", "Mailbox": "ada"}),
    ("New-InboxRule", {"Mailbox": "ada", "Name": "Rule 1"}, {"Identity": "Rule 1", "Mailbox": "ada"}),
    ("NEW-InboxRule", {"Name": "Rule 1"}, {"Identity": "Rule 1"}),
]


@pytest.mark.parametrize(("cmdlet", "parameters", "asked"), QUESTIONS)
def test_a_new_object_is_asked_for_by_its_own_name(
    cmdlet: str, parameters: Mapping[str, Value], asked: Mapping[str, Value]
) -> None:
    identity = str(parameters.get("Mailbox", next(iter(parameters.values()))))
    noun = cmdlet.partition("-")[2]
    assert question(cmdlet, identity, parameters) == (f"Get-{noun}", asked)


@pytest.mark.parametrize(
    ("cmdlet", "identity", "parameters"),
    [
        ("New-MailboxImportRequest", "ada", {"Mailbox": "ada"}),  # the mailbox was there before
        ("New-Thing", "", {}),
        ("New-Thing", "", {"Name": ""}),
        ("Add-MailboxPermission", "ada", {"Identity": "ada"}),
        ("Enable-Mailbox", "ada", {"Identity": "ada"}),
        ("Remove-CalendarEvents", "ada", {"Identity": "ada"}),
        ("Start-MailboxSearch", "s", {"Identity": "s"}),
        ("Newer-Mailbox", "ada", {"Name": "ada"}),
    ],
)
def test_where_no_question_shows_the_effect(
    cmdlet: str, identity: str, parameters: Mapping[str, Value]
) -> None:
    assert question(cmdlet, identity, parameters) is None


def test_a_name_under_another_parameter_is_the_items_identity() -> None:
    assert question("New-Thing", "ada", {"Title": "ada"}) == ("Get-Thing", {"Identity": "ada"})


@pytest.mark.parametrize(
    ("cmdlet", "told"),
    [
        ("New-InboxRule", "it can make a second object"),
        ("start-MoveRequest", "it can start the same once more"),
        ("Test-Message", "it sends once more"),
        ("Expedite-Delicensing", "what it does a second time is not known"),
    ],
)
def test_what_a_second_sending_can_do(cmdlet: str, told: str) -> None:
    assert harm(cmdlet) == told


def test_no_verb_is_both_harmless_and_harmful() -> None:
    assert not set(REPEATABLE) & set(UNREPEATABLE)
