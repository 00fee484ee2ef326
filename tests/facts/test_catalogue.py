"""What the shipped catalogue knows, and that it is what the script makes of its source."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bulkexo.facts import catalogue
from bulkexo.facts.catalogue import Kind
from bulkexo.model import Form
from bulkexo.wire.doors import ROUTED
from bulkexo.wire.rest import TABLE

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(os.environ.get("BULKEXO_CATALOGUE_SOURCE", ROOT.parent / "shared" / "catalogue.ndjson"))


def test_a_cmdlet_is_found_in_any_case() -> None:
    found = catalogue.cmdlet("SET-mailbox")
    assert found is not None
    assert (found.name, found.service, found.rest_only) == ("Set-Mailbox", ("exchange-online",), False)
    assert catalogue.cmdlet("Set-Mailbo") is None
    assert catalogue.cmdlet("#types") is None
    assert catalogue.cmdlet("Set.Mailbox") is None
    assert catalogue.cmdlet("\udcff\n") is None


def test_a_parameter_is_found_by_name_and_alias() -> None:
    found = catalogue.cmdlet("Set-Mailbox")
    assert found is not None
    identity, what_if = found.parameter("identity"), found.parameter("WI")
    assert identity is not None and identity.required and identity.type == "MailboxIdParameter"
    assert what_if is not None and what_if.name == "WhatIf" and what_if.kind is Kind.SWITCH
    assert found.parameter("Wonder") is None
    assert found.nearest("EmailAdresses") == "EmailAddresses"


def test_required_means_in_every_parameter_set() -> None:
    add, new = catalogue.cmdlet("Add-MailboxPermission"), catalogue.cmdlet("New-Mailbox")
    assert add is not None and new is not None
    required = {parameter.name for parameter in add.parameters if parameter.required}
    assert required == {"Identity"}, "AccessRights belongs to one set, Owner to another"
    assert {parameter.name for parameter in new.parameters if parameter.required} == {"Name"}


@pytest.mark.parametrize(
    ("type_name", "kind"),
    [
        ("SwitchParameter", Kind.SWITCH),
        ("Boolean", Kind.BOOL),
        ("System.Boolean", Kind.BOOL),
        ("String", Kind.TEXT),
        ("string", Kind.TEXT),
        ("String[]", Kind.ARRAY),
        ("Word[]", Kind.ARRAY),
        ("MultiValuedProperty", Kind.ARRAY),
        ("<MultiValuedProperty>", Kind.ARRAY),
        ("MulitValuedProperty", Kind.ARRAY),
        ("ProxyAddressCollection", Kind.ARRAY),
        ("ProxyAddress", Kind.TEXT),
        ("PswsHashtable", Kind.HASHTABLE),
        ("PswsHashtable[]", Kind.ARRAY),
        ("System.Collections.Hashtable[]", Kind.ARRAY),
        ("Byte[]", Kind.BYTES),
        ("SecureString", Kind.SECURE),
        ("PSCredential", Kind.CREDENTIAL),
        ("System.Int32", Kind.NUMBER),
        ("Microsoft.Exchange.Data.EnhancedTimeSpan", Kind.NUMBER),
        ("Microsoft.Exchange.Management.RestApiClient.Unlimited`1[System.UInt32]", Kind.NUMBER),
        ("Microsoft.Office.CompliancePolicy.Tasks.FlattenLabelActionUtils+ContentAlignment", Kind.TEXT),
        ("MailboxIdParameter, AzureImportRequest", Kind.TEXT),
        ("ExDateTime", Kind.DATE),
        ("DateTimeOffset", Kind.DATE),
    ],
)
def test_kinds_of_types(type_name: str, kind: Kind) -> None:
    assert catalogue.kind_of(type_name) is kind


def test_every_line_can_be_read() -> None:
    names = [line.split("\t")[0] for line in catalogue_text().splitlines()[1:]]
    assert len(names) == 941
    found = [catalogue.cmdlet(name) for name in names]
    assert all(found)
    kinds = Counter(parameter.kind for each in found if each for parameter in each.parameters)
    assert kinds.total() == 9240
    assert min(kinds[kind] for kind in Kind) > 10
    assert sum(each.rest_only for each in found if each) == 9


@pytest.mark.parametrize(
    ("type_name", "form"),
    [
        ("Byte[]", Form.BYTES),
        ("System.Collections.Hashtable[]", Form.TABLES),
        ("PswsHashtable[]", Form.TABLES),
        ("PswsHashtable", None),
        ("SecureString", Form.SECURE),
        ("String[]", None),
    ],
)
def test_forms_of_types(type_name: str, form: Form | None) -> None:
    assert catalogue.form_of(type_name) is form


def test_the_parameters_that_are_filters() -> None:
    found = catalogue.cmdlet("Get-Mailbox")
    assert found is not None
    assert [each.name for each in found.parameters if each.kind is Kind.FILTER] == ["Filter"]


def test_the_rest_only_cmdlets_are_those_that_the_wire_knows() -> None:
    names = [line.split("\t")[0] for line in catalogue_text().splitlines()[1:]]
    found = [known for name in names if (known := catalogue.cmdlet(name)) and known.rest_only]
    assert {each.name.lower() for each in found} == set(TABLE)
    for each in found:
        twin = catalogue.cmdlet(TABLE[each.name.lower()].twin)
        assert twin is not None and not twin.rest_only
        assert TABLE[each.name.lower()].parameters <= {parameter.name for parameter in each.parameters} | {
            "FolderScope"
        }


def test_the_cmdlets_with_custom_routing_are_those_that_the_wire_knows() -> None:
    text = catalogue_text()
    having = {line.split("\t")[0].lower() for line in text.splitlines()[1:] if "\tUseCustomRouting:" in line}
    assert having == ROUTED


def test_secrets_are_told_from_settings_about_secrets() -> None:
    assert catalogue.may_be_secret("Password")
    assert catalogue.may_be_secret("passwordv2")
    assert catalogue.may_be_secret("NeverHeardOfPassword")
    assert not catalogue.may_be_secret("ResetPasswordOnNextLogon")
    assert not catalogue.may_be_secret("MinPasswordLength")


def test_it_holds_nothing_of_the_machine_that_made_it() -> None:
    assert "/" not in catalogue_text().splitlines()[1]
    assert "/work" not in catalogue_text()


@pytest.mark.skipif(not SOURCE.is_file(), reason="the source of the catalogue is not here")
def test_the_script_makes_the_same_bytes_again(tmp_path: Path) -> None:
    target = tmp_path / "catalogue.tsv"
    script = ROOT / "tools" / "build_catalogue.py"
    subprocess.run([sys.executable, str(script), str(SOURCE), str(target)], check=True)
    assert target.read_bytes() == (ROOT / "bulkexo" / "data" / "catalogue.tsv").read_bytes()


def catalogue_text() -> str:
    return (ROOT / "bulkexo" / "data" / "catalogue.tsv").read_text(encoding="utf-8")
