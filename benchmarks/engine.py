"""The engine against loops that do nothing but send: items per second, side by side.

    python benchmarks/engine.py                  all, on both event loops: a table
    python benchmarks/engine.py --rows 20000 --times 1

The whole of `bulkexo run` is measured (CSV in, checks, packing, TLS, replies, journal, progress on a
terminal), all but the start of Python, with an allowance that never holds it up, against nginx with a canned
reply. Each figure is of a process of its own; they take turns, `--times` times, and the medians are told.
Target: 60 % of (i) on the same loop. wrk, where it is installed, shows that the server could do far more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from speed import figures, references
from speed.canned import PATH, TENANT, TOKEN, Server, canned
from speed.figures import Figure
from speed.jobs import write_csv

TARGET = 0.6
LOOPS = ("asyncio", "uvloop")
WAYS = {
    "bulkexo": "bulkexo",
    "aiohttp": "(i) aiohttp, bare",
    "hand": "(ii) asyncio.Protocol",
    "threads": "(iii) 20 threads, requests",
    "httpx": "(iv) httpx",
}


@contextmanager
def watched() -> Iterator[None]:
    """stderr as a terminal of which all is read and thrown away."""
    ours, theirs = pty.openpty()
    kept = os.dup(2)

    def drain() -> None:
        try:
            while os.read(ours, 65536):
                pass
        except OSError:
            pass

    threading.Thread(target=drain, daemon=True).start()
    os.dup2(theirs, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)


def run_bulkexo(job: Path, folder: Path, server: Server, cmdlet: str) -> None:
    """The command itself."""
    from speed.open import no_limit  # noqa: PLC0415 - measured processes import what they need

    from bulkexo.cli import root  # noqa: PLC0415

    no_limit()
    os.environ["BULKEXO_TOKEN"] = TOKEN
    words = ["run", str(job), "--cmdlet", cmdlet, "--endpoint", server.endpoint, "--tenant", TENANT, "--yes"]
    words += ["--ca-file", str(server.ca_file), "--out", str(folder / "run"), "--concurrency", "32"]
    with watched():
        code = root.main(words, standalone_mode=False)
    if code:
        raise SystemExit(f"bulkexo ended with {code}: {(folder / 'run' / 'run.json').read_text()}")


def measured(way: str, job: Path, folder: Path, server: Server, cmdlet: str) -> tuple[float, float]:
    """Seconds of one way, in this process; and those that the processor was busy with it."""
    if way == "bulkexo":
        from bulkexo.cli import jobs, start  # noqa: F401, PLC0415 - the start of Python is not measured here
    loop = references.LOOPS.get(way, references.by_aiohttp)
    with (folder / "lines.ndjson").open("wb") as out:
        began, busy = time.perf_counter(), time.process_time()
        if way == "bulkexo":
            run_bulkexo(job, folder, server, cmdlet)
        elif way == "threads":
            references.by_threads(job, out, server)
        elif os.environ["BULKEXO_LOOP"] == "uvloop":
            import uvloop  # noqa: PLC0415

            uvloop.run(loop(job, out, server))
        else:
            asyncio.run(loop(job, out, server))
        return time.perf_counter() - began, time.process_time() - busy


def in_process(way: str, loop: str, job: Path, server: Server, cmdlet: str) -> tuple[float, float]:
    """The same in a process of its own."""
    with tempfile.TemporaryDirectory(dir=job.parent) as folder:
        words = ["--measure", way, "--job", job, "--folder", folder, "--endpoint", server.endpoint]
        command = [sys.executable, __file__, *words, "--ca-file", server.ca_file, "--cmdlet", cmdlet]
        env = {name: text for name, text in os.environ.items() if not name.startswith("BULKEXO_")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled once, not by every process
        env |= {"BULKEXO_LOOP": loop, "XDG_CACHE_HOME": folder}
        told = subprocess.run(
            list(map(str, command)), env=env, check=True, stdout=subprocess.PIPE, encoding="utf-8"
        )
        seconds, busy = map(float, told.stdout.split())
        return seconds, busy


def wire_limit(server: Server, folder: Path) -> float:
    """Items per second that the server answers to wrk; 0 where there is no wrk."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return 0.0
    script = folder / "post.lua"
    script.write_text('wrk.method="POST"\nwrk.body=string.rep("x",8000)\n')
    words = [wrk, "-t1", "-c32", "-d3", "-s", str(script), f"{server.endpoint}{PATH}/$batch"]
    told = subprocess.run(words, capture_output=True, encoding="utf-8", check=True).stdout
    return 10 * float(told.partition("Requests/sec:")[2].split()[0])


