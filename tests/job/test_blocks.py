"""Rows that are read and checked by column: whatever they hold, the same as one by one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkexo.job import csvrows, load
from bulkexo.job.blocks import simple_block
from bulkexo.job.job import Job
from bulkexo.job.problems import Problems
from bulkexo.job.steps import Step
from bulkexo.job.text import examine
from bulkexo.job.walk import Walk
from bulkexo.model import JobError
from tests.job.helpers import save, words

ANY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=100,
)
CMDLETS = words("Set-Mailbox Get-Mailbox Remove-Mailbox New-Mailbox Set-OrganizationConfig Set-X")
TEXTS = [*words("CC-1 x [1] @{Add='a';Remove='b'} $null 5 'x ß Größe"), " x", "", ""]
SOUND = {
    "Identity": words("ada@contoso.com ada bob ADA Bob eve"),
    "HiddenFromAddressListsEnabled": [*words("true False $true $null"), ""],
    "EmailAddresses": [*words("smtp:a@b.c @{Add='a';Remove='b'} @('a') ['a']"), ""],
    "StartDateForRetentionHold": [*words("2026-11-24 2026-11-24T09:30:00Z 1.2.2026"), ""],
    "RemoveDisabledArchive": [*words("true false"), ""],
    "ExcludeFromAllHolds": [*words("true false"), ""],
    "Cmdlet": CMDLETS,
    "Tenant": words("contoso fabrikam Contoso"),
}
"""What a column holds in most jobs; any other, texts."""
WILD = [
    *words("ada@contoso.com true $true 2026-11-24 1.2.2026 5 <secret> {} [1] [1,2 @{ @('a') 'x"),
    *words("""{"a":["b"]} 5f3bd0a6-0b0e-4a86-8c1d-000000000001"""),
    *[
        "",
        " ",
        "\t",
        "a,b",
        "a;b",
        'a"b',
        "a\nb",
        "a\r\nb",
        "\n{}",
        " $null",
        "\x0b",
        "\x1c",
        "\x85x",
        "\u00a0",
    ],
]
HEADERS = {
    "text": ("Identity", "CustomAttribute1", "Office"),
    "kinds": ("Identity", "HiddenFromAddressListsEnabled", "EmailAddresses", "IssueWarningQuota"),
    "doubts": ("Identity", "NoSuchParameter", "StartDateForRetentionHold", "MailTip"),
    "harm": ("Identity", "RemoveDisabledArchive", "ExcludeFromAllHolds"),
    "secret": ("Identity", "Password", "CustomAttribute1"),
    "named": ("Cmdlet", "Identity", "Office"),
    "nameless": ("Office", "CustomAttribute1"),
    "one": ("Identity",),
}
YAML = """
rows: rows.csv
tenants: {{column: Tenant}}
columns: {{{secret}: {{secret: true}}}}
steps:
- cmdlet: Set-Mailbox
  parameters:
    Identity: ${{Identity}}
    CustomAttribute1: ${{Pin}}
    EmailAddresses: {{Add: ["smtp:${{Office}}@contoso.com"]}}
    Office: ${{Office}} of ${{Identity}}
- cmdlet: Set-Mailbox
  parameters: {{Identity: "${{Identity}}", HiddenFromAddressListsEnabled: true}}
- cmdlet: Add-MailboxPermission
  parameters: {{Identity: "${{Identity}}", User: "${{Office}}", AccessRights: FullAccess}}
