"""What a tenant grants beside what the catalogue knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkexo.connection import Connection
from bulkexo.facts import catalogue
from bulkexo.facts.granted import Granted, read
from bulkexo.grants import recall, remember
from bulkexo.job import load
from bulkexo.model import UsageError
from tests.job.helpers import save

GRANTED = Granted(
    {
        "Set-Mailbox": {"Identity": "", "Alias": "", "BrandNew": "Boolean"},
        "Get-Mailbox": {"Identity": ""},
        "Set-Brand": {"Identity": "", "New": "SwitchParameter"},
    },
    (catalogue.EXCHANGE,),
    1_795_000_000.0,
)


def test_what_only_the_tenant_knows_is_added() -> None:
    mailbox, brand = GRANTED.cmdlet("set-mailbox"), GRANTED.cmdlet("set-brand")
    assert mailbox and brand
    new = mailbox.parameter("brandnew")
    assert new
    assert (new.name, new.kind) == ("BrandNew", catalogue.Kind.BOOL)
    own = mailbox.parameter("Alias")
    assert own == catalogue.cmdlet("Set-Mailbox").parameter("Alias")  # type: ignore[union-attr]
    assert (brand.name, brand.service) == ("Set-Brand", (catalogue.EXCHANGE,))
    assert GRANTED.cmdlet("Get-Mailbox") == catalogue.cmdlet("Get-Mailbox")
    assert GRANTED.cmdlet("Get-WhatNobodyKnows") is None


@pytest.mark.parametrize(
    ("cmdlet", "withheld"),
    [
        ("Set-Mailbox", False),
        ("Remove-Mailbox", True),
        ("Get-EXOMailbox", False),
        ("New-ComplianceSearch", False),
        ("Set-WhatNobodyKnows", False),
    ],
)
def test_a_cmdlet_is_withheld_if_its_service_was_asked(cmdlet: str, withheld: bool) -> None:
    assert GRANTED.withholds(cmdlet) is withheld


def test_parameters_that_are_withheld() -> None:
    given = ["Identity", "Alias", "Office", "Confirm", "ColumnOfAnother"]
    assert GRANTED.withheld("Set-Mailbox", given) == ["Office"]
    assert GRANTED.withheld("Remove-Mailbox", given) == []


def test_a_check_tells_what_is_not_granted_and_takes_what_is_new(tmp_path: Path) -> None:
    text = "Cmdlet,Identity,Office,BrandNew\nSet-Mailbox,ada,4.17,true\nRemove-Mailbox,bob,,\n"
    job = load(save(tmp_path, text))
    job.granted = GRANTED
    told = "to this identity, as it was asked on 2026-11-18: `bulkexo catalogue refresh` asks again."
    assert job.check().warnings == (
        f"job.csv, line 2, column Cmdlet: the tenant does not grant Office of Set-Mailbox {told}",
        f"job.csv, line 3, column Cmdlet: the tenant does not grant Remove-Mailbox {told}",
    )
    assert next(iter(job.items())).parameters["BrandNew"] is True


def connection(**more: str) -> Connection:
    given = {"tenant": "contoso.com", "endpoint": "https://here", "compliance": "https://c", "authority": "x"}
    return Connection(**{**given, **more})  # type: ignore[arg-type]


def test_it_is_kept_by_tenant_and_identity(tmp_path: Path) -> None:
    remember(GRANTED, connection(client_id="a"), ["contoso.com", "guid"], tmp_path)
    assert recall(connection(client_id="a"), tmp_path) == GRANTED
    assert recall(connection(client_id="A", tenant="GUID"), tmp_path) == GRANTED
    assert recall(connection(client_id="b"), tmp_path) is None
    assert recall(connection(client_id="a", endpoint="https://there"), tmp_path) is None
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"version": 2},
        {"version": 1, "at": "x", "services": [], "cmdlets": {}},
        {"version": 1, "at": 1, "services": [7], "cmdlets": {}},
        {"version": 1, "at": 1, "services": [], "cmdlets": {"Set-Mailbox": []}},
        {"version": 1, "at": 1, "services": [], "cmdlets": {"Set-Mailbox": {"Alias": 7}}},
    ],
)
def test_what_makes_no_sense_is_nothing(tmp_path: Path, document: object) -> None:
    assert read(document) is None
    remember(GRANTED, connection(), ["contoso.com"], tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(json.dumps(document), encoding="utf-8")
    assert recall(connection(), tmp_path) is None


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        remember(GRANTED, connection(), ["contoso.com"], tmp_path / "file")
