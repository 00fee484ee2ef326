"""Peak memory of runs of 10,000, 100,000 and 1,000,000 rows, by format; and of going on with the last, and
of reporting it.

    python benchmarks/memory.py
    python benchmarks/memory.py --rows 10000 --rows 100000

Megabytes of resident memory at the most, each of a process of its own, without aiohttp's connections.
Targets: 90 at the most, and no more than 10 beyond those at 10,000 rows. Linux only, where /proc tells it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

MORE, MOST = 10.0, 90.0
FORMATS = ("csv", "yaml", "ndjson")
LATER = ("resume", "report")


def most() -> float:
    """Megabytes that this process has held at the most."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise SystemExit("This platform does not tell it.")
    return int(found[1]) / 1024


def measure(what: str, folder: Path) -> float:
    """In a process of its own: a run of so many rows, or what comes after it in the same folder."""
    if what == "report":
        from bulkexo.cli import root  # noqa: PLC0415

        root.main(["report", str(folder / "run")], standalone_mode=False)
        return most()
    import inside  # noqa: PLC0415

    if what == "resume":
        inside.go_on(folder / "run")
        return most()
    job = folder / f"job.{what}"
    inside.run(job, folder / "run", *(["--cmdlet", "Set-Mailbox"] if what == "csv" else []))
    return most()


def write(kind: str, rows: int, folder: Path) -> None:
    """The job, made by another process than the one that is measured."""
    from speed import jobs  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    {"csv": jobs.write_csv, "yaml": jobs.write_yaml, "ndjson": jobs.write_ndjson}[kind](
        folder / f"job.{kind}", rows
    )


def cut(folder: Path) -> None:
    """Make a run that is complete one that was killed half-way."""
    results, document = folder / "results.ndjson", folder / "run.json"
    with results.open("r+b") as file:
        file.seek(results.stat().st_size // 2)
        file.readline()
        file.truncate()
    text = document.read_text().replace('"state": "complete"', '"state": "running"')
    document.write_text(text)


def in_process(what: str, rows: int, folder: Path) -> float:
    """The same of another process."""
    command = [sys.executable, __file__, "--measure", what, "--rows", str(rows), "--folder", str(folder)]
    env = {name: text for name, text in os.environ.items() if not name.startswith("BULKEXO_")}
    told = subprocess.run(command, check=True, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return float(told.stdout.split()[-1])


def table(sizes: list[int], kinds: list[str]) -> bool:
    """Print a line for each format; whether the targets are met."""
    good = True
    print(f"{'MB at most':<12}" + "".join(f"{rows:>12,}" for rows in sizes) + f"{'more':>8}")
    with tempfile.TemporaryDirectory() as name:
        for kind in kinds:
            found = []
            for rows in sizes:
                folder = Path(name) / kind
                shutil.rmtree(folder, ignore_errors=True)
                found.append(in_process(kind, rows, folder))
            more = found[-1] - found[0]
            good = good and more <= MORE and found[-1] <= MOST
            print(f"{kind:<12}" + "".join(f"{each:>12.1f}" for each in found) + f"{more:>8.1f}", flush=True)
        cut(folder / "run")
        for what in LATER:
            taken = in_process(what, sizes[-1], folder)
            good = good and taken <= MOST
            print(f"{what:<12}{'':>{12 * (len(sizes) - 1)}}{taken:>12.1f}", flush=True)
    return good


def main() -> int:
    """Run it as the command line says; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write(asked.write, asked.rows[0], asked.folder)
        return 0
    if asked.measure:
        if asked.measure in FORMATS:
            words = ["--write", asked.measure, "--rows", str(asked.rows[0]), "--folder", str(asked.folder)]
            subprocess.run([sys.executable, __file__, *words], check=True)
        print(measure(asked.measure, asked.folder))
        return 0
    return 0 if table(asked.rows or [10_000, 100_000, 1_000_000], asked.formats.split(",")) else 1


if __name__ == "__main__":
    sys.exit(main())
