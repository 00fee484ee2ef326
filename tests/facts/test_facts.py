"""The tables of facts against the catalogue, and the answers for the cmdlets that bulk jobs use most."""

from __future__ import annotations

import pytest

from bulkexo.facts import (
    Edit,
    Shape,
    Way,
    catalogue,
    destroys,
    effects,
    identity_names,
    identity_parameter,
    inverse,
    inverses,
    irreversible,
    mastered,
    names_object,
    naming,
    needs_identity,
    shows,
    states,
    subject,
    subjects,
    twin,
)
from bulkexo.wire.repeat import done_before

ALL = catalogue.names()
PAIRS = [
    *effects.BY_PARAMETER,
    *shows.OTHERWISE,
    *shows.SHOWN_SWITCHES,
    *shows.UNSEEN,
    *inverses.NOT_WITH,
    *naming.NAMED_BY.items(),
]
"""Cmdlets and parameters, as the tables have them."""


def test_every_row_of_the_tables_is_about_a_cmdlet_and_a_parameter_that_exist() -> None:
    names = {*naming.NEEDED, *effects.DESTROYS, *effects.REMOVES_AN_ENTRY, *states.STATES}
    assert {name for name in names if catalogue.cmdlet(name) is None} == set()
    for cmdlet, parameter in PAIRS:
        known = catalogue.cmdlet(cmdlet)
        assert known
        assert known.parameter(parameter), (cmdlet, parameter)


def test_getters_of_subjects_show_one_object() -> None:
    for name in subjects.SUBJECTS.values():
        known = catalogue.cmdlet(name)
        assert known
        assert known.parameter("Identity")


def test_every_twin_is_a_read_that_takes_what_it_is_given() -> None:
    found = {name: shown for name in ALL if (shown := twin(name))}
    assert len(found) > 350
    for name, shown in found.items():
        getter, own = catalogue.cmdlet(shown.cmdlet), catalogue.cmdlet(name)
        assert getter and own
        assert getter.name.startswith("Get-")
        assert all(getter.parameter(each) for each in (shown.identity, *shown.also) if each), name
        assert all(own.parameter(each) for each in (shown.source, *shown.also.values()) if each), name
        needed = {each.name for each in getter.parameters if each.required}
        assert needed <= {shown.identity, *shown.also}, name


def test_every_inverse_takes_what_it_is_given_and_is_undone_in_turn() -> None:
    found = {name: undoes for name in ALL if (undoes := inverse(name))}
    assert len(found) > 350
    for name, undoes in found.items():
        own, other = catalogue.cmdlet(name), catalogue.cmdlet(undoes.cmdlet)
        assert own and other
        assert all(own.parameter(each) for each in undoes.parameters.values()), name
        assert all(other.parameter(each) for each in (*undoes.parameters, *undoes.before)), name
        if undoes.way is not Way.CREATED:
            back = inverse(undoes.cmdlet)
            assert back
            assert back.cmdlet == name
    assert not any(irreversible(name) for name in found)
    assert all(irreversible(name) for name in ALL if name not in found)


def test_an_inverse_gives_all_that_is_required_or_says_where_it_comes_from() -> None:
    for name in ALL:
        undoes = inverse(name)
        if undoes and undoes.way is Way.OPPOSITE:
            other = catalogue.cmdlet(undoes.cmdlet)
            assert other
            needed = {each.name for each in other.parameters if each.required}
            assert needed <= {*undoes.parameters, *undoes.before}, name


