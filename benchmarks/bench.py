"""All benchmarks of speed in one run, as one table: `make bench`. The commands that repeat its parts stand in
it.

    python benchmarks/bench.py --quick              that they work at all, in two minutes
    python benchmarks/bench.py --write README.md    put the table between the marks there
    python benchmarks/bench.py --part tenant        only parts with such a name

Each figure stands beside a reference that was measured in the same run, in turns with it. The exit code is 1
if a target is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from speed.figures import Figure, read

HERE = Path(__file__).parent
BEGIN, END = "<!-- bench -->", "<!-- end of bench -->"
HEADER = "| measured | figure | beside it | ratio | target |\n|---|---|---|---|---|\n"


@dataclass(slots=True)
class Part:
    """A benchmark. command: the script and its words; quick: those that make it quick instead. how: how often
    it is measured."""

    title: str
    command: str
    quick: str
    how: str = "medians of 5"
    figures: list[Figure] = field(default_factory=list)
    code: int = 0

    def run(self, *, quick: bool) -> None:
        """Measure; what it prints is printed."""
        command = f"{self.command.split()[0]} {self.quick}" if quick else self.command
        print(f"\n$ python benchmarks/{command}", flush=True)
        script, *words = command.split()
        with tempfile.TemporaryDirectory() as name:
            left = Path(name) / "figures.json"
            process = [sys.executable, str(HERE / script), *words, "--figures", str(left)]
            self.code = subprocess.run(process, check=False).returncode
            self.figures = read(left)

    def rows(self) -> Iterator[str]:
        """Of the table."""
        yield f"| **{self.title}**, {self.how}: `python benchmarks/{self.command}` | | | | |\n"
        for each in self.figures:
            yield f"| {' | '.join(each.cells())} |\n"


PARTS = (
    Part("start", "start.py", "--times 1"),
    Part("loader", "loader.py", "--rows 1000 --times 1"),
    Part("engine, 4 kB each way", "engine.py", "--rows 1000 --times 1"),
    Part(
        "engine, replies of 100 kB",
        "engine.py --reply 100000 --rows 20000",
        "--reply 100000 --rows 500 --times 1",
    ),
    Part("memory", "memory.py", "--rows 1000 --rows 3000", "once, since it hardly differs"),
    Part("tenant, a second a batch", "tenant.py", "--seconds 4", "once, over minutes"),
)


def machine() -> str:
    """Of what kind it is."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.+)", text)
    named = model[1].strip() if model else platform.processor() or platform.machine()
    return f"{os.cpu_count()} × {named}, {platform.system()}, Python {platform.python_version()}"


def table(parts: Sequence[Part]) -> str:
    """The date, the machine, and all figures."""
    head = f"`make bench` on {time.strftime('%Y-%m-%d')}: {machine()}.\n\n"
    return head + HEADER + "".join(row for part in parts for row in part.rows())


def written(text: str, found: str) -> str:
    """A page with another table between its marks. Raises ValueError if it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{begin}\n{found}{end}{after}"


def main() -> int:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", type=Path, help="the page that holds the table")
    parser.add_argument("--part", default="")
    asked = parser.parse_args()
    parts = [part for part in PARTS if asked.part in part.title]
    if asked.write:
        written(asked.write.read_text(encoding="utf-8"), "")  # now, not when all is measured
    began = time.monotonic()
    for part in parts:
        part.run(quick=asked.quick)
    found = table(parts)
    print(f"\n{found}\nIt took {(time.monotonic() - began) / 60:.0f} min.")
    if asked.write:
        page = written(asked.write.read_text(encoding="utf-8"), found)
        asked.write.write_text(page, encoding="utf-8")
    missed = [part.title for part in parts if part.code]
    if missed:
        print(f"Targets missed: {'; '.join(missed)}.")
    return 0 if asked.quick and all(part.figures for part in parts) else int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
