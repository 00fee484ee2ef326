"""progress.ndjson of real runs: from the first process to the last."""

from __future__ import annotations

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
    found = [orjson.loads(line) for line in (tmp_path / "out" / "progress.ndjson").read_bytes().splitlines()]
    assert [entry["state"] for entry in found] == ["running", "stopped", "running", "complete"]
    assert [entry["waiting"] for entry in found] == ["signing in", "", "signing in", ""]
    assert [entry["total"] for entry in found] == [30] * 4
    assert found[0]["done"] == 0
    assert found[1]["done"] == found[1]["failed"] == found[2]["done"] >= 10
    assert found[3]["done"] == found[3]["failed"] == 30
    assert found[3]["attempts"] >= 30
    assert len({entry["pid"] for entry in found}) == 2


def test_a_run_that_signs_in_nowhere_leaves_no_file(tmp_path: Path) -> None:
    table(tmp_path / "job.csv", ["Identity"], [["ada@contoso.com"]])
    arguments = ("run", "job.csv", "--cmdlet", "Get-Mailbox", "--out", "out", "--tenant", "contoso.com")
    away = ("--authority", "http://127.0.0.1:9", "--client-id", "00000000-0000-0000-0000-000000000000")
    env = {"BULKEXO_CLIENT_SECRET": "x" * 20}
    bulkexo(*arguments, *away, cwd=tmp_path, env=env).check(4)
    assert not (tmp_path / "out").exists()
