"""--quiet: one line for the mail of a scheduler, and nothing else; --json beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.command import bulkexo
from tests.e2e.files import table
from tests.e2e.pretend import Pretend

COLUMNS = ("Identity", "CustomAttribute1")


def test_one_line_tells_all_that_went_well(tenant: Pretend, names: list[str], tmp_path: Path) -> None:
    table(tmp_path / "job.csv", COLUMNS, [[name, "v"] for name in names[:20]])
    arguments = ("run", "job.csv", "--cmdlet", "Set-Mailbox", "--out", "out", "--quiet")
    done = bulkexo(*arguments, cwd=tmp_path, env=tenant.env).check(0)
    how = r"20 of 20 items, 20 succeeded, in \d\.\d s; exit code 0 \(all went well\); out"
    assert re.fullmatch(rf"job\.csv complete: {how}\n", done.stderr)
    assert done.stdout == ""


def test_the_object_stands_alone_on_stdout(tenant: Pretend, tmp_path: Path) -> None:
    table(tmp_path / "job.csv", COLUMNS, [["nobody@contoso.com", "v"]])
    arguments = ("run", "job.csv", "--cmdlet", "Set-Mailbox", "--out", "out", "--quiet", "--json")
    done = bulkexo(*arguments, cwd=tmp_path, env=tenant.env).check(1)
    assert json.loads(done.stdout)["failed"] == 1
    assert done.stderr.startswith("job.csv complete: 1 of 1 items, 1 failed, in ")
    assert done.stderr.endswith("; exit code 1 (some items failed or are unknown); out\n")


@pytest.mark.parametrize("option", [["--quiet"], []])
def test_notes_are_left_out_and_errors_are_not(tmp_path: Path, option: list[str]) -> None:
    table(tmp_path / "job.csv", COLUMNS, [["ada@contoso.com", "v"]])
    checked = bulkexo("check", "job.csv", "--cmdlet", "Set-Mailboxx", *option, cwd=tmp_path).check(0)
    assert ("Note:" in checked.stderr) == (not option)
    wrong = bulkexo("run", "job.csv", "--cmdlet", "Set-Mailbox", "--rate", "fast", *option, cwd=tmp_path)
    assert "'fast' does not fit" in wrong.check(2).stderr


def test_a_run_that_stopped_says_why_in_its_line(tenant: Pretend, tmp_path: Path) -> None:
    table(tmp_path / "job.csv", COLUMNS, [[f"nobody{number}@contoso.com", "v"] for number in range(300)])
    arguments = (
        "run",
        "job.csv",
        "--cmdlet",
        "Set-Mailbox",
        "--out",
        "out",
        "--quiet",
        "--max-failures",
        "5",
    )
    line = bulkexo(*arguments, cwd=tmp_path, env=tenant.env).check(3).stderr
    assert re.fullmatch(r"job\.csv stopped: .*; exit code 3 \(.* reaches --max-failures\); out\n", line)
    again = bulkexo("resume", "out", "--max-failures", "9999", cwd=tmp_path, env=tenant.env).check(1).stderr
    assert re.fullmatch(r"job\.csv complete: 300 of 300 items, 300 failed, in .*\n", again)
