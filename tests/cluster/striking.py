"""A run whose workers are struck as it goes: killed, or frozen and woken after they were given up."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.processes import ENOUGH, PROGRAM, count

OPTIONS = ("--yes", "--no-progress", "--retries", "20")
FEW = 10
"""Items that end between two blows: ten workers in a row that are lost with nothing done end a run."""
BACK = 30.0
"""Seconds within which a worker that died has another in its place."""


@dataclass(slots=True)
class Story:
    """What was done to a run. blows: by kind, each while items were left. code: of its end; words: its last
    ones. seconds: from its start to its end."""

    blows: Counter[str] = field(default_factory=Counter)
    code: int = 0
    words: str = ""
    seconds: float = 0.0


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, tasks.read_text().split())
    return found


def workers(pid: int) -> list[int]:
    """Those of them that are Dask workers."""
    found = []
    for child in children(pid):
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in words:
            found.append(child)
    return sorted(found)


def connected(pid: int, port: int) -> bool:
    """Whether a process has a connection to a port of this machine."""
    try:
        links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        tables = "".join(Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6"))
    except OSError:
        return False
    sockets = {link[8:-1] for link in links if link.startswith("socket:[")}
    lines = (line.split() for line in tables.splitlines())
    return any(
        len(words) > 9 and words[2].endswith(f":{port:04X}") and words[3] == "01" and words[9] in sockets
        for words in lines
    )


class Striking:
    """One run under blows. folder: of the run. total: its items. lease: of its workers, in seconds. port: of
    the sandbox, by which a worker at work is known. places: workers that there should be."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        dice: random.Random,
        *,
        total: int,
        lease: float,
        port: int,
        places: int,
        words: Path,
    ) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._dice = dice
        self._total = total
        self._lease = lease
        self._port = port
        self._places = places
        self._words = words
        self.story = Story()

    def go(self, arguments: Sequence[str], blows: int, strike: Callable[[int], str] | None = None) -> Story:
        """Run `bulkexo` with these arguments; strike so often, as long as items are left; let it end. strike:
        what is done to a worker, by its pid, and its name; None: killed or frozen, by the dice."""
        begun = time.monotonic()
        with (
            self._words.open("ab") as words,
            subprocess.Popen(
                [*PROGRAM, *arguments, *OPTIONS],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
            ) as process,
        ):
            try:
                self._begun(process)
                while self.story.blows.total() < blows and self._going(process):
                    time.sleep(self._dice.uniform(0.2, 1.5))
                    self._strike(process, strike or self._by_dice)
                self.story.code = process.wait(ENOUGH * 4)
            finally:
                for each in workers(process.pid):
                    os.kill(each, signal.SIGCONT)
                process.kill()
        self.story.words = self._words.read_text(encoding="utf-8", errors="replace")[-4000:]
        self.story.seconds += time.monotonic() - begun
        return self.story

    @property
    def ended(self) -> int:
        """Items with a line."""
        return count(self._folder / "results.ndjson")

    def _going(self, process: subprocess.Popen[bytes]) -> bool:
        return process.poll() is None and self.ended < self._total

    def _begun(self, process: subprocess.Popen[bytes]) -> None:
        before = self.ended
        limit = time.monotonic() + ENOUGH
        while process.poll() is None and self.ended <= before and time.monotonic() < limit:
            time.sleep(0.05)

    def _strike(self, process: subprocess.Popen[bytes], strike: Callable[[int], str]) -> None:
        """Strike one that is at work; one that is only starting is not put in its place again by Dask."""
        busy = [each for each in workers(process.pid) if connected(each, self._port)]
        if not busy or not self._going(process):
            return
        try:
            kind = strike(self._dice.choice(busy))
        except ProcessLookupError:
            return
        self.story.blows[kind] += 1
        limit, goal = time.monotonic() + BACK, self.ended + FEW
        while self._going(process) and time.monotonic() < limit:
            if len(workers(process.pid)) >= self._places and self.ended >= goal:
                break
            time.sleep(0.1)

    def _by_dice(self, pid: int) -> str:
        return self._dice.choice((killed, self.frozen))(pid)

    def frozen(self, pid: int) -> str:
        """Stop a worker; wake it when it has surely been given up."""
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self._lease + 0.5 + self._dice.uniform(0.3, 1.0))
        os.kill(pid, signal.SIGCONT)
        return "frozen"


def killed(pid: int) -> str:
    """Kill a worker."""
    os.kill(pid, signal.SIGKILL)
    return "killed"
