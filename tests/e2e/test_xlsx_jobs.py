"""Jobs in Excel workbooks and in files of objects, from the command line: run, failed.csv, retry."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from tests.e2e.command import bulkexo, document, environment, lines, statuses
from tests.e2e.files import people, read_back
from tests.e2e.pretend import Pretend, pretend


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    with pretend(tmp_path_factory.mktemp("tenant"), "--mailboxes 30 --speed 50") as running:
        yield running


def workbook(path: Path, names: list[str]) -> Path:
    """A sheet of notes and one of rows, the last of which names nobody."""
    made = openpyxl.Workbook()
    made.active.append(("Notes",))
    sheet = made.create_sheet("Rooms")
    sheet.append(("Identity", "CustomAttribute1", "HiddenFromAddressListsEnabled"))
    for number, name in enumerate(names):
        sheet.append((name, 4711 + number, number % 2 == 0))
    sheet.append(("nobody@contoso.com", "x", None))
    made.save(path)
    return path


def test_a_workbook_runs_fails_and_is_retried(tmp_path: Path, tenant: Pretend) -> None:
    names = people(tenant)[:10]
    job = workbook(tmp_path / "rooms.xlsx", names)
    arguments = ("--cmdlet", "Set-Mailbox", "--sheet", "Rooms", "--out", "out", "--yes")
    bulkexo("run", job, *arguments, cwd=tmp_path, env=tenant.env).check(1)
    assert statuses(tmp_path / "out") == {**dict.fromkeys(range(1, 11), "succeeded"), 11: "failed"}
    assert document(tmp_path / "out")["job"]["rows"] == {"path": str(job), "encoding": "xlsx"}
    boxes = tenant.get(names)
    assert [box["CustomAttribute1"] for box in boxes] == [str(4711 + number) for number in range(10)]
    assert [box["HiddenFromAddressListsEnabled"] for box in boxes] == [True, False] * 5
    (failed,) = read_back(tmp_path / "out" / "failed.csv")
    assert (failed["Identity"], failed["CustomAttribute1"]) == ("nobody@contoso.com", "x")
    bulkexo("retry", "out", "--out", "again", "--yes", cwd=tmp_path, env=tenant.env).check(1)
    assert statuses(tmp_path / "again") == {11: "failed"}
    workbook(job, names[:5])
    done = bulkexo("retry", "out", "--out", "third", "--yes", cwd=tmp_path, env=tenant.env).check(2)
    assert "rooms.xlsx changed since the run began" in done.stderr


def test_objects_of_an_export_are_rows_again(tmp_path: Path, tenant: Pretend) -> None:
    (tmp_path / "all.csv").write_text("Cmdlet,ResultSize\nGet-Mailbox,5\n")
    bulkexo("run", "all.csv", "--out", "all", cwd=tmp_path, env=tenant.env).check(0)
    bulkexo("export", "all", "--to", "people.ndjson", cwd=tmp_path).check(0)
    (tmp_path / "job.yaml").write_text(
        "rows: people.ndjson\ncmdlet: Get-MailboxStatistics\nparameters: {Identity: '${UserPrincipalName}'}\n"
    )
    bulkexo("run", "job.yaml", "--out", "out", cwd=tmp_path, env=tenant.env).check(0)
    exported = (tmp_path / "people.ndjson").read_bytes().splitlines()
    wanted = [json.loads(line)["UserPrincipalName"] for line in exported]
    assert sorted(line["identity"] for line in lines(tmp_path / "out")) == sorted(wanted)


def test_without_openpyxl_it_is_told(tmp_path: Path) -> None:
    job = workbook(tmp_path / "rooms.xlsx", [])
    code = "import sys; sys.modules['openpyxl'] = None; from bulkexo.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "check", str(job), "--cmdlet", "Set-Mailbox"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert 'pip install "bulkexo[xlsx]"' in done.stderr
