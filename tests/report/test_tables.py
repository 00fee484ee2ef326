"""Tables of every format, read back with the library of that format."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import xlsxwriter
from pyarrow import parquet

from bulkexo.journal import RunFolder
from bulkexo.model import BY_RULE, Failure, Status, UsageError
from bulkexo.report.tables import export
from bulkexo.report.tables.columns import Column, Kind
from bulkexo.report.tables.excel import STYLE, Book
from bulkexo.report.tables.excelcells import CELL_LIMIT, CUT
from bulkexo.report.tables.export import Format, Request, Summary, What, export_to
from tests.report.runs import ended, paged, run

BOX = {
    "Identity": "ada",
    "Size": "1 KB (1,024 bytes)",
    "Quota": "Unlimited",
    "Keep": "14.00:00:00",
    "Created": "2026-11-24T09:30:00Z",
    "Local": "2026-11-24T09:30:00",
    "Day": "2026-11-24",
    "Count": 5,
    "Share": 0.5,
    "On": True,
    "Zip": "00501",
    "Addresses": ["SMTP:ada@contoso.com", "x500:/o=a;b"],
    "Plan": {"Name": "E5", "Name@odata.type": "#String"},
    "Parts": [{"A": 1, "A@odata.type": "#Int64"}],
    "Nothing": None,
    "@odata.type": "#Mailbox",
}
MOMENT = datetime(2026, 11, 24, 9, 30)
LONG = "é" * 40_000
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "+49 30 1234",
    "-5",
    "\t=1",
    "＝1",
    "http://example.com/x",
    "\x00\x07\x1b\ufffe",
    "_x0041_",
    "<r><t>no</t></r>",
    "<r>&</r>",
    "👩‍👩‍👧 \u202eشروق\u202c עברית",
    'a "quoted"; line\r\nbreak',
    " spaced ",
    LONG,
]


def table(tmp_path: Path, lines: list[bytes], form: Format, **more: Any) -> tuple[Path, Summary]:
    """What `export` makes of these lines."""
    folder = run(tmp_path / "run", lines)
    to = tmp_path / f"table.{form}"
    return to, export_to(folder, Request(form, **more), to)


def csv_rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter, strict=True))


def sheet_rows(path: Path, sheet: str = "Values") -> list[dict[str, Any]]:
    header, *rows = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def test_csv_for_excel(tmp_path: Path) -> None:
    to, summary = table(tmp_path, [ended(1, BOX)], Format.CSV)
    content = to.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfRow,RowIdentity,Identity,")
    assert content.endswith(b"\r\n")
    assert csv_rows(to) == [
        {
            "Row": "1",
            "RowIdentity": "user1@contoso.com",
            "Identity": "ada",
            "Size": "1 KB (1,024 bytes)",
            "Size.Bytes": "1024",
            "Quota": "Unlimited",
            "Keep": "14.00:00:00",
            "Keep.Seconds": "1209600",
            "Created": "2026-11-24 09:30:00",
            "Local": "2026-11-24 09:30:00",
            "Day": "2026-11-24",
            "Count": "5",
            "Share": "0.5",
            "On": "True",
            "Zip": "00501",
            "Addresses": 'SMTP:ada@contoso.com; "x500:/o=a;b"',
            "Plan.Name": "E5",
            "Parts": '[{"A":1}]',
            "Nothing": "",
        }
    ]
    assert (summary.rows, summary.columns, summary.notes) == (1, 19, [])


def test_csv_for_programs(tmp_path: Path) -> None:
    box = BOX | {"Note": "=1+1", "Created": "2026-11-24T10:30:00.123+01:00"}
    to, _ = table(tmp_path, [ended(1, box)], Format.CSV, plain=True, delimiter=";")
    assert to.read_bytes().startswith(b"Row;")
    (row,) = csv_rows(to, ";")
    assert row["Created"] == "2026-11-24T09:30:00.123000Z"
    assert (row["Local"], row["Note"]) == ("2026-11-24T09:30:00", "=1+1")


def test_parquet(tmp_path: Path) -> None:
    to, _ = table(tmp_path, [ended(1, BOX), ended(2, {"Count": 7, "Addresses": []})], Format.PARQUET)
    found = parquet.read_table(to)
    types = {field.name: field.type for field in found.schema}
    assert types["Created"] == pa.timestamp("us", tz="UTC")
    assert types["Local"] == pa.timestamp("us")
    assert types["Day"] == pa.date32()
    assert types["Size.Bytes"] == types["Keep.Seconds"] == types["Row"] == types["Count"] == pa.int64()
    assert types["Share"] == pa.float64()
    assert types["On"] == pa.bool_()
    assert types["Addresses"] == pa.list_(pa.string())
    assert types["Zip"] == types["Parts"] == types["Nothing"] == pa.string()
    first, second = found.to_pylist()
    assert first["Created"] == MOMENT.replace(tzinfo=UTC)
    assert (first["Local"], first["Day"]) == (MOMENT, MOMENT.date())
    assert first["Addresses"] == BOX["Addresses"]
    assert (first["Size.Bytes"], first["Keep.Seconds"]) == (1024, 1_209_600)
    assert (second["Count"], second["Addresses"], second["Created"]) == (7, [], None)


def test_ndjson(tmp_path: Path) -> None:
    to, _ = table(tmp_path, [ended(1, BOX)], Format.NDJSON)
    (found,) = map(json.loads, to.read_bytes().splitlines())
    assert found["Created"] == "2026-11-24T09:30:00Z"
    assert (found["Local"], found["Day"]) == ("2026-11-24T09:30:00", "2026-11-24")
    assert (found["Addresses"], found["Parts"]) == (BOX["Addresses"], [{"A": 1}])
    assert (found["Plan.Name"], found["Size.Bytes"], found["On"]) == ("E5", 1024, True)
    assert "Nothing" not in found


def test_excel(tmp_path: Path) -> None:
    failed = ended(2, status=Status.FAILED, error=Failure("NotFound", "A.ObjectNotFound", "It is not there."))
    ruled = ended(3, status=Status.SKIPPED, error=Failure(BY_RULE, "", "A rule of the job."))
    to, summary = table(tmp_path, [ended(1, BOX), failed, ruled], Format.XLSX)
    (row,) = sheet_rows(to)
    assert (row["Created"], row["Local"], row["Day"]) == (MOMENT, MOMENT, datetime(2026, 11, 24))
    assert (row["Size.Bytes"], row["Count"], row["Share"], row["On"]) == (1024, 5, 0.5, True)
    assert (row["Zip"], row["Nothing"]) == ("00501", None)
    book = openpyxl.load_workbook(to)
    assert book.sheetnames == ["Values", "Failed"]
    for sheet in book:
        (made,) = sheet.tables.values()
        assert made.ref == made.autoFilter.ref == sheet.dimensions
        assert [each.name for each in made.tableColumns] == [cell.value for cell in sheet[1]]
        assert made.tableStyleInfo.showRowStripes
    assert book["Values"].freeze_panes == "C2"
    assert "0" in book["Values"]["L2"].number_format
    (told,) = sheet_rows(to, "Failed")
    assert (told["Row"], told["Status"], told["Error"]) == (2, "failed", "It is not there.")
    assert told["Cause"]
    assert told["Remedy"]
    assert summary.notes == ["1 item failed, or did not come to an end: they stand on the sheet Failed."]


def hostile(tmp_path: Path, form: Format, **more: Any) -> Path:
    return table(tmp_path, [ended(1, *({"=Name": text} for text in HOSTILE))], form, **more)[0]


def test_hostile_cells_in_a_csv(tmp_path: Path) -> None:
    found = [row["'=Name"] for row in csv_rows(hostile(tmp_path, Format.CSV))]
    assert found[:6] == ["'" + HOSTILE[0], "'@SUM(1)", "'+49 30 1234", "-5", "'\t=1", "'＝1"]
    assert found[6:] == HOSTILE[6:]


def test_hostile_cells_in_a_plain_csv(tmp_path: Path) -> None:
    assert [row["=Name"] for row in csv_rows(hostile(tmp_path, Format.CSV, plain=True))] == HOSTILE


def test_hostile_cells_in_parquet_and_ndjson(tmp_path: Path) -> None:
    found = parquet.read_table(hostile(tmp_path, Format.PARQUET))["=Name"].to_pylist()
    assert found == HOSTILE
    to = tmp_path / "lines.ndjson"
    export_to(RunFolder(tmp_path / "run"), Request(Format.NDJSON), to)
    assert [json.loads(line)["=Name"] for line in to.read_bytes().splitlines()] == HOSTILE


def test_hostile_cells_in_excel(tmp_path: Path) -> None:
    to = hostile(tmp_path, Format.XLSX)
    cells = [row[2] for row in openpyxl.load_workbook(to)["Values"].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)
    found = [str(cell.value) for cell in cells]
    assert found[:7] == HOSTILE[:7]
    assert found[7] == "\ufffd" * 4
    assert [text.rstrip("\u200b") for text in found[9:12]] == HOSTILE[9:12]
    assert found[14].endswith(CUT)
    assert len(found[14].encode("utf-16-le")) // 2 <= CELL_LIMIT
    with zipfile.ZipFile(to) as packed:
        content = packed.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in content
    assert "hyperlink" not in content
    assert "_x005F_x0041_" in content


def test_what_excel_cuts_is_told(tmp_path: Path) -> None:
    _, summary = table(tmp_path, [ended(1, {"A": LONG}, {"A": "👩" * 20_000})], Format.XLSX)
    assert summary.notes[0].startswith("2 cells had more than Excel's 32,767 characters")


def test_numbers_and_dates_that_excel_cannot_hold_are_texts(tmp_path: Path) -> None:
    values = [{"Id": 2**53 + 1, "At": "0001-01-01T00:00:00Z"}, {"Id": 5, "At": "9999-12-31T23:59:59.999Z"}]
    to, _ = table(tmp_path, [ended(1, *values)], Format.XLSX)
    first, second = sheet_rows(to)
    assert (first["Id"], first["At"]) == (str(2**53 + 1), "0001-01-01 00:00:00")
    assert second["Id"] == 5
    assert second["At"].year == 9999


def test_what_one_sheet_cannot_hold_goes_on_the_next(tmp_path: Path) -> None:
    column = Column("A", "A", Kind.WHOLE)
    with (tmp_path / "table.xlsx").open("wb") as target:
        book = Book(target, tmp_path)
        made = book.table("Values", [column], 5, limit=2)
        for number in range(5):
            made.write({"A": number})
        book.close()
    sheets = openpyxl.load_workbook(tmp_path / "table.xlsx")
    assert [sheet.title for sheet in sheets] == ["Values", "Values 2", "Values 3"]
    assert [[row[0].value for row in sheet.iter_rows(min_row=2)] for sheet in sheets] == [[0, 1], [2, 3], [4]]
    assert [next(iter(sheet.tables.values())).ref for sheet in sheets] == ["A1:A3", "A1:A3", "A1:A2"]


@pytest.mark.parametrize("form", list(Format))
def test_a_run_that_returned_nothing(tmp_path: Path, form: Format) -> None:
    to, summary = table(tmp_path, [ended(1)], form)
    assert to.exists()
    assert "--what outcomes" in summary.notes[0]
    if form is Format.CSV:
        assert to.read_bytes() == b"\xef\xbb\xbfRow\r\n"
    if form is Format.XLSX:
        assert next(iter(openpyxl.load_workbook(to).active.tables.values())).ref == "A1:A2"


def test_steps_cmdlets_and_tenants_are_columns_where_there_are_several(tmp_path: Path) -> None:
    lines = [
        ended(1, {"A": 1}, tenant="contoso.com"),
        ended(1, {"B": 2}, step=2, cmdlet="Get-MailboxStatistics", tenant="fabrikam.com"),
    ]
    to, _ = table(tmp_path, lines, Format.CSV)
    assert list(csv_rows(to)[0]) == ["Row", "Tenant", "Step", "Cmdlet", "RowIdentity", "A", "B"]
    other = tmp_path / "other"
    other.mkdir()
    to, _ = table(other, lines, Format.CSV, step=2)
    assert csv_rows(to) == [
        {"Row": "1", "Tenant": "fabrikam.com", "RowIdentity": "user1@contoso.com", "B": "2"}
    ]


def test_outcomes(tmp_path: Path) -> None:
    failed = ended(
        2, status=Status.FAILED, error=Failure("NotFound", "A.ObjectNotFound", "=It is not there.")
    )
    to, summary = table(tmp_path, [ended(1, BOX, BOX), failed], Format.CSV, what=What.OUTCOMES)
    first, second = csv_rows(to)
    assert (first["Identity"], first["Status"], first["Objects"]) == ("user1@contoso.com", "succeeded", "2")
    assert (first["Started"], first["Seconds"], first["RequestId"]) == ("2026-11-24 09:30:00", "0.25", "id-1")
    assert (second["Error"], second["ErrorCode"]) == ("'=It is not there.", "NotFound")
    assert summary.notes == []


def test_statuses(tmp_path: Path) -> None:
    failed = ended(2, status=Status.FAILED, error=Failure("NotFound", "", "It is not there."))
    wanted = (Status.FAILED, Status.UNKNOWN)
    to, _ = table(tmp_path, [ended(1), failed], Format.CSV, what=What.OUTCOMES, statuses=wanted)
    assert [row["Row"] for row in csv_rows(to)] == ["2"]


def test_pages_are_read_up_to_what_counts(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", [])
    line = paged(folder, 1, [{"A": 1}, {"A": 2}], beyond=b'{"A": 3}\n{"A')
    folder.results.write_bytes(line)
    to = tmp_path / "table.csv"
    export_to(folder, Request(Format.CSV), to)
    assert [row["A"] for row in csv_rows(to)] == ["1", "2"]
    (folder.pages / "1.ndjson").write_bytes(b'{"A": 1}\n')
    with pytest.raises(UsageError, match="damaged"):
        export_to(folder, Request(Format.CSV), to, force=True)
    (folder.pages / "1.ndjson").unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        export_to(folder, Request(Format.CSV), to, force=True)


def test_a_run_that_goes_on(tmp_path: Path) -> None:
    torn = ended(3, {"A": 3})[:-20]
    folder = run(tmp_path / "run", [ended(1, {"A": 1}), ended(2, {"A": 2}), torn], state="running")
    summary = export_to(folder, Request(Format.CSV), tmp_path / "table.csv")
    assert [row["A"] for row in csv_rows(tmp_path / "table.csv")] == ["1", "2"]
    assert summary.notes == ["The run is not complete: the table has what had ended by now."]


def test_what_is_written_in_between_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run(tmp_path / "run", [ended(1, {"A": 1})], state="running")
    first_pass = export._surveyed

    def surveyed(*arguments: Any) -> Any:
        found = first_pass(*arguments)
        with folder.results.open("ab") as file:
            file.write(ended(2, {"B": "late"}))
        return found

    monkeypatch.setattr(export, "_surveyed", surveyed)
    summary = export_to(folder, Request(Format.XLSX), tmp_path / "table.xlsx")
    assert summary.rows == 1
    assert [row["Row"] for row in sheet_rows(tmp_path / "table.xlsx")] == [1]


def test_a_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    to, _ = table(tmp_path, [ended(1, {"A": 1})], Format.CSV)
    to.write_text("mine")
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(UsageError, match="--force"):
        export_to(folder, Request(Format.CSV), to)
    assert to.read_text() == "mine"
    export_to(folder, Request(Format.CSV), to, force=True)
    assert [row["A"] for row in csv_rows(to)] == ["1"]


def test_lines_that_were_lost_are_told(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", [ended(1, {"A": 1})])
    folder.write({**folder.read(), "counts": {"ended": 2, "unwritten": 0}})
    (note,) = export_to(folder, Request(Format.CSV), tmp_path / "out.csv").notes
    assert note.endswith("holds 1 of the 2 items that ended: the rest was lost. Restore it from a copy.")
    folder.write({**folder.read(), "counts": {"ended": 2, "unwritten": 1}})
    assert not export_to(folder, Request(Format.CSV), tmp_path / "two.csv").notes


def test_unknown_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean DisplayName"):
        table(tmp_path, [ended(1, {"DisplayName": 1})], Format.CSV, columns=("DisplyName",))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, form: Format) -> None:
    lines = [ended(row, {"A": os.urandom(3000).hex()}) for row in range(300)]
    run(tmp_path / "run", lines)
    to = tmp_path / f"table.{form}"
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "sys.argv = ['bulkexo', 'export', sys.argv[1], '--to', sys.argv[2]]\n"
        "from bulkexo.cli import main; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "run", to], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_the_table_is_the_one_that_xlsxwriter_itself_would_add(tmp_path: Path) -> None:
    to, _ = table(tmp_path, [ended(row, BOX) for row in range(1, 8)], Format.XLSX)
    header = [cell.value for cell in openpyxl.load_workbook(to)["Values"][1]]
    with xlsxwriter.Workbook(tmp_path / "plain.xlsx") as plain:
        options = {"columns": [{"header": name} for name in header], "name": "Values", "style": STYLE}
        plain.add_worksheet("Values").add_table(0, 0, 7, len(header) - 1, options)
    for part in ("xl/tables/table1.xml", "xl/worksheets/_rels/sheet1.xml.rels", "[Content_Types].xml"):
        with zipfile.ZipFile(to) as streamed, zipfile.ZipFile(tmp_path / "plain.xlsx") as usual:
            found, expected = streamed.read(part), usual.read(part)
        strings = (
            rb'<Override PartName="/xl/sharedStrings.xml"[^>]*/>'  # which a streamed one has in its cells
        )
        assert re.sub(strings, b"", found) == re.sub(strings, b"", expected)


def test_names_that_look_like_marked_up_text(tmp_path: Path) -> None:
    to, _ = table(tmp_path, [ended(1, {"<r>&</r>": "<r>&</r>", "_x0041_": "_x0041_"})], Format.XLSX)
    (row,) = sheet_rows(to)
    assert row["<r>&</r>\u200b"] == "<r>&</r>\u200b"  # else XlsxWriter would take it for its own
    with zipfile.ZipFile(to) as packed:
        assert b'name="_x005F_x0041_"' in packed.read("xl/tables/table1.xml")
        assert packed.read("xl/worksheets/sheet1.xml").count(b">_x005F_x0041_<") == 2