@dataclass(frozen=True, slots=True)
class Speed:
    """way, loop: see WAYS and LOOPS. rate: items per second; busy: microseconds of the processor an item."""

    way: str
    loop: str
    rate: float
    busy: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f} items/s, {self.busy:.0f} µs"

    def beside(self, other: Speed) -> Figure:
        """bulkexo beside a loop. Processor time is told since no load of the machine changes it much."""
        aimed = other.way == "aiohttp"
        return Figure(
            f"{WAYS[self.way]}, {self.loop}",
            str(self),
            f"{WAYS[other.way]}, {other}",
            f"{self.rate / other.rate:.0%}",
            f"≥ {TARGET:.0%}" if aimed else "",
            missed=aimed and self.rate < TARGET * other.rate,
        )


def table(rows: int, times: int, ways: Sequence[str], loops: Sequence[str], reply: int) -> list[Figure]:
    """bulkexo beside each of the ways, on each of the loops; threads and httpx run on the first only."""
    cmdlet = "Get-Mailbox" if reply else "Set-Mailbox"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = write_csv(folder / "job.csv", rows, reads=bool(reply))
        with canned(folder / "nginx", size=reply // 10) as server:
            sent = len(references.packed(server.endpoint, *first_batch(job)))
            print(f"{rows:,} rows, batches of 10: {sent:,} bytes there, {server.reply:,} back, over TLS")
            limit = wire_limit(server, folder)
            found: dict[tuple[str, str], list[tuple[float, float]]] = {
                (way, at): []
                for at in loops
                for way in ways
                if at == loops[0] or way not in ("threads", "httpx")
            }
            for _ in range(times):
                for (way, at), seconds in found.items():
                    seconds.append(in_process(way, at, job, server, cmdlet))
    speeds = {which: Speed(*which, *median_of(seconds, rows)) for which, seconds in found.items()}
    shown = [speeds["bulkexo", at].beside(each) for (way, at), each in speeds.items() if way != "bulkexo"]
    if limit:
        bare = speeds["aiohttp", loops[0]]
        beside = f"{WAYS[bare.way]}, {bare.loop}, {bare}"
        told = Figure(
            "the server, asked by wrk", f"{limit:,.0f} items/s", beside, f"{limit / bare.rate:.0f} ×"
        )
        shown.append(told)
    return shown


def median_of(found: Sequence[tuple[float, float]], rows: int) -> tuple[float, float]:
    """Items per second, and microseconds of the processor an item."""
    return rows / median(each for each, _ in found), median(each for _, each in found) / rows * 1e6


def first_batch(job: Path) -> tuple[list[str], list[list[str]]]:
    """Its names and rows."""
    return references.names_of(job), next(references.batches(job))


def main() -> int:
    """Run it as the command line says; 1 if the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--loops", default=",".join(LOOPS))
    parser.add_argument("--reply", type=int, default=0, help="bytes of a reply to ten Get-; 0: Set-, 4 kB")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    for name in ("--job", "--folder", "--ca-file"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)
    parser.add_argument("--cmdlet", help=argparse.SUPPRESS)
    figures.argument(parser)
    asked = parser.parse_args()
    if asked.measure:
        server = Server(asked.endpoint, asked.ca_file, 0)
        print(*measured(asked.measure, asked.job, asked.folder, server, asked.cmdlet))
        return 0
    found = table(asked.rows, asked.times, asked.ways.split(","), asked.loops.split(","), asked.reply)
    return figures.tell(found, asked.figures)


if __name__ == "__main__":
    sys.exit(main())
