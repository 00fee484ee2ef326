"""`bulkexo export` as it is typed, on what a sandbox returned."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from tests.e2e.command import bulkexo, environment
from tests.e2e.files import people, table
from tests.e2e.pretend import Pretend, pretend

BOXES = 1300
OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant of two pages."""
    with pretend(tmp_path_factory.mktemp("large"), f"--mailboxes {BOXES} --speed 50") as running:
        yield running


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory, large: Pretend) -> Path:
    """A folder with the run `out`: the statistics of 20 mailboxes and of one that is not there."""
    folder = tmp_path_factory.mktemp("sizes")
    names = [*people(large)[:20], "nobody@contoso.com"]
    job = table(folder / "job.csv", ["Identity"], [[name] for name in names])
    bulkexo("run", job, "--cmdlet", "Get-MailboxStatistics", "--out", "out", cwd=folder, env=large.env).check(
        1
    )
    return folder


def test_sizes_as_a_workbook(sizes: Path) -> None:
    done = bulkexo("export", "out", "--to", "sizes.xlsx", cwd=sizes).check(0)
    assert done.stderr.startswith("sizes.xlsx: 20 lines, ")
    assert "1 item failed, or did not come to an end: they stand on the sheet Failed." in done.stderr
    header, *rows = openpyxl.load_workbook(sizes / "sizes.xlsx")["Values"].iter_rows(values_only=True)
    for row in rows:
        found = dict(zip(header, row, strict=True))
        text = str(found["TotalItemSize"])
        assert found["TotalItemSize.Bytes"] == int(text.partition("(")[2].split()[0].replace(",", ""))
        assert found["LastLogonTime"].year > 2000


def test_a_list_of_pages_to_stdout(tmp_path: Path, large: Pretend) -> None:
    job = table(tmp_path / "job.csv", ["Cmdlet", "ResultSize"], [["Get-Mailbox", "Unlimited"]])
    bulkexo("run", job, "--out", "out", cwd=tmp_path, env=large.env).check(0)
    arguments = ("--to", "-", "--format", "csv", "--plain", "--columns", "UserPrincipalName,EmailAddresses")
    done = bulkexo("export", "out", *arguments, cwd=tmp_path).check(0)
    header, *rows = csv.reader(io.StringIO(done.stdout))
    assert header == ["UserPrincipalName", "EmailAddresses"]
    assert sorted(row[0] for row in rows) == people(large)
    assert done.stderr == ""


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_reader_who_wants_no_more(sizes: Path, form: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bulkexo", "export", "out", "--to", "-", "--format", form],
        cwd=sizes,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_the_day_of_the_run_in_the_name(sizes: Path) -> None:
    for _ in range(2):
        bulkexo("export", "out", "--to", "${job}-${date}.csv", "--columns", "Row", cwd=sizes).check(0)
    found = sorted(path.name for path in sizes.glob("job-*.csv"))
    assert len(found) == 2
    assert found[0].endswith("-2.csv")
    assert all(re.match(r"job-20\d\d-\d\d-\d\d", name) for name in found)
    done = bulkexo("export", "out", "--to", "${day}.csv", cwd=sizes).check(2)
    assert "means nothing here" in done.stderr


def test_type_notes_and_clixml_make_no_difference(tmp_path: Path, large: Pretend) -> None:
    job = table(tmp_path / "job.csv", ["Cmdlet", "ResultSize"], [["Get-Mailbox", "20"]])
    tables: list[str] = []
    for ways in ([], ["--raw"], ["--response-format", "clixml"]):
        out = f"out{len(tables)}"
        bulkexo("run", job, "--out", out, *ways, cwd=tmp_path, env=large.env).check(0)
        done = bulkexo("export", out, "--to", "-", "--format", "csv", cwd=tmp_path).check(0)
        tables.append(done.stdout)
    assert "@odata.type" in (tmp_path / "out1" / "results.ndjson").read_text("utf-8")
    assert tables[0].count("\n") >= 21
    assert tables[0] == tables[1] == tables[2]


def test_the_failed_ones(sizes: Path) -> None:
    bulkexo("export", "out", "--to", "failed.csv", "--status", "failed", cwd=sizes).check(0)
    (row,) = csv.DictReader(io.StringIO((sizes / "failed.csv").read_text("utf-8-sig")))
    assert (row["Identity"], row["Status"]) == ("nobody@contoso.com", "failed")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "table.pdf"), "names no format"),
        (("--to", "-"), "--format"),
        (("--to", "-", "--format", "xlsx"), "cannot go to stdout"),
        (("--to", "."), "names no format"),
        (("--to", "t.csv", "--what", "all"), "values or outcomes"),
        (("--to", "t.csv", "--status", "good"), "succeeded, unchanged"),
        (("--to", "t.csv", "--delimiter", ":"), "tab"),
        (("--to", "t.xlsx", "--delimiter", ";"), "for a CSV"),
        (("--to", "t.csv", "--columns", "DisplyName"), "no column DisplyName. Did you mean DisplayName?"),
        (("--to", "nowhere/t.csv"), "Make its folder"),
    ],
)
def test_what_cannot_be_done_is_told(sizes: Path, arguments: tuple[str, ...], said: str) -> None:
    done = bulkexo("export", "out", *arguments, cwd=sizes).check(2)
    assert said in done.stderr
    assert not list(sizes.glob("t.*"))


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    done = bulkexo("export", tmp_path, "--to", "t.csv", cwd=tmp_path).check(2)
    assert "is not the folder of a run" in done.stderr


@pytest.mark.parametrize(
    ("module", "form", "extra"), [("xlsxwriter", "xlsx", "xlsx"), ("pyarrow", "parquet", "parquet")]
)
def test_an_extra_that_is_missing_is_told(sizes: Path, module: str, form: str, extra: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from bulkexo.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "export", "out", "--to", f"t.{form}"],
        cwd=sizes,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f'pip install "bulkexo[{extra}]"' in done.stderr
    assert not list(sizes.glob("t.*"))


@pytest.mark.skipif(OFFICE is None, reason="needs LibreOffice")
def test_libreoffice_reads_the_csv_and_the_workbook(tmp_path: Path, sizes: Path) -> None:
    dates = "--infilter=CSV:44,34,76,1,,1033,false,true"  # commas, UTF-8, dates are looked for
    for form, filters in (("csv", [dates]), ("xlsx", [])):
        bulkexo("export", "out", "--to", tmp_path / f"sizes.{form}", cwd=sizes).check(0)
        command = [str(OFFICE), "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"]
        command += [*filters, "--convert-to", "fods", "--outdir", str(tmp_path), f"sizes.{form}"]
        subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=tmp_path)
        content = (tmp_path / "sizes.fods").read_text("utf-8")
        formulas = set(re.findall(r'table:formula="([^"]*)"', content))
        assert formulas <= {"of:=FALSE()", "of:=TRUE()"}  # so it writes a boolean that it has read
        assert ">TotalItemSize.Bytes<" in content
        assert content.count('office:value-type="date"') >= 20
