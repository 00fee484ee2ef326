"""progress.ndjson of real runs: from the first process to the last."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from pathlib import Path

import orjson

from tests.e2e.command import bulkexo
from tests.e2e.files import table


def test_each_process_begins_and_ends_with_a_line(tmp_path: Path) -> None:
    table(
        tmp_path / "job.csv",
        ["Identity", "CustomAttribute1"],
        [[f"x{n}@contoso.com", "v"] for n in range(30)],
    )
    options = ("--sandbox", "--sandbox-options", "--mailboxes 5", "--max-failures", "10")
    bulkexo("run", "job.csv", "--cmdlet", "Set-Mailbox", "--out", "out", *options, cwd=tmp_path).check(3)
    bulkexo("resume", "out", "--max-failures", "1000", cwd=tmp_path).check(1)
    lines = (tmp_path / "out" / "progress.ndjson").read_bytes().splitlines()
    by_process = [list(those) for _, those in groupby(map(orjson.loads, lines), itemgetter("pid"))]
    first, second = ((each[0], each[-1]) for each in by_process)
    assert [entry["state"] for entry in (*first, *second)] == ["running", "stopped", "running", "complete"]
    assert [entry["waiting"] for entry in (*first, *second)] == ["signing in", "", "signing in", ""]
    assert {entry["total"] for each in by_process for entry in each} == {30}
    assert first[0]["done"] == 0
    assert first[1]["done"] == first[1]["failed"] == second[0]["done"] >= 10
    assert second[1]["done"] == second[1]["failed"] == 30
    assert second[1]["attempts"] >= 30


def test_a_run_that_signs_in_nowhere_leaves_no_file(tmp_path: Path) -> None:
    table(tmp_path / "job.csv", ["Identity"], [["ada@contoso.com"]])
    arguments = ("run", "job.csv", "--cmdlet", "Get-Mailbox", "--out", "out", "--tenant", "contoso.com")
    away = ("--authority", "http://127.0.0.1:9", "--client-id", "00000000-0000-0000-0000-000000000000")
    env = {"BULKEXO_CLIENT_SECRET": "x" * 20}
    bulkexo(*arguments, *away, cwd=tmp_path, env=env).check(4)
    assert not (tmp_path / "out").exists()
