"""The jobs that come with bulkexo, on the sandbox that `--sandbox` starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import bulkexo, document, lines

JOBS = Path(__file__).parents[2] / "jobs"


@pytest.mark.parametrize(
    ("name", "rows", "items"),
    [
        ("department.yaml", 2000, 2000),
        ("statistics.yaml", 2000, 2000),
        ("shared-mailbox.yaml", 36, 72),
        ("members.csv", 60, 60),
        ("addresses.csv", 40, 40),
        ("leaver.yaml", 8, 32),
        ("migration-wave.yaml", 48, 192),
    ],
)
def test_each_can_run(tmp_path: Path, name: str, rows: int, items: int) -> None:
    more = ("--cmdlet", "Set-Mailbox") if name == "addresses.csv" else ()
    done = bulkexo("check", JOBS / name, *more, cwd=tmp_path).check(0)
    assert f"{name} can run: {rows:,} rows, {items:,} items (" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_one_whose_rows_the_tenant_names(tmp_path: Path) -> None:
    for name in ("hold.yaml", "sent-items.yaml"):
        done = bulkexo("check", JOBS / name, cwd=tmp_path).check(0)
        assert "its rows are asked for when it runs (Get-Mailbox)" in done.stderr


@pytest.mark.parametrize("name", ["shared-mailbox.yaml", "members.csv", "addresses.csv", "sent-items.yaml"])
def test_the_small_ones_succeed(tmp_path: Path, name: str) -> None:
    more = ("--cmdlet", "Set-Mailbox") if name == "addresses.csv" else ()
    options = ("--sandbox", "--sandbox-options", "--mailboxes 2500 --speed 50", "--out", "out")
    done = bulkexo("run", JOBS / name, *more, *options, cwd=tmp_path).check(0)
    found = document(tmp_path / "out")
    assert found["counts"]["items"] == len(lines(tmp_path / "out"))
    assert {line["status"] for line in lines(tmp_path / "out")} == {"succeeded"}
    assert "Complete: " in done.stderr
