"""Members of groups, and permissions: done once, done twice, taken back."""

from __future__ import annotations

from tests.sandbox.helpers import Bench, error_of, objects, warnings_of

ME = "mailbox3@contoso.onmicrosoft.com"
YOU = "mailbox4@contoso.onmicrosoft.com"
GROUP = "group1@contoso.onmicrosoft.com"
HASH = "#Exchange.GenericHashTable"


def test_group_members(bench: Bench) -> None:
    members = objects(bench("Get-DistributionGroupMember", Identity=GROUP, ResultSize="Unlimited"))
    assert 5 <= len(members) <= 25
    member = members[0]["PrimarySmtpAddress"]
    kind, text = error_of(bench("Add-DistributionGroupMember", Identity=GROUP, Member=member))[1:]
    assert kind == "MemberAlreadyExistsException"
    assert text == f'The recipient "{members[0]["Name"]}" is already a member of the group "IT Group 1".'
    assert bench("Remove-DistributionGroupMember", Identity=GROUP, Member=member, Confirm=False).status == 200
    again = bench("Remove-DistributionGroupMember", Identity=GROUP, Member=member)
    assert error_of(again)[1] == "MemberNotFoundException"
    assert bench("Add-DistributionGroupMember", Identity=GROUP, Member=member).status == 200
    bench("Remove-Mailbox", Identity=member)
    left = objects(bench("Get-DistributionGroupMember", Identity=GROUP, ResultSize="Unlimited"))
    assert len(left) == len(members) - 1


def test_groups_come_and_go(bench: Bench) -> None:
    parameters = {"Name": "Team Süd", "Members": [ME, YOU], "ManagedBy": ME, "Type": "Security"}
    (new,) = objects(bench("New-DistributionGroup", **parameters))
    assert new["RecipientTypeDetails"] == "MailUniversalSecurityGroup"
    assert new["ManagedBy"] == ["zlovelace3"]
    assert new["PrimarySmtpAddress"] == "teamsud@contoso.com"
    assert error_of(bench("New-DistributionGroup", **parameters))[1] == "ProxyAddressExistsException"
    names = [row["Name"] for row in objects(bench("Get-DistributionGroupMember", Identity="Team Süd"))]
    assert names == ["zlovelace3", "kokafor4"]
    twice = bench("New-DistributionGroup", Name="Other", Members=[ME, "zlovelace3"])
    assert error_of(twice)[1] == "DuplicatedRecipientException"
    bench("Set-DistributionGroup", Identity="Team Süd", ManagedBy={"@odata.type": HASH, "Add": YOU})
    (managed,) = objects(bench("Get-DistributionGroup", ManagedBy=YOU))
    assert managed["ManagedBy"] == ["zlovelace3", "kokafor4"]
    assert bench("Remove-DistributionGroup", Identity="Team Süd", Confirm=False).status == 200
    assert error_of(bench("Remove-DistributionGroup", Identity="Team Süd"))[0] == 404


def test_mailbox_permissions(bench: Bench) -> None:
    give = {"Identity": ME, "User": YOU, "AccessRights": ["FullAccess"], "InheritanceType": "All"}
    (row,) = objects(bench("Add-MailboxPermission", **give))
    assert row["User"] == "karin.okafor4@contoso.com"
    assert (row["Deny"], row["IsInherited"]) == ("False", False)
    (warning,) = warnings_of(bench("Add-MailboxPermission", **give))
    assert warning.startswith("The appropriate access control entry is already present on the object")
    (row,) = objects(bench("Get-MailboxPermission", Identity=ME, User=YOU))
    assert row["AccessRights"] == ["FullAccess"]
    bench("Remove-Mailbox", Identity=YOU)
    users = [row["User"] for row in objects(bench("Get-MailboxPermission", Identity=ME))]
    assert users[0] == "NT AUTHORITY\\SELF"
    assert users[-1].startswith("S-1-5-21-")


def test_mailbox_permissions_are_taken_back(bench: Bench) -> None:
    entry = {"Identity": ME, "User": YOU, "AccessRights": "FullAccess, ReadPermission"}
    bench("Add-MailboxPermission", **entry)
    taken = bench("Remove-MailboxPermission", Identity=ME, User=YOU, AccessRights="FullAccess", Confirm=False)
    assert warnings_of(taken) == []
    (row,) = objects(bench("Get-MailboxPermission", Identity=ME, User=YOU))
    assert row["AccessRights"] == ["ReadPermission"]
    bench("Remove-MailboxPermission", **entry)
    (warning,) = warnings_of(bench("Remove-MailboxPermission", **entry))
    assert "because the ACE isn't present" in warning
    bench("Add-MailboxPermission", **entry)
    assert bench("Remove-MailboxPermission", Identity=ME, ResetDefault=True).status == 200
    assert len(objects(bench("Get-MailboxPermission", Identity=ME))) == 1


def test_recipient_permissions(bench: Bench) -> None:
    entry = {"Identity": GROUP, "Trustee": YOU, "AccessRights": ["SendAs"]}
    (row,) = objects(bench("Add-RecipientPermission", **entry, Confirm=False))
    assert (row["Trustee"], row["AccessRights"]) == ("Karin Okafor", ["SendAs"])
    assert "already present" in warnings_of(bench("Add-RecipientPermission", **entry))[0]
    assert len(objects(bench("Get-RecipientPermission", Identity=GROUP))) == 2
    assert len(objects(bench("Get-RecipientPermission", Trustee=YOU))) == 1
    assert warnings_of(bench("Remove-RecipientPermission", **entry)) == []
    assert "isn't present" in warnings_of(bench("Remove-RecipientPermission", **entry))[0]


def test_shared_mailboxes_have_delegates_from_the_start(bench: Bench) -> None:
    rows = objects(bench("Get-MailboxPermission", Identity="mailbox2@contoso.onmicrosoft.com"))
    assert len(rows) >= 2
