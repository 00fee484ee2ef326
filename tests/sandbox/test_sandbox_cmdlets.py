"""Cmdlets on a tenant without sockets: what Set- writes, Get- returns; and every complaint has its type."""

from __future__ import annotations

from typing import Any

import pytest

from bulkexo.sandbox.parameters import load
from bulkexo.sandbox.registry import cmdlets
from bulkexo.sandbox.reply import NUL_BODY
from tests.sandbox.helpers import Bench, error_of, objects, seal, warnings_of

ME = "mailbox3@contoso.onmicrosoft.com"
YOU = "mailbox4@contoso.onmicrosoft.com"
GROUP = "group1@contoso.onmicrosoft.com"
HASH = "#Exchange.GenericHashTable"


def test_every_cmdlet_has_its_parameters_and_its_handler() -> None:
    assert cmdlets().keys() == load().keys()
    assert len(cmdlets()) >= 53


def test_an_unchanged_set_says_so(bench: Bench) -> None:
    assert warnings_of(bench("Set-Mailbox", Identity=ME, CustomAttribute1="x")) == []
    (warning,) = warnings_of(bench("Set-Mailbox", Identity=ME, CustomAttribute1="x"))
    assert warning == (
        "The command completed successfully but no settings of 'zlovelace3' have been modified."
    )


def test_one_set_of_many_settings_is_all_or_nothing(bench: Bench) -> None:
    reply = bench("Set-Mailbox", Identity=ME, CustomAttribute1="x", ForwardingAddress="nobody@x.y")
    assert error_of(reply)[:2] == (404, "ManagementObjectNotFoundException")
    assert bench.get("Get-Mailbox", ME)["CustomAttribute1"] == ""


def test_an_error_has_every_part_that_clients_read(bench: Bench) -> None:
    reply = bench("Get-Mailbox", Identity="x@y.z")
    error = reply.body["error"]
    assert error["code"] == "NotFound"
    assert error["details"][0]["message"].startswith(
        "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.Management"
    )
    assert "couldn't be found on" in error["innererror"]["internalexception"]["message"]
    assert reply.body["@adminapi.warnings"] == []


def test_an_unknown_cmdlet_gives_nul_bytes(bench: Bench) -> None:
    reply = bench("Get-Nothing")
    assert (reply.status, reply.body, reply.headers["Content-Encoding"]) == (403, NUL_BODY, "gzip")


def test_names_of_cmdlets_and_parameters_have_no_case(bench: Bench) -> None:
    assert bench("set-MAILBOX", identity=ME, customattribute1="y", wi=False, ErrorAction="Stop").status == 200
    assert bench.get("Get-Mailbox", ME)["CustomAttribute1"] == "y"


def test_a_prefix_of_an_enum_is_accepted_silently(bench: Bench) -> None:
    bench("Set-Mailbox", Identity=ME, Type="Sha")
    assert bench.get("Get-Mailbox", ME)["RecipientTypeDetails"] == "SharedMailbox"


def test_what_if_and_confirm(bench: Bench) -> None:
    assert objects(bench("Set-Mailbox", Identity=ME, Office="X", WhatIf=True)) == []
    asked = bench("Set-Mailbox", Identity=ME, Office="X", Confirm=True)
    assert "Are you sure" in asked.body["@adminapi.confirmationmessage"]
    assert bench.get("Get-Mailbox", ME)["Office"] != "X"
    bench("Set-User", Identity=ME, Office="X", WhatIf=True)
    assert bench.get("Get-Mailbox", ME)["Office"] == "X"


def test_type_notes_stand_beside_their_members(bench: Bench) -> None:
    row = bench.get("Get-Mailbox", ME)
    assert row["ExchangeGuid@data.type"] == "System.Guid"
    assert row["WhenCreated@data.type"] == "System.DateTime"
    assert row["EmailAddresses@odata.type"] == "#Collection(String)"
    assert row["ProhibitSendQuota"] == "99 GB (106,300,440,576 bytes)"
    (narrow,) = objects(bench.selected("Get-Mailbox", ("alias", "ExchangeGuid", "Nothing"), Identity=ME))
    assert narrow.keys() == {"Alias", "ExchangeGuid", "ExchangeGuid@data.type"}


