"""The main job: 10,000 rows, throttled and faulty; every line, every value and every effect looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import Ended, bulkexo, document, lines
from tests.e2e.files import people, read_back, table
from tests.e2e.pretend import Pretend, pretend

ROWS = 10_000
LEAVERS = frozenset(range(500, ROWS + 1, 500))
"""Rows that name nobody: certain to fail."""


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant that throttles and fails."""
    options = "--mailboxes 9980 --speed 20 --allowance 60/s --faults 50"
    with pretend(tmp_path_factory.mktemp("tenant"), options) as running:
        yield running


@pytest.fixture(scope="module")
def rows(tenant: Pretend) -> dict[int, tuple[str, str]]:
    """Row → (identity, value)."""
    names = iter(people(tenant))
    return {
        row: (f"leaver{row}@contoso.com" if row in LEAVERS else next(names), f"value {row:05} ß")
        for row in range(1, ROWS + 1)
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tenant: Pretend, rows: dict[int, tuple[str, str]]) -> Path:
    """The folder of the run, once it is through."""
    folder = tmp_path_factory.mktemp("main")
    table(folder / "main.csv", ["Identity", "CustomAttribute7"], rows.values())
    arguments = ("run", "main.csv", "--cmdlet", "Set-Mailbox", "--out", "out", "--json")
    done: Ended = bulkexo(*arguments, cwd=folder, env=tenant.env).check(1)
    assert done.summary["state"] == "complete"
    assert done.summary["items"] == done.summary["ended"] == ROWS
    assert "Complete: 10,000 items" in done.stderr
    assert "leaver" in done.stderr
    return folder / "out"


def test_every_row_has_one_line_and_the_counts_agree(run: Path, tenant: Pretend) -> None:
    found = lines(run)
    assert sorted(line["row"] for line in found) == list(range(1, ROWS + 1))
    counts = document(run)["counts"]
    assert counts["items"] == ROWS
    assert counts["sent"] >= ROWS + counts["retried"]
    # Of what was throttled the run knows all but what a cut connection kept from it.
    assert 0 <= counts["throttled"] <= tenant.stats().get("throttled_items", 0)
    assert counts["retried"] > 0


def test_only_what_cannot_succeed_fails(run: Path) -> None:
    failed = {line["row"]: line["error"] for line in lines(run) if line["status"] == "failed"}
    assert set(failed) >= LEAVERS
    assert {failed[row]["type"].rpartition(".")[2] for row in LEAVERS} == {
        "ManagementObjectNotFoundException"
    }
    # Two faults in a row can end an item: 1 in 20,000 or so.
    assert len(failed) < len(LEAVERS) + 20
    assert {row["Identity"] for row in read_back(run / "failed.csv")} == {
        line["identity"] for line in lines(run) if line["status"] == "failed"
    }


def test_the_directory_holds_the_values_of_the_rows_that_succeeded(
    run: Path, tenant: Pretend, rows: dict[int, tuple[str, str]]
) -> None:
    held = {box["UserPrincipalName"]: box["CustomAttribute7"] for box in tenant.everything()}
    good = [line["row"] for line in lines(run) if line["status"] in ("succeeded", "unchanged")]
    assert len(good) > ROWS - len(LEAVERS) - 20
    assert [(rows[row][0], held[rows[row][0]]) for row in good] == [rows[row] for row in good]


def test_every_row_that_succeeded_took_effect(
    run: Path, tenant: Pretend, rows: dict[int, tuple[str, str]]
) -> None:
    effects = tenant.journal()
    changed = {
        (effect["identity"], effect["parameters"]["CustomAttribute7"])
        for effect in effects
        if effect["changed"]
    }
    good = {rows[line["row"]] for line in lines(run) if line["status"] in ("succeeded", "unchanged")}
    assert good <= changed <= set(rows.values())
