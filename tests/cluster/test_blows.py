"""`bulkexo run --workers` from outside: the same results, workers killed and frozen, the coordinator killed.

Few rounds: benchmarks/cluster.py has a hundred.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.processes import PROGRAM, count
from tests.chaos.rows import Row

from .many import Many, Served, even, many, rows_of, write
from .proof import differences, prove
from .striking import Striking, killed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Workers are found by /proc.")
LEASE = 2.0
OPTIONS = ("--yes", "--no-progress", "--retries", "20")
LIMIT = 120.0


def written(folder: Path, served: Sequence[Served]) -> list[Row]:
    """The job, without rows whose fate takes minutes to find out."""
    kept = [row for row in rows_of(served, 7) if row.cmdlet != "New-InboxRule"]
    rows = [Row(number, row.cells) for number, row in enumerate(kept, 1)]
    write(rows, folder / "job.csv")
    return rows


def words(folder: Path, name: str, *spread: str) -> list[str]:
    return ["run", str(folder / "job.csv"), "--tenant-column", "Tenant", "--out", str(folder / name), *spread]


def bulkexo(arguments: Sequence[str], world: Many, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments, *OPTIONS, *more],
        env=world.environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT,
        check=False,
    )


def test_the_same_results_as_in_one_process(tmp_path: Path) -> None:
    served = even(4, 25)
    wanted = Counter(row.cells["Tenant"] for row in written(tmp_path, served))
    for name, spread in (("one", ()), ("two", ("--workers", "2"))):
        with many(tmp_path / f"tenants-{name}", served, "--latency", "0.05") as world:
            done = bulkexo(words(tmp_path, name, *spread), world, "--json")
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)["tenants"]
            assert {tenant: counts["succeeded"] for tenant, counts in told.items()} == wanted
    assert differences(tmp_path / "one", tmp_path / "two") == []


def test_workers_that_die_and_workers_that_come_back(tmp_path: Path) -> None:
    served = even(4, 120, 12.0)
    rows = written(tmp_path, served)
    with many(tmp_path / "tenants", served, "--latency", "0.2") as world:
        striking = Striking(
            tmp_path / "run",
            world.environment(),
            random.Random(3),
            total=len(rows),
            lease=LEASE,
            port=int(world.service.endpoint.rpartition(":")[2]),
            places=2,
            words=tmp_path / "words",
        )
        kinds = iter((killed, striking.frozen))

        def by_turns(pid: int) -> str:
            return next(kinds)(pid)

        spread = ("--workers", "2", "--worker-timeout", f"{LEASE:g}")
        story = striking.go(words(tmp_path, "run", *spread), 2, by_turns)
        assert (story.code, story.blows) == (0, {"killed": 1, "frozen": 1}), story.words
        proof = prove(rows, tmp_path / "run", world)
    assert proof.wrong == []
    assert set(proof.figures.statuses) <= {"succeeded", "unchanged"}


def test_a_coordinator_that_dies(tmp_path: Path) -> None:
    served = even(3, 60, 20.0)
    rows = written(tmp_path, served)
    spread = ("--workers", "2", "--worker-timeout", f"{LEASE:g}")
    with many(tmp_path / "tenants", served, "--latency", "0.2") as world:
        with subprocess.Popen(
            [*PROGRAM, *words(tmp_path, "run", *spread), *OPTIONS],
            env=world.environment(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            limit = time.monotonic() + LIMIT
            while count(tmp_path / "run" / "results.ndjson") < 30 and time.monotonic() < limit:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        resumed = time.time()
        done = bulkexo(["resume", str(tmp_path / "run")], world)
        assert done.returncode == 0, done.stderr
        proof = prove(rows, tmp_path / "run", world, since=resumed)
    assert proof.wrong == []