"""


@contextmanager
def one_by_one() -> Iterator[None]:
    """Every row parsed by the csv module, every item made on its own."""
    with (
        mock.patch.object(csvrows, "simple_block", lambda *_: None),
        mock.patch.object(Walk, "_several", lambda *_: None),
    ):
        yield


def told(path: Path, cmdlet: str | None, sets: tuple[str, ...]) -> list[Any]:
    """All that a job comes to, be it problems."""
    try:
        job = load(path, cmdlet=cmdlet, sets=sets)
        checked = job.check()
    except JobError as error:
        return [error.total, *error.problems]
    return [checked, *job.items(), *of_tenants(job)]


def of_tenants(job: Job) -> Iterator[Any]:
    if job.names_tenants and job.check().tenants:
        with job.apart() as items_of:
            for tenant in job.check().tenants:
                yield from items_of(tenant)


def both_ways(path: Path, cmdlet: str | None, sets: tuple[str, ...] = (), size: int = 1) -> list[Any]:
    """The same as it is and one by one. size: characters of a block."""
    with mock.patch.object(csvrows, "_BLOCK", size):
        found = told(path, cmdlet, sets)
        with one_by_one():
            assert found == told(path, cmdlet, sets)
    return found


@st.composite
def tables(draw: st.DrawFn, header: tuple[str, ...]) -> str:
    """A CSV under a header, with any delimiter and any line break, its cells quoted or not; often sound."""
    delimiter = draw(st.sampled_from([",", ";", "\t"]))
    ends = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting: Literal[0, 1] = 1 if draw(st.booleans()) else 0  # QUOTE_ALL, QUOTE_MINIMAL
    wild = draw(st.booleans())
    cells = {name: SOUND.get(name, TEXTS) + (WILD if wild else []) for name in header}
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ends, quoting=quoting)
    writer.writerow(header)
    width = len(header)
    for _ in range(draw(st.integers(0, 12))):
        writer.writerow([draw(st.sampled_from(cells[name])) for name in header])
        if wild and draw(st.integers(0, 15)) == 0:
            longer = delimiter.join("a" * (2 * width + 1)) + ends
            text.write(
                draw(st.sampled_from([ends, f"x{ends}", f"a{delimiter}{ends}", '"a"b"' + ends, longer]))
            )
    return text.getvalue()


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
@ANY
@given(data=st.data())
def test_a_csv(tmp_path: Path, header: tuple[str, ...], data: st.DataObject) -> None:
    path = save(tmp_path, data.draw(tables(header)))
    cmdlets = [
        "Set-Mailbox",
        "Get-Mailbox",
        "Remove-Mailbox",
        "New-Mailbox",
        "Set-OrganizationConfig",
        "Set-X",
    ]
    cmdlet = None if header[0] == "Cmdlet" else data.draw(st.sampled_from(cmdlets))
    sets = data.draw(
        st.sampled_from([(), ("MailTip=hello",), ("LitigationHoldEnabled=true",), ("WhatIf=true",)])
    )
    both_ways(path, cmdlet, sets, data.draw(st.sampled_from([1, 50, 1000])))


@ANY
@given(data=st.data())
def test_a_yaml_job_with_rows_of_its_own(tmp_path: Path, data: st.DataObject) -> None:
    header = ("Identity", "Office", "Pin", "Tenant")
    save(tmp_path, data.draw(tables(header)), "rows.csv")
    job = YAML.format(secret=data.draw(st.sampled_from(["Pin", "Office", "Identity"])))
    both_ways(save(tmp_path, job, "job.yaml"), None, (), data.draw(st.sampled_from([1, 50, 1000])))


@ANY
@given(text=st.text(st.sampled_from('ab,;" \n\r\t\x0b\u2028')), delimiter=st.sampled_from(",;\t"))
def test_a_simple_block_is_what_the_csv_module_reads(text: str, delimiter: str) -> None:
    width = text.partition("\n")[0].count(delimiter) + 1
    block = simple_block(text, delimiter, width, 7)
    if block is not None:
        assert list(map(list, block.rows())) == list(
            csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        )
        assert list(block.lines) == list(range(7, 7 + len(block)))


def test_a_row_that_is_as_long_as_two_is_no_simple_one() -> None:
    assert simple_block("a,b\n1,2,3,4,5\n", ",", 2, 1) is None


def test_a_column_of_secrets_without_any(tmp_path: Path) -> None:
    text = "Name,Password\na,{}\nb,\n"
    checked, *_ = both_ways(save(tmp_path, text.format("")), "New-Mailbox")
    assert checked.secure == frozenset()
    checked, *_ = both_ways(save(tmp_path, text.format("x")), "New-Mailbox")
    assert checked.secure == {""}


def test_a_secret_that_comes_up_twice_is_not_told(tmp_path: Path) -> None:
    save(tmp_path, "Identity,User\nsales,ada\nsales,ada\n", "rows.csv")
    job = "rows: rows.csv\ncolumns: {User: {secret: true}}\ncmdlet: Add-MailboxPermission\n"
    job += "parameters: {Identity: '${Identity}', User: '${User}', AccessRights: FullAccess}\n"
    checked, *_ = both_ways(save(tmp_path, job, "job.yaml"), None, size=1000)
    assert checked.warnings == ()


@pytest.mark.parametrize("steps", ["", "- cmdlet: Set-Mailbox\n  parameters: {Identity: '${Identity}'}\n"])
def test_a_step_without_parameters_has_an_item_for_each_row(tmp_path: Path, steps: str) -> None:
    save(tmp_path, "Identity\nada\nbob\ncy\n", "rows.csv")
    job = f"rows: rows.csv\nsteps:\n{steps}- cmdlet: Get-Mailbox\n  parameters: {{}}\n"
    checked, *items = both_ways(save(tmp_path, job, "job.yaml"), None, size=1000)
    assert len(items) == checked.items == 3 * job.count("cmdlet")


def test_what_is_usual_is_read_by_column(tmp_path: Path) -> None:
    """Else the tests above compare one thing with itself."""
    rows = "".join(f"mailbox{number}@contoso.com,{number % 2 == 0},Room 7\n" for number in range(1000))
    path = save(tmp_path, f"Identity,HiddenFromAddressListsEnabled,Office\n{rows}")
    with mock.patch.object(Step, "item", side_effect=AssertionError("one by one")):
        assert len(told(path, "Set-Mailbox", ("MailTip=hello",))) == 1001


def test_a_row_that_is_wrong_is_told_after_those_before_it(tmp_path: Path) -> None:
    text = "Identity,AuditEnabled\na,true\nb,perhaps\nc,true,more\nd,maybe\n\ne,never\n"
    found = both_ways(save(tmp_path, text), "Set-Mailbox", size=1000)
    assert [problem.where.partition(", line ")[2][:1] for problem in found[1:]] == ["3", "4", "5", "7"]


def test_lines_are_counted_in_cells_of_several(tmp_path: Path) -> None:
    text = 'Identity,Office\n"a","x\ny"\nb,"x\r\n\ry"\n"c","z"\nd,"e\n'
    problems = Problems()
    rows = csvrows.CsvRows(examine(save(tmp_path, text)), problems)
    assert [line for line, _ in rows.read(problems)] == [2, 4, 7]
    assert [problem.where for problem in problems.error().problems] == ["job.csv, line 8"]
