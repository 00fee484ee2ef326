"""The loader against the bare parser of each format: rows per second.

    python benchmarks/loader.py --rows 100000 --times 5

Both read the same file in processes that take turns. The bare parser makes the rows and nothing of them; the
loader checks each against the catalogue and makes the items of a run.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

import orjson
from speed import figures
from speed.figures import Figure
from speed.jobs import write_csv, write_ndjson, write_yaml

FORMATS = {"csv": write_csv, "ndjson": write_ndjson, "yaml": write_yaml}
WAYS = {"bare": "bare parser", "check": "check", "items": "items of a run"}


def parsed(job: Path) -> float:
    """Seconds of the parser alone."""
    import yaml  # noqa: PLC0415 - not in the other ways

    began = time.perf_counter()
    with job.open(encoding="utf-8") as file:
        if job.suffix == ".csv":
            deque(csv.reader(file), maxlen=0)
        elif job.suffix == ".ndjson":
            deque(map(orjson.loads, file), maxlen=0)
        else:
            deque(yaml.parse(file, yaml.CSafeLoader), maxlen=0)
    return time.perf_counter() - began


def loaded(job: Path, way: str) -> float:
    """Seconds of the check, or of making the items afterwards."""
    from bulkexo.job import load  # noqa: PLC0415

    read = load(job, cmdlet="Set-Mailbox" if job.suffix == ".csv" else None)
    began = time.perf_counter()
    read.check()
    if way == "items":
        began = time.perf_counter()
        deque(read.items(), maxlen=0)
    return time.perf_counter() - began


def main() -> int:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    figures.argument(parser)
    asked = parser.parse_args()
    if asked.measure:
        print(parsed(asked.job) if asked.measure == "bare" else loaded(asked.job, asked.measure))
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for kind, write in FORMATS.items():
            job = write(Path(name) / f"job.{kind}", asked.rows)
            found: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(asked.times):
                for way, seconds in found.items():
                    command = [sys.executable, __file__, "--measure", way, "--job", str(job)]
                    seconds.append(float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
            speeds = {way: asked.rows / median(seconds) for way, seconds in found.items()}
            bare = speeds.pop("bare")
            rows += [
                Figure(
                    f"{kind}, {WAYS[way]}",
                    f"{each:,.0f} rows/s",
                    f"bare parser, {bare:,.0f} rows/s",
                    f"{each / bare:.0%}",
                )
                for way, each in speeds.items()
            ]
    return figures.tell(rows, asked.figures)


if __name__ == "__main__":
    sys.exit(main())
