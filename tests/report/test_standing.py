"""How a run stands, from what is in its folder and who holds its lock."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from bulkexo.journal.lock import lock
from bulkexo.model import Status, UsageError
from bulkexo.report.standing import as_line, as_object, as_table, as_text, standing, worst
from bulkexo.runsin import runs_in

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC).timestamp()
COUNTS = {"items": 2000, "ended": 812, "succeeded": 800, "unchanged": 0, "failed": 12, "skipped": 0}


def made(folder: Path, state: str, **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    document = {"state": state, "reason": "", "started": "2026-11-24T09:30:00.000Z", "ended": None}
    job = {"path": "/jobs/mailboxes.csv"}
    counts = {**COUNTS, "unknown": 0}
    (folder / "run.json").write_bytes(orjson.dumps({**document, "job": job, "counts": counts, **more}))
    return folder


def told(folder: Path, *lines: dict[str, Any]) -> None:
    usual = {
        "state": "running",
        "total": 2000,
        "succeeded": 0,
        "unchanged": 0,
        "failed": 0,
        "skipped": 0,
        "unknown": 0,
        "attempts": 1000,
        "throttled": 25,
        "items_per_second": 40.0,
        "allowed_per_second": 41.5,
        "batches": 15,
        "places": 16,
        "waiting": "",
        "pid": 7,
    }
    rows = [orjson.dumps({**usual, **line}) + b"\n" for line in lines]
    (folder / "progress.ndjson").write_bytes(b"".join(rows))


def line(second: int, done: int, **more: Any) -> dict[str, Any]:
    return {"time": f"2026-11-24T09:30:{second:02}.000Z", "done": done, "succeeded": done, **more}


def test_one_that_runs_is_told_by_its_last_line(tmp_path: Path) -> None:
    run = made(tmp_path / "run", "running")
    told(run, line(0, 100, pid=6), line(10, 400), line(20, 800), line(30, 1200, failed=0))
    with lock(run):
        seen = standing(run, START + 33)
        before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
        assert standing(run, START + 33) == seen
        assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before
    assert (seen.state, seen.done, seen.total, seen.exit_code, seen.next) == ("running", 1200, 2000, 0, "")
    assert seen.left == pytest.approx(800 / 40)  # by the lines of this process alone
    text = as_text(seen, START + 33)
    assert "Items:      1,200 of 2,000 (60%): 1,200 succeeded" in text
    assert "Pace:       40.0/s of 41.5/s allowed, 15 of 16 batches in flight" in text
    assert "Throttled:  25 of 1,000 sendings (2.5%)" in text
    assert "3.0 s ago, from process 7" in text
    assert as_line(seen) == "1,200 of 2,000, 40.0/s of 41.5/s allowed"


def test_nothing_is_promised_while_it_waits(tmp_path: Path) -> None:
    run = made(tmp_path / "run", "running")
    told(run, line(0, 100), line(10, 400, waiting="signing in again", items_per_second=0.0))
    with lock(run):
        seen = standing(run, START + 12)
    assert seen.left is None
    assert "State:      running; signing in again" in as_text(seen, START + 12)
    assert as_line(seen).endswith(", signing in again")


def test_one_whose_process_is_gone_has_died(tmp_path: Path) -> None:
    run = made(tmp_path / "run", "running")
    told(run, line(0, 100), line(10, 400, failed=3))
    with lock(run):
        pass
    seen = standing(run, START + 12)
    assert (seen.state, seen.exit_code, seen.done) == ("died", 3, 403)
    assert seen.next == f"bulkexo resume {run}"
    assert (seen.speed, seen.left, seen.batches) == (None, None, 0)
    assert "no process is at work in it" in as_text(seen, START + 12)


def test_one_that_has_ended_is_told_by_run_json(tmp_path: Path) -> None:
    run = made(tmp_path / "run", "complete", ended="2026-11-24T09:31:00.000Z")
    told(run, line(0, 100))
    seen = standing(run, START + 90)
    assert (seen.state, seen.done, seen.exit_code, seen.next) == ("complete", 812, 1, f"bulkexo retry {run}")
    assert "30 s ago" in as_text(seen, START + 90)
    well = made(tmp_path / "well", "complete", counts={**COUNTS, "failed": 0, "unknown": 0})
    assert standing(well, START).exit_code == 0
    assert standing(well, START).next == ""


def test_one_that_waits_for_approval_says_so(tmp_path: Path) -> None:
    waves = {"bounds": [10, 2000], "passed": 0, "waiting": START}
    run = made(tmp_path / "run", "stopped", reason="It waits for approval.", waves=waves)
    seen = standing(run, START + 90)
    assert (seen.state, seen.exit_code) == ("stopped", 3)
    assert seen.next == f"bulkexo resume {run} --approve"
    assert "State:      stopped: It waits for approval." in as_text(seen, START)


def test_an_older_run_without_progress_is_told_too(tmp_path: Path) -> None:
    seen = standing(made(tmp_path / "run", "running"), START + 90)
    assert (seen.state, seen.done, seen.total) == ("died", 812, 2000)
    assert seen.counts[Status.FAILED] == 12


@pytest.mark.parametrize(
    "document", [{}, {"counts": None, "job": None, "waves": None}, {"counts": {"items": "x"}}]
)
def test_a_run_json_that_lacks_much_is_no_trouble(tmp_path: Path, document: dict[str, Any]) -> None:
    (tmp_path / "run.json").write_bytes(orjson.dumps(document))
    seen = standing(tmp_path, START)
    assert as_text(seen, START)
    assert as_table([seen], START)
    assert orjson.dumps(as_object(seen))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, "starting"),
        ([{"asked": "Get-Mailbox", "path": "rows.ndjson", "sha256": None}], "reading its rows"),
        ({"asked": "Get-Mailbox", "path": "rows.ndjson", "sha256": "0" * 64}, "starting"),
    ],
)
def test_what_it_does_before_its_first_line(tmp_path: Path, rows: Any, said: str) -> None:
    run = made(tmp_path / "run", "running", job={"path": "job.yaml", "rows": rows}, counts={"items": 0})
    with lock(run):
        assert as_text(standing(run, START), START).splitlines()[2] == f"State:      running; {said}"


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the folder of a run"):
        standing(tmp_path, START)


def test_several_are_listed_the_newest_first(tmp_path: Path) -> None:
    first, second = made(tmp_path / "a", "complete"), made(tmp_path / "b", "stopped")
    (tmp_path / "notes.txt").write_text("mine")
    os.utime(first / "run.json", (START, START))
    os.utime(second / "run.json", (START + 60, START + 60))
    assert runs_in(tmp_path) == [second, first]
    assert runs_in(tmp_path / "none") == []
    several = [standing(run, START) for run in runs_in(tmp_path)]
    assert worst(several) == 3
    assert worst([]) == 0
    head, one, other = as_table(several, START + 120).splitlines()
    assert head.split() == ["STATE", "DONE", "FAILED", "UNKNOWN", "AGE", "RUN"]
    assert one.split() == ["stopped", "812", "of", "2,000", "12", "0", "2", "min", "0", "s", str(second)]
    assert other.startswith("complete  812 of 2,000")
