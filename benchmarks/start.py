"""How soon something happens: `--help`, `check` of ten rows, and the first batch on the wire.

    python benchmarks/start.py --times 5

Milliseconds, medians; beside each the start of Python itself, and what it is a multiple of. The first batch
is timed from the command to its first byte at the server. Targets: --help 150 ms, first batch 500 ms.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from speed import figures
from speed.canned import TENANT, TOKEN, canned
from speed.figures import Figure
from speed.jobs import write_csv

TARGETS = {"--help": 150.0, "first batch": 500.0}
ROWS = 10
ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""What Python has compiled is there, as it is where bulkexo is installed."""


def timed(*words: str, env: dict[str, str] | None = None) -> float:
    """Milliseconds of a Python with these words."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *words], check=True, env={**ENVIRONMENT, **(env or {})}, capture_output=True
    )
    return (time.perf_counter() - began) * 1000


def first_batch(job: Path, folder: Path, size: Path, endpoint: str, ca_file: Path) -> float:
    """Milliseconds from the command to the first request, which the server writes down as it comes."""
    size.write_bytes(b"")
    command = (
        f"-m bulkexo run {job} --cmdlet Set-Mailbox --tenant {TENANT} --yes --no-progress --out {folder}"
    )
    command += f" --endpoint {endpoint} --ca-file {ca_file}"
    began = time.time()
    env = {**ENVIRONMENT, "BULKEXO_TOKEN": TOKEN}
    subprocess.run([sys.executable, *command.split()], check=True, env=env, capture_output=True)
    ended, took = map(float, size.read_text().split()[:2])
    return (ended - took - began) * 1000


def main() -> int:
    """Run it as the command line says; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    figures.argument(parser)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = write_csv(folder / "job.csv", ROWS)
        with canned(folder / "nginx", noting=True) as server:
            log = folder / "nginx" / "requests.log"
            number = iter(range(1000))
            ways: dict[str, Callable[[], float]] = {
                "python": lambda: timed("-c", "pass"),
                "--help": lambda: timed("-m", "bulkexo", "--help"),
                "check of 10 rows": lambda: timed(
                    "-m", "bulkexo", "check", str(job), "--cmdlet", "Set-Mailbox"
                ),
                "first batch": lambda: first_batch(
                    job, folder / f"run{next(number)}", log, server.endpoint, server.ca_file
                ),
            }
            found: dict[str, list[float]] = {way: [] for way in ways}
            for time_ in range(asked.times + 1):
                for way, act in ways.items():
                    took = act()
                    if time_:  # the first warms up
                        found[way].append(took)
    bare = median(found.pop("python"))
    rows = [
        Figure(
            way,
            f"{(took := median(each)):.0f} ms",
            f"python -c pass, {bare:.0f} ms",
            f"{took / bare:.1f} ×",
            f"≤ {TARGETS[way]:.0f} ms" if way in TARGETS else "",
            missed=took > TARGETS.get(way, took),
        )
        for way, each in found.items()
    ]
    return figures.tell(rows, asked.figures)


if __name__ == "__main__":
    sys.exit(main())
