"""The proofs of docs/cluster.md: many tenants on one sandbox, driven by workers, which are struck meanwhile.

    python benchmarks/cluster.py allowances             40 unequal tenants: one process, 1 worker, 3 workers
    python benchmarks/cluster.py blows --rounds 100     workers killed, or frozen and woken when given up
    python benchmarks/cluster.py coordinator --rounds 10    the coordinator killed, and the run gone on with
    python benchmarks/cluster.py thousand               1,000 tenants of 100 rows: what a coordinator costs

The exit code is 1 if anything was lost or done twice, or a target was missed. Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.chaos.processes import ENOUGH, PROGRAM, count
from tests.chaos.rows import Row
from tests.cluster.many import Many, Served, even, many, rows_of, unequal, write
from tests.cluster.proof import GOODPUT, REFUSED, Proof, differences, prove
from tests.cluster.striking import Striking
from tests.cluster.watched import Costs, watched

LATENCY = "0.5,0.5"


class Table:
    """Prints a line per run, and keeps what was wrong."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def line(self, name: str, text: str, wrong: Sequence[str] = ()) -> None:
        """A run: its figures, and what must not be."""
        verdict = "" if not wrong else f"; WRONG: {len(wrong)}: {'; '.join(wrong[:3])}"
        print(f"{name:<26}{text}{verdict}", flush=True)
        self.wrong += wrong


@contextmanager
def world(served: Sequence[Served], rows: Sequence[Row], *options: str) -> Iterator[tuple[Path, Many]]:
    """A sandbox of its own with the job beside it, for one run."""
    with tempfile.TemporaryDirectory(prefix="bulkexo-cluster-") as name:
        folder = Path(name)
        write(rows, folder / "job.csv")
        with many(folder / "tenants", served, *options) as running:
            yield folder, running


def run_of(folder: Path, *options: str) -> list[str]:
    """The command line of the job."""
    job = str(folder / "job.csv")
    return ["run", job, "--tenant-column", "Tenant", "--out", str(folder / "run"), *options]


def finished(costs: Costs) -> list[str]:
    """What is wrong with how a run ended."""
    return [] if costs.code == 0 else [f"ended with {costs.code}: {costs.words[-600:]}"]


def allowances(asked: argparse.Namespace, table: Table) -> None:
    """Goodput and refusals of 40 unequal tenants; the same results in one process and on 1 and 3 workers."""
    served = unequal(asked.tenants, asked.rows, low=asked.low, high=asked.high)
    rows = rows_of(served, asked.seed)
    first: Path | None = None
    with tempfile.TemporaryDirectory() as kept:
        for spread in ([], ["--workers", "1"], ["--workers", "3"]):
            name = " ".join(spread) or "one process"
            with world(served, rows, "--latency", LATENCY) as (folder, running):
                costs = watched(
                    run_of(folder, *spread), folder / "run", running.environment(), folder / "words"
                )
                proof = prove(rows, folder / "run", running)
                wrong = finished(costs) + proof.wrong + proof.above + missed(proof)
                own = Path(kept) / name
                (folder / "run").rename(own)
            first = first or own
            apart = differences(first, own)
            text = f"{len(apart):,} lines differ; {driven(proof)}; {costs.seconds:.0f} s; {cost_of(costs)}"
            table.line(name, text, wrong + apart)


def missed(proof: Proof) -> list[str]:
    """Tenants below the target of goodput, or above that of refusals."""
    return [
        f"{each.tenant.domain}: goodput {each.goodput:.3f}, refused {each.refused:.3f}"
        for each in proof.paces
        if each.goodput < GOODPUT or each.refused > REFUSED
    ]


def driven(proof: Proof) -> str:
    """The worst of the tenants."""
    goodputs = [each.goodput for each in proof.paces]
    refused = [each.refused for each in proof.paces]
    mean = sum(goodputs) / len(goodputs)
    return f"goodput {min(goodputs):.3f} at least, {mean:.3f} in the mean; refused {max(refused):.2%} at most"


def cost_of(costs: Costs) -> str:
    """Processor seconds and memory."""
    own = f"coordinator {costs.coordinator.cpu:.1f} s, {costs.coordinator.peak / 1e6:.0f} MB"
    if not costs.workers:
        return own
    workers = list(costs.workers.values())
    peak = max(each.peak for each in workers) / 1e6
    return f"{own}; workers {sum(each.cpu for each in workers):.1f} s, {peak:.0f} MB at most"