@pytest.mark.parametrize(
    ("cmdlet", "getter", "also", "shape"),
    [
        ("Set-Mailbox", "Get-Mailbox", {"GroupMailbox", "PublicFolder"}, Shape.OBJECT),
        ("set-casmailbox", "Get-CASMailbox", set(), Shape.OBJECT),
        ("Set-User", "Get-User", {"PublicFolder"}, Shape.OBJECT),
        ("Set-CalendarProcessing", "Get-CalendarProcessing", set(), Shape.OBJECT),
        ("Add-MailboxPermission", "Get-MailboxPermission", {"User", "GroupMailbox"}, Shape.ENTRIES),
        ("Remove-RecipientPermission", "Get-RecipientPermission", {"Trustee"}, Shape.ENTRIES),
        ("Set-MailboxFolderPermission", "Get-MailboxFolderPermission", {"User"}, Shape.ENTRIES),
        ("Add-DistributionGroupMember", "Get-DistributionGroupMember", set(), Shape.MEMBERS),
        ("Add-UnifiedGroupLinks", "Get-UnifiedGroupLinks", {"LinkType"}, Shape.MEMBERS),
        ("Disable-InboxRule", "Get-InboxRule", {"Mailbox"}, Shape.OBJECT),
    ],
)
def test_the_twin(cmdlet: str, getter: str, also: set[str], shape: Shape) -> None:
    found = twin(cmdlet)
    assert found
    assert (found.cmdlet, set(found.also), found.shape) == (getter, also, shape)


def test_the_question_takes_over_what_it_needs() -> None:
    adds = twin("Add-MailboxPermission")
    assert adds
    given = {"Identity": "sales@contoso.com", "User": "ada@contoso.com", "AccessRights": ["FullAccess"]}
    assert adds.question(given) == {"Identity": "sales@contoso.com", "User": "ada@contoso.com"}
    assert adds.question({"User": "ada@contoso.com"}) is None
    assert adds.question({"Identity": "sales@contoso.com", "Owner": "ada"}) is None
    tenant = twin("Set-OrganizationConfig")
    assert tenant
    assert tenant.question({"MailTipsAllTipsEnabled": True}) == {}


@pytest.mark.parametrize(
    "cmdlet", ["Get-Mailbox", "Set-Nothing", "New-Mailbox", "Set-TenantAllowBlockListItems"]
)
def test_no_twin(cmdlet: str) -> None:
    assert twin(cmdlet) is None


def test_where_a_value_is_seen() -> None:
    mailbox = twin("Set-Mailbox")
    assert mailbox
    kind = mailbox.shown("type")
    assert kind
    assert (kind.property, kind.spelled["SharedMailbox"]) == ("RecipientTypeDetails", "Shared")
    quota = mailbox.shown("ProhibitSendQuota")
    assert quota
    assert (quota.property, quota.edit) == ("ProhibitSendQuota", Edit.PUT)
    assert mailbox.shown("Password") is None
    assert mailbox.shown("RemoveDelayHoldApplied") is None
    assert mailbox.steers("Identity")
    assert mailbox.steers("force")
    assert not mailbox.steers("CustomAttribute1")
    assert mailbox.properties(["Identity", "Type", "Password", "Alias"]) == ("RecipientTypeDetails", "Alias")


def test_what_adds_to_a_list_is_seen_in_the_list() -> None:
    hold = twin("Set-RetentionCompliancePolicy")
    assert hold
    added = hold.shown("AddExchangeLocation")
    assert added
    assert (added.property, added.edit, added.opposite) == (
        "ExchangeLocation",
        Edit.ADD,
        "RemoveExchangeLocation",
    )


def test_pairs_undo_each_other_with_what_was_there_before() -> None:
    removed = inverse("Remove-MailboxFolderPermission")
    assert removed
    assert removed.cmdlet == "Add-MailboxFolderPermission"
    assert set(removed.parameters) == {"Identity", "User"}
    assert set(removed.before) == {"AccessRights", "SharingPermissionFlags"}
    made = inverse("New-DistributionGroup")
    assert made
    assert (made.cmdlet, made.way) == ("Remove-DistributionGroup", Way.CREATED)
    assert inverse("Remove-Mailbox") is None
    assert "Undo-SoftDeletedMailbox" in irreversible("Remove-Mailbox")
    again = inverse("Set-InboxRule")
    assert again
    assert (again.cmdlet, again.way, set(again.parameters)) == (
        "Set-InboxRule",
        Way.VALUES,
        {"Identity", "Mailbox"},
    )


