"""A run and what it costs its coordinator and its workers: processor seconds and memory, on Linux."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.processes import PROGRAM, size

from .striking import workers

EVERY = 0.25


@dataclass(slots=True)
class Cost:
    """Of one process. cpu: seconds. peak: bytes of memory at the most."""

    cpu: float = 0.0
    peak: int = 0


@dataclass(slots=True)
class Costs:
    """Of a run. first: of the coordinator when the first item had ended. seconds: all of it; sending: since
    the first item had ended. workers: by pid."""

    code: int = 0
    words: str = ""
    seconds: float = 0.0
    sending: float = 0.0
    first: Cost = field(default_factory=Cost)
    coordinator: Cost = field(default_factory=Cost)
    workers: dict[int, Cost] = field(default_factory=dict)


def cost(pid: int) -> Cost | None:
    """What a process has come to; None if it is no more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), None)
    if peak is None:  # it has ended, and nobody has asked how
        return None
    return Cost((int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"), int(peak) * 1024)


def watched(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], words: Path) -> Costs:
    """Run `bulkexo` to its end, and look at it all the while. folder: of the run."""
    found = Costs()
    begun = time.monotonic()
    with (
        words.open("ab") as said,
        subprocess.Popen(
            [*PROGRAM, *arguments, "--yes", "--no-progress"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        ) as process,
    ):
        try:
            first = 0.0
            while process.poll() is None:
                now = cost(process.pid)
                found.coordinator = now or found.coordinator
                for worker in workers(process.pid):
                    found.workers[worker] = cost(worker) or found.workers.get(worker, Cost())
                if not first and now and size(folder / "results.ndjson"):
                    first, found.first = time.monotonic(), now
                time.sleep(EVERY)
        finally:
            process.kill()
    found.code = process.returncode
    found.seconds = time.monotonic() - begun
    found.sending = time.monotonic() - first if first else 0.0
    found.words = words.read_text(encoding="utf-8", errors="replace")[-4000:]
    return found