def blows(asked: argparse.Namespace, table: Table) -> None:
    """Runs of `--blows` each until there were `--rounds` of them."""
    dice = random.Random(asked.seed)
    told: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    begun, number = time.monotonic(), 0
    while told.total() < asked.rounds and number < asked.rounds:
        number += 1
        wanted = min(asked.blows, asked.rounds - told.total())
        served = even(asked.tenants, asked.rows // asked.tenants, asked.allowance)
        rows = rows_of(served, asked.seed + number)
        with world(served, rows, "--latency", "0.3,0.5") as (folder, running):
            striking = Striking(
                folder / "run",
                running.environment(),
                dice,
                total=len(rows),
                lease=asked.lease,
                port=int(running.service.endpoint.rpartition(":")[2]),
                places=asked.workers,
                words=folder / "words",
            )
            spread = ("--workers", str(asked.workers), "--worker-timeout", f"{asked.lease:g}")
            story = striking.go(run_of(folder, *spread), wanted)
            proof = prove(rows, folder / "run", running)
            wrong = ended_well(story.code, story.words) + proof.wrong + proof.above
            if wrong and asked.keep:
                keep(folder, Path(asked.keep) / f"run{number}")
        told += story.blows
        statuses += proof.figures.statuses
        table.line(f"run {number}, {told.total()} blows", f"{of_blows(proof)}; {story.seconds:.0f} s", wrong)
    words = ", ".join(f"{count} {kind}" for kind, count in sorted(told.items()))
    all_rows = ", ".join(f"{count:,} {status}" for status, count in sorted(statuses.items()))
    print(f"{told.total()} blows ({words}) in {number} runs, {time.monotonic() - begun:.0f} s: {all_rows}")


def ended_well(code: int, words: str) -> list[str]:
    """Items of unknown fate are no fault here; anything else is."""
    return [] if code in (0, 1) else [f"ended with {code}: {words[-1500:]}"]


def keep(folder: Path, to: Path) -> None:
    """Keep the files of a run that went wrong."""
    to.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(to)
    folder.mkdir()


def of_blows(proof: Proof) -> str:
    """What became of the rows."""
    figures = proof.figures
    statuses = ", ".join(f"{count:,} {status}" for status, count in sorted(figures.statuses.items()))
    peak = max((each.peak for each in proof.paces), default=0.0)
    return (
        f"{statuses}; {figures.sendings:,} sendings, {figures.effects:,} effects, "
        f"{figures.doubles} unsafe twice, {proof.redone} safe again; "
        f"{max(0.0, peak):.0f} above the allowance at most"
    )


def coordinator(asked: argparse.Namespace, table: Table) -> None:
    """The coordinator killed with its workers at work; the run gone on with, on workers again."""
    dice = random.Random(asked.seed)
    for number in range(1, asked.rounds + 1):
        served = even(asked.tenants, asked.rows // asked.tenants, asked.allowance)
        rows = rows_of(served, asked.seed + number)
        with world(served, rows, "--latency", "0.3,0.5") as (folder, running):
            begun = time.monotonic()
            spread = ("--workers", str(asked.workers), "--worker-timeout", f"{asked.lease:g}")
            run = folder / "run"
            goal = dice.randint(1, len(rows) * 3 // 4)
            killed_at(run_of(folder, *spread), run, running, goal, folder / "words")
            resumed = time.time()
            costs = watched(["resume", str(run), *spread], run, running.environment(), folder / "words")
            proof = prove(rows, run, running, since=resumed)
            wrong = ended_well(costs.code, costs.words) + proof.wrong + proof.above
            if wrong and asked.keep:
                keep(folder, Path(asked.keep) / f"coordinator{number}")
        table.line(f"round {number}", f"{of_blows(proof)}; {time.monotonic() - begun:.0f} s", wrong)


def killed_at(arguments: Sequence[str], run: Path, running: Many, goal: int, words: Path) -> None:
    """Run until so many lines are there; then kill it."""
    with (
        words.open("ab") as said,
        subprocess.Popen(
            [*PROGRAM, *arguments, "--yes", "--no-progress"],
            env=running.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        ) as process,
    ):
        limit = time.monotonic() + ENOUGH
        while process.poll() is None and count(run / "results.ndjson") < goal and time.monotonic() < limit:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)


def thousand(asked: argparse.Namespace, table: Table) -> None:
    """What a coordinator of many tenants costs, and at which speed it would have no more time."""
    served = even(asked.tenants, asked.rows // asked.tenants)
    rows = rows_of(served, asked.seed)
    for spread in ([], ["--workers", str(asked.workers)]):
        with world(served, rows, "--latency", "0.2,0.5") as (folder, running):
            costs = watched(run_of(folder, *spread), folder / "run", running.environment(), folder / "words")
            proof = prove(rows, folder / "run", running)
        each = (costs.coordinator.cpu - costs.first.cpu) / len(rows)
        at_work = sum(cost.cpu for cost in costs.workers.values()) / len(rows)
        table.line(
            " ".join(spread) or "one process",
            f"{of_blows(proof)}; {costs.seconds:.0f} s, {len(rows) / max(1e-9, costs.sending):,.0f} items/s; "
            f"{cost_of(costs)}; {costs.first.cpu:.1f} s before the first item, then {each * 1e6:.0f} µs each "
            f"(a core would be full at {1 / max(1e-9, each):,.0f} items/s), workers {at_work * 1e6:.0f} µs",
            finished(costs) + proof.wrong + proof.above,
        )


PARTS: dict[str, tuple[Callable[[argparse.Namespace, Table], None], dict[str, float]]] = {
    "allowances": (allowances, {"tenants": 40, "rows": 36_000, "low": 3, "high": 8}),
    "blows": (blows, {"tenants": 6, "rows": 6000, "allowance": 15, "rounds": 100}),
    "coordinator": (coordinator, {"tenants": 6, "rows": 1200, "allowance": 20, "rounds": 10}),
    "thousand": (thousand, {"tenants": 1000, "rows": 100_000}),
}


def main(arguments: Sequence[str]) -> int:
    """Run the part that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    for name in ("tenants", "rows", "rounds", "blows", "workers"):
        parser.add_argument(f"--{name}", type=int, default={"blows": 20, "workers": 3}.get(name))
    for name in ("low", "high", "allowance"):
        parser.add_argument(f"--{name}", type=float, help="cmdlets per second")
    parser.add_argument("--lease", type=float, default=2.0, help="--worker-timeout")
    parser.add_argument("--seed", type=int, default=random.randrange(1, 1 << 32))
    parser.add_argument("--keep", default="", help="a folder for the files of runs that went wrong")
    asked = parser.parse_args(arguments)
    part, defaults = PARTS[asked.part]
    for name, value in defaults.items():
        if getattr(asked, name) is None:
            setattr(asked, name, value)
    print(f"seed {asked.seed}", flush=True)
    table = Table()
    part(asked, table)
    return 1 if table.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
