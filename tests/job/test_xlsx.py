"""Jobs and rows in Excel workbooks: the cells mean what the same cells of a CSV would."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.formula import ArrayFormula

from bulkexo.job import load
from bulkexo.model import JobError
from tests.job.helpers import parameters, read, refused, save, warnings

HEADER = ("Identity", "Office")
Fill = Callable[[Any], object]


def book(path: Path, rows: Sequence[Sequence[Any]], more: Fill = lambda sheet: None) -> Path:
    """A workbook with these rows on its one sheet, Sheet1."""
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Sheet1"
    for row in rows:
        sheet.append(row)
    more(sheet)
    made.save(path)
    return path


def rewritten(tmp_path: Path, change: Callable[[bytes], bytes]) -> Path:
    """made.xlsx as job.xlsx, its first sheet changed."""
    path = tmp_path / "job.xlsx"
    with zipfile.ZipFile(tmp_path / "made.xlsx") as made, zipfile.ZipFile(path, "w") as other:
        for name in made.namelist():
            content = made.read(name)
            other.writestr(name, change(content) if name.endswith("sheet1.xml") else content)
    return path


def cell(tmp_path: Path, value: Any, form: str | None = None) -> Any:
    """What a cell becomes for a parameter that takes text; "left out" if it does."""

    def formatted(sheet: Any) -> None:
        if form:
            sheet["B2"].number_format = form

    path = book(tmp_path / "job.xlsx", [HEADER, ("ada", value)], formatted)
    return parameters(path)[0].get("Office", "left out")


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        ("Room 1", None, "Room 1"),
        ("007", None, "007"),
        ("+49 30 1234", None, "+49 30 1234"),
        ("$null", None, None),
        (None, None, "left out"),
        ("", None, "left out"),
        (1, None, "1"),
        (1.0, None, "1"),
        (0.1, None, "0.1"),
        (0.1 + 0.2, None, "0.3"),
        (-5, None, "-5"),
        (1e20, None, "100000000000000000000"),
        (7, "00000", "00007"),
        (7, "0", "7"),
        (0.5, "0%", "0.5"),
        (True, None, "true"),
        (dt.datetime(2026, 11, 24), "dd.mm.yyyy", "2026-11-24"),
        (dt.datetime(2026, 11, 24, 9, 30), "yyyy-mm-dd hh:mm", "2026-11-24T09:30:00"),
        (dt.time(9, 30), "hh:mm", "09:30:00"),
        (dt.timedelta(days=14, hours=1), "[h]:mm:ss", "14.01:00:00"),
        ("#N/A is text here", None, "#N/A is text here"),
        ("a\nb", None, "a\nb"),
        ("👩‍👩‍👧 שלום", None, "👩‍👩‍👧 שלום"),
    ],
)
def test_cells(tmp_path: Path, value: Any, form: str | None, expected: Any) -> None:
    assert cell(tmp_path, value, form) == expected


def test_a_cell_has_the_type_of_its_parameter(tmp_path: Path) -> None:
    header = ("Identity", "HiddenFromAddressListsEnabled", "EmailAddresses", "CustomAttribute1")
    row = ("ada", True, "@{Add='smtp:a@contoso.com','smtp:b@contoso.com'}", 4711)
    (found,) = parameters(book(tmp_path / "job.xlsx", [header, row]))
    assert found == {
        "Identity": "ada",
        "HiddenFromAddressListsEnabled": True,
        "EmailAddresses": {"Add": ["smtp:a@contoso.com", "smtp:b@contoso.com"]},
        "CustomAttribute1": "4711",
    }


def test_rows_are_known_by_their_numbers_and_their_cells_as_they_came(tmp_path: Path) -> None:
    rows = [(), HEADER, ("ada", 1), (None, None), ("bob", None), (), ()]
    items = read(book(tmp_path / "job.xlsx", rows), "Set-Mailbox")
    assert [(item.row, item.identity, dict(item.cells)) for item in items] == [
        (1, "ada", {"Identity": "ada", "Office": "1"}),
        (2, "bob", {"Identity": "bob", "Office": ""}),
    ]


def test_a_table_may_stand_further_in(tmp_path: Path) -> None:
    rows = [(), (None, None, *HEADER), (None, None, "ada", "x")]
    assert parameters(book(tmp_path / "job.xlsx", rows)) == [{"Identity": "ada", "Office": "x"}]


def test_a_cmdlet_column(tmp_path: Path) -> None:
    rows = [("Cmdlet", "Identity"), ("Get-Mailbox", "ada"), ("Get-User", "bob")]
    items = read(book(tmp_path / "job.xlsx", rows))
    assert [item.cmdlet for item in items] == ["Get-Mailbox", "Get-User"]


def sheets(path: Path, state: str = "visible") -> Path:
    made = openpyxl.Workbook()
    made.active.title = "Movers"
    made.active.append(HEADER)
    made.active.append(("ada", "1"))
    made.active.sheet_state = state
    other = made.create_sheet("Leavers")
    other.append(HEADER)
    other.append(("bob", "2"))
    made.save(path)
    return path


def test_the_first_sheet_is_read_unless_another_is_named(tmp_path: Path) -> None:
    path = sheets(tmp_path / "job.xlsx")
    job = load(path, cmdlet="Set-Mailbox")
    (told,) = warnings(job)
    assert "2 sheets; the first, Movers" in told
    assert [item.identity for item in job.items()] == ["ada"]
    named = load(path, cmdlet="Set-Mailbox", sheet="leavers")
    assert warnings(named) == ()
    assert [item.identity for item in named.items()] == ["bob"]


def test_a_hidden_sheet_is_not_the_first(tmp_path: Path) -> None:
    path = sheets(tmp_path / "job.xlsx", "hidden")
    assert [item.identity for item in read(path, "Set-Mailbox")] == ["bob"]
    assert [item.identity for item in read(path, "Set-Mailbox", sheet="Movers")] == ["ada"]


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="Its sheets are Movers, Leavers") as caught:
        load(sheets(tmp_path / "job.xlsx"), cmdlet="Set-Mailbox", sheet="Joiners")
    assert "no sheet 'Joiners'" in str(caught.value)


def test_a_sheet_of_a_file_without_sheets(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"job\.csv has no sheets"):
        load(save(tmp_path, "Identity\nada\n"), cmdlet="Get-Mailbox", sheet="Movers")


def rows_of(tmp_path: Path, rows: str) -> list[str]:
    text = f"cmdlet: Set-Mailbox\nrows: {rows}\nparameters: {{Identity: '${{Identity}}'}}\n"
    return [item.identity for item in read(save(tmp_path, text, "job.yaml"))]


def test_rows_of_a_yaml_job(tmp_path: Path) -> None:
    sheets(tmp_path / "people.xlsx")
    assert rows_of(tmp_path, "people.xlsx") == ["ada"]
    assert rows_of(tmp_path, "{file: people.xlsx, sheet: Leavers}") == ["bob"]
    text = "cmdlet: Get-Mailbox\nrows: people.xlsx\nparameters: {Identity: '${Identity}'}\n"
    named = read(save(tmp_path, text, "job.yaml"), sheet="Leavers")
    assert [item.identity for item in named] == ["bob"]


def test_rows_of_two_sheets_for_two_tenants(tmp_path: Path) -> None:
    sheets(tmp_path / "people.xlsx")
    text = (
        "cmdlet: Get-Mailbox\nparameters: {Identity: '${Identity}'}\ntenants:\n"
        "  - {tenant: a.onmicrosoft.com, rows: {file: people.xlsx, sheet: Movers}}\n"
        "  - {tenant: b.onmicrosoft.com, rows: {file: people.xlsx, sheet: Leavers}}\n"
    )
    items = read(save(tmp_path, text, "job.yaml"))
    assert [(item.tenant[0], item.identity) for item in items] == [("a", "ada"), ("b", "bob")]


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ("{file: people.xlsx, shet: Leavers}", "no key 'shet'"),
        ("{file: 5}", "is no name"),
        ("{file: job.csv, sheet: Leavers}", "has no sheets"),
        ("people.xls", "(.xls) are not read"),
        ("none.xlsx", "no such file"),
    ],
)
def test_rows_that_a_yaml_job_names_wrongly(tmp_path: Path, rows: str, what: str) -> None:
    sheets(tmp_path / "people.xlsx")
    save(tmp_path, "Identity\nada\n")
    text = f"cmdlet: Get-Mailbox\nrows: {rows}\nparameters: {{Identity: ada}}\n"
    assert what in refused(save(tmp_path, text, "job.yaml"), None)[0].what


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!"])
def test_an_error_is_told_with_its_cell(tmp_path: Path, error: str) -> None:
    def fault(sheet: Any) -> None:
        sheet["B3"] = error
        sheet["B3"].data_type = "e"

    path = book(tmp_path / "job.xlsx", [HEADER, ("ada", "x"), ("bob", "y")], fault)
    (problem,) = refused(path)
    assert problem.where == "job.xlsx, Sheet1!B3 (Office)"
    assert error in problem.what


def test_a_formula_has_the_value_that_excel_has_calculated(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "made.xlsx") as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_formula(1, 0, '="a"&"da"', None, "ada")
        sheet.write_formula(1, 1, "=1+1", None, 2)
        sheet.write_formula(2, 0, '="bob"', None, "bob")
        sheet.write_formula(2, 1, '=""', None, "")
    path = rewritten(tmp_path, lambda xml: xml.replace(b'<c r="B3"><f>', b'<c r="B3" t="str"><f>'))
    assert parameters(path) == [{"Identity": "ada", "Office": "2"}, {"Identity": "bob"}]


@pytest.mark.parametrize("formula", ["=1+1", ArrayFormula("B2", "=1+1")])
def test_a_formula_that_was_never_calculated_is_no_empty_cell(tmp_path: Path, formula: Any) -> None:
    (problem,) = refused(book(tmp_path / "job.xlsx", [HEADER, ("ada", formula)]))
    assert problem.where == "job.xlsx, Sheet1!B2 (Office)"
    assert "never calculated" in problem.what


def test_a_title_above_the_table_is_told(tmp_path: Path) -> None:
    (problem,) = refused(book(tmp_path / "job.xlsx", [("Rooms of 2026",), (), HEADER, ("ada", "x")]))
    assert problem.where == "job.xlsx, Sheet1, row 1"
    assert "looks like a title" in problem.what


def test_a_table_of_one_column(tmp_path: Path) -> None:
    path = book(tmp_path / "job.xlsx", [("Identity",), ("ada",), ("bob",)])
    assert [item.identity for item in read(path, "Get-Mailbox")] == ["ada", "bob"]


def test_cells_beside_the_table_are_told(tmp_path: Path) -> None:
    rows = [(*HEADER, None), ("ada", "x", None), ("bob", "y", None, "see below")]
    (problem,) = refused(book(tmp_path / "job.xlsx", rows))
    assert problem.where == "job.xlsx, Sheet1!D3"


def test_columns_without_a_name_and_twice_one_name(tmp_path: Path) -> None:
    rows = [("Identity", None, "Office", "office"), ("ada", 1, 2, 3)]
    problems = refused(book(tmp_path / "job.xlsx", rows))
    assert "Column 2 has no name" in problems[0].what
    assert "2 columns are called office" in problems[1].what


def test_merged_cells_are_told(tmp_path: Path) -> None:
    def merge(sheet: Any) -> None:
        sheet.merge_cells("B2:B3")

    (problem,) = refused(book(tmp_path / "job.xlsx", [HEADER, ("ada", "x"), ("bob", None)], merge))
    assert problem.where == "job.xlsx, Sheet1!B2:B3"


def test_hidden_rows_belong_to_the_job_and_are_told(tmp_path: Path) -> None:
    def hide(sheet: Any) -> None:
        sheet.row_dimensions[3].hidden = True

    path = book(tmp_path / "job.xlsx", [HEADER, ("ada", "x"), ("bob", "y")], hide)
    job = load(path, cmdlet="Set-Mailbox")
    (told,) = warnings(job)
    assert "1 row is hidden" in told
    assert len(list(job.items())) == 2


def test_a_number_that_excel_has_rounded_is_told(tmp_path: Path) -> None:
    path = book(tmp_path / "job.xlsx", [HEADER, ("ada", 1234567890123456789)])
    (told,) = warnings(load(path, cmdlet="Set-Mailbox"))
    assert "Sheet1!B2 (Office)" in told


def test_a_date_beyond_excels_is_told(tmp_path: Path) -> None:
    def strange(sheet: Any) -> None:
        sheet["B2"].number_format = "yyyy-mm-dd"

    (problem,) = refused(book(tmp_path / "job.xlsx", [HEADER, ("ada", 99_999_999)], strange))
    assert "no date that exists" in problem.what or "error" in problem.what


def test_a_secret_that_was_left_out(tmp_path: Path) -> None:
    rows = [("Identity", "Office"), ("ada", "<secret>")]
    (problem,) = refused(book(tmp_path / "job.xlsx", rows))
    assert "left out a secret" in problem.what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "protected by a password"),
        (b"Identity,Office\nada,x\n", "no Excel workbook"),
        (b"", "no Excel workbook"),
        (b"PK\x03\x04" + b"\0" * 100, "no Excel workbook"),
    ],
)
def test_files_that_are_no_workbooks(tmp_path: Path, content: bytes, what: str) -> None:
    assert what in refused(save(tmp_path, content, "job.xlsx"))[0].what


@pytest.mark.parametrize("name", ["job.xls", "job.xlsb", "job.ods"])
def test_older_kinds_are_told_what_to_become(tmp_path: Path, name: str) -> None:
    (problem,) = refused(save(tmp_path, b"\xd0\xcf\x11\xe0", name))
    assert "(.xlsx)" in problem.remedy


def test_an_empty_sheet(tmp_path: Path) -> None:
    assert "is empty" in refused(book(tmp_path / "job.xlsx", []))[0].what
    assert "no rows" in refused(book(tmp_path / "job.xlsx", [HEADER]))[0].what


def test_a_workbook_whose_sheet_is_damaged(tmp_path: Path) -> None:
    book(tmp_path / "made.xlsx", [HEADER, *(("ada", number) for number in range(2000))])
    assert "damaged" in refused(rewritten(tmp_path, lambda xml: xml[: len(xml) // 2]))[0].what


def test_a_workbook_that_changes_after_the_check(tmp_path: Path) -> None:
    path = book(tmp_path / "job.xlsx", [HEADER, ("ada", "x")])
    job = load(path, cmdlet="Set-Mailbox")
    job.check()
    assert len(next(iter(job.inputs.values()))) == 64
    assert job.describe()["rows"]["encoding"] == "xlsx"
    book(path, [HEADER, ("ada", "other")])
    with pytest.raises(JobError, match="has changed"):
        list(job.items())


def test_many_rows_of_shared_texts(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "job.xlsx") as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for row in range(1, 3001):
            sheet.write_row(row, 0, (f"user{row}", row))
    items = read(tmp_path / "job.xlsx", "Set-Mailbox")
    assert [dict(item.parameters) for item in items[-2:]] == [
        {"Identity": f"user{row}", "Office": str(row)} for row in (2999, 3000)
    ]


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), piece=st.binary(max_size=6), inside=st.booleans())
def test_whatever_is_damaged_is_told(tmp_path: Path, place: float, piece: bytes, inside: bool) -> None:
    made = tmp_path / "made.xlsx"
    if not made.exists():
        book(made, [HEADER, ("ada", 1), ("bob", True), ("eve", dt.datetime(2026, 11, 24))])

    def damaged(content: bytes) -> bytes:
        at = int(place * len(content))
        return content[:at] + piece + content[at + len(piece) :]

    whole = made.read_bytes()
    path = rewritten(tmp_path, damaged) if inside else save(tmp_path, damaged(whole), "job.xlsx")
    try:
        job = load(path, cmdlet="Set-Mailbox")
        job.check()
        list(job.items())
    except JobError as error:
        assert error.problems
