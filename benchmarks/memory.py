"""Peak memory of runs of 10,000, 100,000 and 1,000,000 rows, by format; and of going on with the last, and
of reporting it.

    python benchmarks/memory.py
    python benchmarks/memory.py --rows 10000 --rows 100000 --formats csv
    python benchmarks/memory.py --inside         without a server, and so without connections

Megabytes of resident memory at the most, each of a process of its own: `bulkexo run` over TLS to nginx with a
canned reply, on asyncio, whose connections take more than uvloop's. Targets: 90 at the most, and no more than
10 beyond those at 10,000 rows. Linux only, where /proc tells it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from speed import figures
from speed.figures import Figure

MORE, MOST = 10.0, 90.0
TARGET = f"≤ {MOST:.0f} MB"
FORMATS = ("csv", "yaml", "ndjson")
LATER = ("resume", "report")


def most() -> float:
    """Megabytes that this process has held at the most."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise SystemExit("This platform does not tell it.")
    return int(found[1]) / 1024


def measure(what: str, folder: Path, place: Sequence[str]) -> float:
    """In this process: a run, or what comes after it in the same folder. place: words that say where the
    server is, none if there is none."""
    run = folder / "run"
    if what == "report":
        from bulkexo.cli import root  # noqa: PLC0415 - a measured process imports what it needs

        root.main(["report", str(run)], standalone_mode=False)
        return most()
    job = folder / f"job.{what}"
    words = ["--cmdlet", "Set-Mailbox"] if what == "csv" else []
    if place:
        _command(*(["resume", str(run)] if what == "resume" else ["run", str(job), *words, *place]))
        return most()
    import inside  # noqa: PLC0415

    inside.go_on(run) if what == "resume" else inside.run(job, run, *words)
    return most()


def _command(*words: str) -> None:
    from speed.canned import TOKEN  # noqa: PLC0415
    from speed.open import no_limit  # noqa: PLC0415

    from bulkexo.cli import root  # noqa: PLC0415

    no_limit()
    os.environ["BULKEXO_TOKEN"] = TOKEN
    if code := root.main([*words, "--yes", "--no-progress"], standalone_mode=False):
        raise SystemExit(f"bulkexo ended with {code}")


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


@dataclass(frozen=True, slots=True)
class Bench:
    """Where it is measured. place: see measure. loop: asyncio or uvloop."""

    folder: Path
    place: tuple[str, ...]
    loop: str

    def measured(self, what: str, rows: int) -> float:
        """The same of another process."""
        command = [sys.executable, __file__, "--measure", what, "--rows", str(rows)]
        command += ["--folder", str(self.folder), *(f"--place={each}" for each in self.place)]
        env = {name: text for name, text in os.environ.items() if not name.startswith("BULKEXO_")}
        env["BULKEXO_LOOP"] = self.loop
        told = subprocess.run(command, check=True, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return float(told.stdout.split()[-1])

    def run(self, kind: str, sizes: Sequence[int]) -> Iterator[Figure]:
        """A run of each size, beside the first."""
        few = 0.0
        for rows in sizes:
            shutil.rmtree(self.folder, ignore_errors=True)
            taken = self.measured(kind, rows)
            if rows == sizes[0]:
                few = taken
                continue
            yield Figure(
                f"{kind}, {rows:,} rows",
                f"{taken:.1f} MB",
                f"{sizes[0]:,} rows, {few:.1f} MB",
                f"{taken - few:+.1f} MB",
                f"{TARGET}, ≤ +{MORE:.0f} MB",
                missed=taken > MOST or taken - few > MORE,
            )

    def later(self, what: str, rows: int, run: Figure) -> Figure:
        """What comes after a run, beside it."""
        taken = self.measured(what, rows)
        before = float(run.figure.split()[0])
        beside = f"the run of {run.what}, {run.figure}"
        told = f"{taken - before:+.1f} MB"
        return Figure(
            f"{what} of {rows:,} rows", f"{taken:.1f} MB", beside, told, TARGET, missed=taken > MOST
        )


def table(sizes: Sequence[int], kinds: Sequence[str], loop: str, *, inside: bool) -> list[Figure]:
    """All of it."""
    from speed.canned import TENANT, canned  # noqa: PLC0415

    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name) / "job"
        place: tuple[str, ...] = ()
        if not inside:
            server = stack.enter_context(canned(Path(name) / "nginx"))
            place = (f"--endpoint={server.endpoint}", f"--ca-file={server.ca_file}", f"--tenant={TENANT}")
            place += (f"--out={folder / 'run'}",)
        bench = Bench(folder, place, loop)
        for kind in kinds:
            found += bench.run(kind, sizes)
        cut(folder / "run")
        found += [bench.later(what, sizes[-1], found[-1]) for what in LATER]
    return found


def main() -> int:
    """Run it as the command line says; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--loop", default="asyncio")
    parser.add_argument("--inside", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--place", action="append", default=[], help=argparse.SUPPRESS)
    figures.argument(parser)
    asked = parser.parse_args()
    if asked.write:
        write(asked.write, asked.rows[0], asked.folder)
        return 0
    if asked.measure:
        if asked.measure in FORMATS:
            words = ["--write", asked.measure, "--rows", str(asked.rows[0]), "--folder", str(asked.folder)]
            subprocess.run([sys.executable, __file__, *words], check=True)
        print(measure(asked.measure, asked.folder, asked.place))
        return 0
    sizes = asked.rows or [10_000, 100_000, 1_000_000]
    found = table(sizes, asked.formats.split(","), asked.loop, inside=asked.inside)
    return figures.tell(found, asked.figures)


if __name__ == "__main__":
    sys.exit(main())
