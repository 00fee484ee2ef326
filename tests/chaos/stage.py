"""Short runs on fresh rows of one tenant, each struck at chosen steps, and gone on with to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .compare import Since, compare, late, read
from .forking import NEVER, Forker, forker
from .killing import COMPLETE
from .processes import Tenant, count, lines, tenant
from .rows import Row, Writer, write

ROWS = 12
OPTIONS = ("--yes", "--no-progress", "--concurrency", "2", "--batch-size", "3")


@dataclass(frozen=True, slots=True)
class Blow:
    """What strikes one process; see Fate."""

    at: int = NEVER
    half: bool = False
    broken: int = 0


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

    def start(self, blow: Blow) -> int:
        """Run the job; where a run has begun, go on with it."""
        known = (self.run / "run.json").exists()
        command = ["resume", str(self.run)] if known else ["run", str(self.job), "--out", str(self.run)]
        return self.forker.run([*command, *OPTIONS], blow.at, half=blow.half, broken=blow.broken)


@contextmanager
def stage(folder: Path, seed: int, experiments: int) -> Iterator[Stage]:
    writer = Writer(ROWS, seed, experiments=experiments)
    with (
        tenant(folder, writer.mailboxes, "--latency", "0", faults={}) as service,
        forker(service.environment(), folder / "words") as forks,
    ):
        yield Stage(service, forks, writer, folder)


def experiment(on: Stage, blows: Sequence[Blow]) -> list[int]:
    """Run fresh rows with these blows, a process each, then to the end; compare. Returns the exit codes."""
    rows = on.rows()
    since = Since(count(on.tenant.journal), count(on.tenant.arrivals))
    codes: list[int] = []
    ended: dict[int, int] = {}
    for blow in [*blows, Blow()]:
        codes.append(on.start(blow))
        arrived = count(on.tenant.arrivals) - since.arrivals
        for line in lines(on.run / "results.ndjson"):
            ended.setdefault(line["row"] << 8 | line["step"], arrived)
        if codes[-1] in COMPLETE:
            break
    ledger = read(rows, on.run, on.tenant, since)
    found = compare(ledger)
    words = on.forker.words.read_text()[-2000:]
    assert not found.wrong, (blows, codes, found.wrong, words)
    assert not late(ledger.arrivals, ended), (blows, codes)
    assert set(found.statuses) <= {"succeeded", "unchanged"}, (blows, codes, found.statuses)
    assert codes[-1] == 0, (blows, codes, words)
    return codes
