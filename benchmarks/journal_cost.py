"""What the journal's fsync costs: items per second with it and without, side by side.

    python benchmarks/journal_cost.py --rows 1000 --times 5

The same runs against one sandbox process, whose cmdlets take a tenth of the time that people measured, so
that the journal weighs ten times what it does in life; the allowance is known from the start.
`--latency 0`: as fast as this machine can, which no tenant allows. Target: at least 90 %.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path
from statistics import median

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from bulkexo import run as running
from bulkexo.cli.progress import Silent
from bulkexo.job import load
from bulkexo.journal import RunFolder
from bulkexo.memory import Memory
from bulkexo.net.identity import Identity, Secrets
from bulkexo.options import Options
from bulkexo.pace import Learned
from bulkexo.run import Run, Task
from bulkexo.tenancy import Place
from tests.chaos.processes import Tenant, tenant
from tests.chaos.rows import mailbox

TARGET = 0.9
KINDS = {"Set-Mailbox only": 0, "half New-": 2, "New- only": 1}
"""Job → every how manieth row is one that has to be announced; 0 for none."""


class Known(Memory):
    """A tenant whose allowance is beyond what this machine can send."""

    def recall(self) -> Learned | None:
        """Far too much."""
        return Learned(100_000.0, 10)

    def remember(self, learned: Learned) -> None:
        """Nothing is kept."""


def write(path: Path, rows: int, announced: int, mark: str) -> None:
    """A job whose every row changes something."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["Cmdlet", "Identity", "Name", "PrimarySmtpAddress", "CustomAttribute1"])
        for row in range(1, rows + 1):
            if announced and row % announced == 0:
                name = f"group-{mark}-{row}-x"
                table.writerow(["New-DistributionGroup", "", name, f"{name}@contoso.com", ""])
            else:
                table.writerow(["Set-Mailbox", mailbox(row), "", "", mark])


async def speed(job: Path, folder: Path, service: Tenant, *, sync: bool) -> float:
    """Items per second of one run."""
    options = Options(
        endpoint=service.endpoint,
        ca_file=Path(service.variables["BULKEXO_CA_FILE"]),
        tenant=service.variables["BULKEXO_TENANT"],
    )
    loaded = load(job)
    task = Task(loaded, loaded.check(), options, RunFolder.create(folder), {})
    identity = Identity(options.connection, Secrets({"BULKEXO_TOKEN": service.variables["BULKEXO_TOKEN"]}))
    report = await Run(task, [Place("", options, identity)], Silent(), sync=sync).execute()
    if report.exit_code:
        raise SystemExit(f"The run went wrong: {report.reason or report.tally}")
    return report.total / report.seconds


def measure(folder: Path, service: Tenant, rows: int, times: int) -> bool:
    """Print a line for each kind of job; whether all reach the target."""
    good = True
    print(f"{'job':<18}{'with fsync':>12}{'without':>12}{'ratio':>8}   items/s, median of {times}")
    for number, (kind, announced) in enumerate(KINDS.items()):
        speeds: dict[bool, list[float]] = {True: [], False: []}
        for time in range(times + 1):
            for sync in (True, False) if time % 2 else (False, True):
                mark = f"{number}-{time}-{int(sync)}"
                job = folder / f"{mark}.csv"
                write(job, rows, announced, mark)
                found = anyio.run(lambda: speed(job, folder / mark, service, sync=sync))  # noqa: B023
                if time:  # the first warms up
                    speeds[sync].append(found)
        ratio = median(speeds[True]) / median(speeds[False])
        good = good and ratio >= TARGET
        print(f"{kind:<18}{median(speeds[True]):>12,.0f}{median(speeds[False]):>12,.0f}{ratio:>8.1%}")
    return good


def main() -> int:
    """Run it as the command line says; 1 if the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="Where the run folders go: the disk that is measured.")
    parser.add_argument(
        "--latency", default="0.05,0.3", help="Seconds a cmdlet takes, as `bulkexo sandbox` wants."
    )
    asked = parser.parse_args()
    setattr(running, "Memory", Known)  # noqa: B010 - a class is put in the place of another
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        with tenant(folder, asked.rows + 100, "--latency", asked.latency, faults={}) as service:
            return 0 if measure(folder, service, asked.rows, asked.times) else 1


if __name__ == "__main__":
    sys.exit(main())
