"""A death before every step of the journal and of the sending, and within every write, one after another."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .compare import Since, compare, read
from .forking import NEVER, Forker, forker
from .killing import COMPLETE
from .processes import Tenant, count, lines, tenant
from .rows import Row, Writer, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

ROWS = 12
STEPS_LIMIT = 200
EXPERIMENTS = 12
OPTIONS = ("--yes", "--no-progress", "--concurrency", "2", "--batch-size", "3")


@dataclass(slots=True)
class Stage:
    """A tenant, a process that forks, and rows that no experiment has used yet."""

    tenant: Tenant
    forker: Forker
    writer: Writer
    folder: Path
    experiments: int = 0

    def rows(self) -> list[Row]:
        """Fresh rows, as a job."""
        self.experiments += 1
        rows = self.writer.rows()
        write(rows, self.job)
        return rows

    @property
    def job(self) -> Path:
        return self.folder / f"job{self.experiments}.csv"

    @property
    def run(self) -> Path:
        return self.folder / f"run{self.experiments}"

    def start(self, at: int, *, half: bool) -> int:
        """Run the job; where a run has begun, go on with it."""
        known = (self.run / "run.json").exists()
        command = ["resume", str(self.run)] if known else ["run", str(self.job), "--out", str(self.run)]
        return self.forker.run([*command, *OPTIONS], at, half=half)


@contextmanager
def stage(folder: Path, seed: int, experiments: int) -> Iterator[Stage]:
    writer = Writer(ROWS, seed, experiments=experiments)
    with (
        tenant(folder, writer.mailboxes, "--latency", "0", faults={}) as service,
        forker(service.environment(), folder / "words") as forks,
    ):
        yield Stage(service, forks, writer, folder)


def experiment(on: Stage, deaths: list[tuple[int, bool]]) -> list[int]:
    """Run fresh rows with these deaths, one process each, then to the end; compare. Returns the codes."""
    rows = on.rows()
    since = Since(count(on.tenant.journal), count(on.tenant.arrivals))
    codes: list[int] = []
    ended: dict[int, int] = {}
    for at, half in [*deaths, (NEVER, False)]:
        codes.append(on.start(at, half=half))
        arrived = count(on.tenant.arrivals) - since.arrivals
        for line in lines(on.run / "results.ndjson"):
            ended.setdefault(line["row"], arrived)
        if codes[-1] in COMPLETE:
            break
    ledger = read(rows, on.run, on.tenant, since)
    found = compare(ledger)
    late = [row for place, row in enumerate(ledger.arrivals) if place >= ended[row]]
    words = on.forker.words.read_text()[-2000:]
    assert not found.wrong, (deaths, codes, found.wrong, words)
    assert not late, (deaths, codes, late)
    assert set(found.statuses) <= {"succeeded", "unchanged"}, (deaths, codes, found.statuses)
    assert codes[-1] == 0, (deaths, codes, words)
    return codes


def test_a_death_at_every_step(tmp_path: Path) -> None:
    with stage(tmp_path, 1, STEPS_LIMIT) as on:
        for at in range(STEPS_LIMIT):
            if experiment(on, [(at, True)]) == [0]:
                break
        assert 20 < at < STEPS_LIMIT - 1


def test_deaths_of_those_that_go_on(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when the test fails
    dice = random.Random(seed)
    with stage(tmp_path, seed, EXPERIMENTS) as on:
        for _ in range(EXPERIMENTS):
            experiment(on, [(dice.randrange(50), dice.random() < 0.5) for _ in range(dice.randint(2, 6))])
