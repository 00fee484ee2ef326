"""Values that the service wants in a shape of their own: dates, filters, bytes; and where a step runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.job import load
from bulkexo.job.cells import in_utc, is_date
from bulkexo.model import Form

from .helpers import cell, read, refused, save


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("2026-11-24T09:30:00Z", "2026-11-24T09:30:00"),
        ("2026-11-24T09:30:00+02:00", "2026-11-24T07:30:00"),
        ("2026-11-24 23:30-0200", "2026-11-25T01:30:00"),
        ("2026-11-24T09:30:00.5Z", "2026-11-24T09:30:00.500000"),
        ("2026-11-24T09:30:00", "2026-11-24T09:30:00"),
        ("2026-11-24", "2026-11-24"),
        ("11/24/2026", "11/24/2026"),
        ("Today", "Today"),
        ("$null", None),
    ],
)
def test_dates(tmp_path: Path, written: str, sent: str | None) -> None:
    cmdlet = "Set-MailboxAutoReplyConfiguration"
    assert cell(tmp_path, written, "StartTime", cmdlet) == sent
    text = f"cmdlet: {cmdlet}\nparameters: {{Identity: a, StartTime: '{written}'}}\n"
    (item,) = read(save(tmp_path, text, "job.yaml"))
    assert item.parameters["StartTime"] == sent


@pytest.mark.parametrize(
    "written", ["2026-02-30T09:30:00Z", "2026-11-24T25:00:00Z", "0001-01-01T00:00+05:00"]
)
def test_dates_that_do_not_exist(tmp_path: Path, written: str) -> None:
    path = save(tmp_path, f"Identity,StartTime\na,{written}\n")
    (problem,) = refused(path, "Set-MailboxAutoReplyConfiguration")
    assert "is no date that exists" in problem.what


def test_a_date_that_is_read_in_more_than_one_way_is_told_once(tmp_path: Path) -> None:
    path = save(tmp_path, "Identity,StartTime\na,2026-11-24\nb,3/4/2026\nc,5/6/2026\n")
    (warning,) = load(path, cmdlet="Set-MailboxAutoReplyConfiguration").check().warnings
    assert "not every place reads it alike" in warning
    assert "3/4/2026" not in warning


@given(st.datetimes(), st.sampled_from(["Z", "+00:00", "-0000"]))
def test_a_moment_in_utc_is_itself(moment: Any, offset: str) -> None:
    text = moment.isoformat()
    assert is_date(text + offset)
    assert in_utc(text + offset) == text


@given(st.text())
def test_any_text_is_a_date_or_goes_as_it_is(text: str) -> None:
    if not is_date(text):
        assert in_utc(text) == text


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("IsDirSynced -eq $true", "IsDirSynced -eq 'True'"),
        ("A -eq $FALSE -or B -ne $True", "A -eq 'False' -or B -ne 'True'"),
        ("A -eq $truest", "A -eq $truest"),
        ("A -eq $null", "A -eq $null"),
        ("$null", None),
    ],
)
def test_truth_in_filters(tmp_path: Path, written: str, sent: str | None) -> None:
    assert cell(tmp_path, written, "Filter", "Get-Mailbox") == sent


def test_truth_in_the_filter_of_a_template(tmp_path: Path) -> None:
    text = (
        "cmdlet: Get-Mailbox\nrows: [{A: x}]\nparameters: {Filter: \"Alias -eq '${A}' -and B -eq $$true\"}\n"
    )
    (item,) = read(save(tmp_path, text, "job.yaml"))
    assert item.parameters["Filter"] == "Alias -eq 'x' -and B -eq 'True'"


@pytest.mark.parametrize("written", ["AQID", "[1,2,3]", "@(1,2,3)"])
def test_bytes(tmp_path: Path, written: str) -> None:
    (item,) = read(save(tmp_path, f'Name,CSVData\nbatch,"{written}"\n'), "New-MigrationBatch")
    assert item.parameters["CSVData"] in ("AQID", [1, 2, 3])
    assert item.forms == {"CSVData": Form.BYTES}


@pytest.mark.parametrize("written", ["no base64!", "[1,256]", "[1,true]", "AQI"])
def test_what_is_no_bytes(tmp_path: Path, written: str) -> None:
    (problem,) = refused(save(tmp_path, f'Name,CSVData\nbatch,"{written}"\n'), "New-MigrationBatch")
    assert "the parameter takes bytes" in problem.what


def api(folder: Path, text: str) -> str:
    (item,) = read(save(folder, text, "job.yaml"))
    return item.api


def test_where_a_step_runs(tmp_path: Path) -> None:
    one = "cmdlet: {}\nparameters: {{Identity: a}}\n"
    assert api(tmp_path, one.format("Get-Mailbox")) == ""
    assert api(tmp_path, one.format("Get-ComplianceSearch")) == "compliance"
    assert api(tmp_path, one.format("Get-ComplianceSearch") + "api: exchange\n") == ""
    assert api(tmp_path, one.format("Get-RoleGroup")) == ""
    assert api(tmp_path, one.format("Get-RoleGroup") + "api: Compliance\n") == "compliance"
    assert api(tmp_path, one.format("Get-Mailbox") + "api: v2.0\n") == "v2.0"
    step = "steps: [{cmdlet: Get-Mailbox, parameters: {Identity: a}, api: exchange}]\napi: v2.0\n"
    assert api(tmp_path, step) == ""


def test_a_cmdlet_that_v2_does_not_run(tmp_path: Path) -> None:
    path = save(tmp_path, "cmdlet: Set-CASMailbox\nparameters: {Identity: a}\napi: v2.0\n", "job.yaml")
    (problem,) = refused(path, None)
    assert "not among the cmdlets that v2.0" in problem.what
    assert "MailboxFolderPermission" in problem.remedy


def test_parameters_that_v2_does_not_take_are_told(tmp_path: Path) -> None:
    parameters = "{Identity: a, GrantSendOnBehalfTo: b, Office: c}"
    text = f"cmdlet: Set-Mailbox\nparameters: {parameters}\napi: v2.0\n"
    (warning,) = load(save(tmp_path, text, "job.yaml")).check().warnings
    assert warning == "job.yaml, line 1: Set-Mailbox of v2.0 is not known to take Office."


def test_an_api_that_there_is_not(tmp_path: Path) -> None:
    path = save(tmp_path, "cmdlet: Get-Mailbox\nparameters: {Identity: a}\napi: v3\n", "job.yaml")
    (problem,) = refused(path, None)
    assert problem.where == "job.yaml, line 3"


def test_a_cmdlet_sent_where_it_is_not_known_is_told(tmp_path: Path) -> None:
    path = save(tmp_path, "cmdlet: Get-Mailbox\nparameters: {Identity: a}\napi: compliance\n", "job.yaml")
    (warning,) = load(path).check().warnings
    assert "not in Security & Compliance" in warning


def test_a_twin_is_told_once(tmp_path: Path) -> None:
    path = save(tmp_path, "Identity,Anr\na,x\nb,y\n")
    (warning,) = load(path, cmdlet="Get-EXOMailbox").check().warnings
    assert (
        warning == "--cmdlet: Get-EXOMailbox is run as Get-Mailbox: how the service reads -Anr is not known."
    )