def test_new_and_remove_mailbox(bench: Bench) -> None:
    (new,) = objects(bench("New-Mailbox", Name="Front Desk", Shared=True, DisplayName="Empfang"))
    assert new["PrimarySmtpAddress"] == "frontdesk@contoso.com"
    assert new["RecipientTypeDetails"] == "SharedMailbox"
    assert new["DisplayName"] == "Empfang"
    assert error_of(bench("New-Mailbox", Name="Front Desk", Shared=True))[1] == "ProxyAddressExistsException"
    other = bench("New-Mailbox", Name="Front Desk", Alias="other", Shared=True)
    assert error_of(other)[1] == "ADObjectAlreadyExistsException"
    assert bench("Set-Mailbox", Identity="frontdesk", CustomAttribute1="x").status == 200
    assert bench("Remove-Mailbox", Identity="Front Desk", Confirm=False).status == 200
    assert error_of(bench("Remove-Mailbox", Identity="Front Desk"))[0] == 404
    (gone,) = objects(bench("Get-Mailbox", SoftDeletedMailbox=True, Identity="Front Desk"))
    assert gone["CustomAttribute1"] == "x"
    assert bench("Remove-Mailbox", Identity="Front Desk", PermanentlyDelete=True).status == 200
    assert bench("Get-Mailbox", SoftDeletedMailbox=True, Identity="Front Desk").status == 404
    assert bench("New-Mailbox", Name="Front Desk", Shared=True).status == 200


def test_a_new_user_needs_an_encrypted_password(bench: Bench) -> None:
    sealed = seal("Sesame, open!", bench.engine.keys.xml(0.0))
    parameters = {"Name": "Ada", "MicrosoftOnlineServicesID": "ada@contoso.com", "Password": sealed}
    (new,) = objects(bench("New-Mailbox", **parameters, FirstName="Ada"))
    assert (new["UserPrincipalName"], new["RecipientTypeDetails"]) == ("ada@contoso.com", "UserMailbox")
    assert bench.get("Get-User", "ada@contoso.com")["FirstName"] == "Ada"
    again = bench("New-Mailbox", **{**parameters, "Name": "Ada 2"})
    assert error_of(again)[1] == "WLCDManagedMemberExistsException"


def test_statistics_are_the_same_every_time(bench: Bench) -> None:
    one = bench.get("Get-MailboxStatistics", ME)
    assert one == bench.get("Get-MailboxStatistics", ME)
    assert one["TotalItemSize"].endswith(" bytes)")
    assert one["MailboxGuid"] == bench.get("Get-Mailbox", ME)["ExchangeGuid"]


def test_get_recipient_has_mailboxes_and_groups(bench: Bench) -> None:
    assert bench.get("Get-Recipient", GROUP)["RecipientType"] == "MailUniversalDistributionGroup"
    rows = objects(
        bench("Get-Recipient", ResultSize="Unlimited", Properties=["Name", "RecipientTypeDetails"])
    )
    assert len(rows) == 200 + 10
    assert rows[0].keys() == {"Name", "RecipientTypeDetails"}


@pytest.mark.parametrize(
    ("parameters", "kinds", "start"),
    [
        ({"RecipientTypeDetails": "SharedMailbox"}, {"SharedMailbox"}, ""),
        (
            {"RecipientTypeDetails": ["RoomMailbox", "SharedMailbox"]},
            {"RoomMailbox", "SharedMailbox"},
            "",
        ),
        (
            {"Filter": "RecipientTypeDetails -eq 'SharedMailbox' -and DisplayName -like 'Mark*'"},
            {"SharedMailbox"},
            "Mark",
        ),
        ({"Anr": "zofia"}, {"UserMailbox"}, "Zofia"),
    ],
)
def test_lists_are_filtered(bench: Bench, parameters: dict[str, Any], kinds: set[str], start: str) -> None:
    rows = objects(bench("Get-Mailbox", ResultSize="Unlimited", **parameters))
    assert {row["RecipientTypeDetails"] for row in rows} == kinds
    assert all(row["DisplayName"].startswith(start) for row in rows)
    assert len(rows) < 40


def test_kinds_that_this_tenant_has_none_of(bench: Bench) -> None:
    assert objects(bench("Get-Mailbox", InactiveMailboxOnly=True)) == []
    assert bench("Get-Mailbox", Identity=ME, Archive=True).status == 404


def test_lists_are_sorted(bench: Bench) -> None:
    rows = objects(bench("Get-Mailbox", ResultSize="Unlimited", SortBy="DisplayName"))
    names = [row["DisplayName"].casefold() for row in rows]
    assert names == sorted(names)
    assert len(names) == 200


def test_result_size_cuts_and_warns(bench: Bench) -> None:
    reply = bench("Get-Mailbox", ResultSize=3)
    assert len(objects(reply)) == 3
    assert "There are more results available" in warnings_of(reply)[0]
    assert "@odata.nextLink" not in reply.body


def test_the_organization(bench: Bench) -> None:
    domains = {row["DomainName"]: row["Default"] for row in objects(bench("Get-AcceptedDomain"))}
    assert domains == {
        "contoso.com": True,
        "contoso.onmicrosoft.com": False,
        "contoso.mail.onmicrosoft.com": False,
    }
    (organization,) = objects(bench("Get-OrganizationConfig"))
    assert organization["Name"] == "contoso.onmicrosoft.com"
