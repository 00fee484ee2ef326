"""Lists of several pages: in batches and outside, killed half-way, and in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, document, lines, start, until, value
from tests.e2e.files import table
from tests.e2e.memory import STATUS, peak
from tests.e2e.pretend import Pretend, pretend

BOXES = 2500
LIST = ["Cmdlet", "ResultSize", "Identity"]
ALL = ["Get-Mailbox", "Unlimited", ""]
PAGE_BY_PAGE = ("--batch-size", "1", "--rate", "0.5")
"""Two seconds between a page and the next."""


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant of three pages."""
    with pretend(tmp_path_factory.mktemp("tenant"), f"--mailboxes {BOXES} --speed 50") as running:
        yield running


@pytest.fixture(scope="module")
def names(tenant: Pretend) -> list[str]:
    return sorted(str(box["UserPrincipalName"]) for box in tenant.everything())


def found(run: Path, line: dict[str, Any]) -> list[str]:
    return sorted(box["UserPrincipalName"] for box in value(run, line))


def test_lists_in_a_batch_with_other_cmdlets(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    rows = [ALL, ["Get-Mailbox", "", names[0]], ALL, ["Get-User", "", names[1]], ALL]
    run = tmp_path / "out"
    job = table(tmp_path / "job.csv", LIST, rows)
    done = bulkexo("run", job, "--out", run, cwd=tmp_path, env=tenant.env).check(0)
    by_row = {line["row"]: line for line in lines(run)}
    assert [found(run, by_row[row]) == names for row in (1, 3, 5)] == [True] * 3
    assert [len(by_row[row]["value"]) for row in (2, 4)] == [1, 1]
    assert {path.name for path in (run / "pages").iterdir()} == {"1.ndjson", "3.ndjson", "5.ndjson"}
    assert {line["attempts"] for line in by_row.values()} == {1}
    assert (document(run)["counts"]["sent"], document(run)["counts"]["pages"]) == (11, 6)
    assert "Sendings: 11 for 5 items (6 further pages, 0 further attempts, " in done.stderr


def test_what_is_selected_is_all_that_comes(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    job = table(tmp_path / "job.csv", LIST, [ALL, ["Get-Mailbox", "", names[0]]])
    arguments = ("--select", "UserPrincipalName,Alias", "--out", "out")
    bulkexo("run", job, *arguments, cwd=tmp_path, env=tenant.env).check(0)
    for line in lines(tmp_path / "out"):
        boxes = value(tmp_path / "out", line)
        assert len(boxes) in (1, BOXES)
        assert {frozenset(box) for box in boxes} == {frozenset({"UserPrincipalName", "Alias"})}


def test_type_notes_stay_if_they_are_asked_for(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    job = table(tmp_path / "job.csv", LIST, [ALL, ["Get-Mailbox", "", names[0]]])
    for options, noted in (((), False), (("--raw",), True)):
        run = tmp_path / f"out{len(options)}"
        bulkexo("run", job, "--out", run, *options, cwd=tmp_path, env=tenant.env).check(0)
        for line in lines(run):
            for box in value(run, line):
                assert any(name.endswith("@data.type") for name in box) == noted


def test_a_run_killed_between_pages_begins_the_list_anew(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    run, job = tmp_path / "out", table(tmp_path / "job.csv", LIST, [ALL])
    process = start("run", job, "--out", run, *PAGE_BY_PAGE, cwd=tmp_path, env=tenant.env)
    until(
        lambda: (run / "pages" / "1.ndjson").exists() and (run / "pages" / "1.ndjson").stat().st_size, process
    )
    process.kill()
    process.communicate()
    assert lines(run) == []
    bulkexo("resume", run, "--rate", "1000", cwd=tmp_path, env=tenant.env).check(0)
    (line,) = lines(run)
    assert found(run, line) == names
    assert document(run)["state"] == "complete"


def test_a_list_whose_cursor_is_always_lost_fails_and_leaves_no_half_of_itself(tmp_path: Path) -> None:
    job = table(tmp_path / "job.csv", LIST, [ALL])
    run = tmp_path / "out"
    with pretend(tmp_path / "tenant", "--mailboxes 1500 --speed 50 --cursor-lifetime 0") as tenant:
        arguments = ("--retries", "1", "--out", run)
        bulkexo("run", job, *arguments, cwd=tmp_path, env=tenant.env).check(1)
    (line,) = lines(run)
    assert "pagination request" in line["error"]["message"]
    assert (line["value"], "pages" in line, list((run / "pages").iterdir())) == ([], False, [])


@pytest.mark.skipif(not STATUS.exists(), reason="memory is measured by /proc")
def test_a_long_list_takes_no_more_memory_than_a_page(tmp_path: Path) -> None:
    """benchmarks/paging.py does it with 200,000."""
    taken: dict[int, float] = {}
    for boxes in (1000, 8_000):
        folder = tmp_path / str(boxes)
        with pretend(folder, f"--mailboxes {boxes} --speed 1000") as tenant:
            job = table(folder / "job.csv", LIST, [ALL])
            taken[boxes] = peak("run", job, "--out", "out", cwd=folder, env=tenant.env)
        (line,) = lines(folder / "out")
        assert (line["pages"]["objects"] if "pages" in line else len(line["value"])) == boxes
    assert taken[8_000] - taken[1000] < 25, taken