def test_what_an_inverse_does_not_undo() -> None:
    undoes = inverse("Remove-MailboxPermission")
    assert undoes
    assert not undoes.why_not(["Identity", "User", "AccessRights"])
    assert undoes.why_not(["Identity", "resetdefault"])
    sets = inverse("Set-Mailbox")
    assert sets
    assert not sets.why_not(["RemoveDisabledArchive", "CustomAttribute1"])  # the one is not seen, and told so
    shows_it = twin("Set-Mailbox")
    assert shows_it
    assert shows_it.shown("RemoveDisabledArchive") is None


@pytest.mark.parametrize(
    ("cmdlet", "given", "expected"),
    [
        ("Remove-Mailbox", [], True),
        ("remove-mobiledevice", [], True),
        ("Clear-MobileDevice", [], True),
        ("Disable-Mailbox", ["Archive"], True),
        ("New-ComplianceSearchAction", ["Purge"], True),
        ("New-ComplianceSearchAction", ["Preview"], False),
        ("Set-Mailbox", ["RemoveDisabledArchive"], True),
        ("Set-Mailbox", ["Alias"], False),
        ("Remove-MailboxPermission", ["User"], False),
        ("Remove-DistributionGroupMember", [], False),
        ("Disable-InboxRule", [], False),
        ("Get-Mailbox", [], False),
        ("Remove-WhatNobodyKnows", [], True),
    ],
)
def test_what_destroys(cmdlet: str, given: list[str], expected: bool) -> None:
    assert bool(destroys(cmdlet, dict.fromkeys(given, True))) is expected
    assert bool(destroys(cmdlet)) is (expected and not cmdlet.startswith(("Set-", "New-")))


def test_nothing_that_an_add_puts_back_destroys() -> None:
    for name in ALL:
        undoes = inverse(name)
        if undoes and undoes.way is Way.OPPOSITE:
            assert not destroys(name), name


@pytest.mark.parametrize(
    ("cmdlet", "parameter", "needed"),
    [
        ("Set-Mailbox", "Identity", True),
        ("Get-Mailbox", "Identity", False),
        ("Set-OrganizationConfig", "", False),
        ("Remove-ComplianceCaseMember", "Case", True),
        ("Set-MailboxRegionalConfiguration", "Identity", True),
        ("New-InboxRule", "Mailbox", False),
        ("New-Mailbox", "MicrosoftOnlineServicesID", False),
        ("Set-WhatNobodyKnows", "Identity", False),
    ],
)
def test_the_parameter_that_names_the_object(cmdlet: str, parameter: str, needed: bool) -> None:
    assert (identity_parameter(cmdlet), needs_identity(cmdlet)) == (parameter, needed)
    assert not parameter or parameter in identity_names(cmdlet)


def test_subjects_and_what_is_mastered_elsewhere() -> None:
    assert subject("Set-CalendarProcessing") == "Get-Mailbox"
    assert subject("Get-EXOMailboxStatistics") == "Get-Mailbox"
    assert subject("Set-OrganizationConfig") == ""
    assert mastered("Set-Mailbox", ["Identity", "Alias", "AuditEnabled"]) == ("Alias",)
    assert mastered("Remove-Mailbox", []) == ("it",)
    assert mastered("Get-Mailbox", ["Alias"]) == ()


def test_an_object_is_known_by_any_of_its_names() -> None:
    ada = {"Alias": "ada", "Guid": "0F", "EmailAddresses": ["SMTP:ada@contoso.com", "smtp:a.l@contoso.com"]}
    assert names_object(ada, "A.L@contoso.com")
    assert names_object(ada, "0f")
    assert not names_object(ada, "bob")


def test_what_is_safe_to_add_twice_is_a_pair() -> None:
    for name in ALL:
        if name.startswith("Add-") and done_before(name):
            assert inverse(name), name
