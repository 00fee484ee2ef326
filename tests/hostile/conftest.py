"""What a run left, and how much memory it took."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import STARTED, Ended, ended, lines, start
from tests.e2e.files import table
from tests.hostile.server import Hostile

TOKEN = "eyJhbGciOiJub25lIn0.token-that-nobody-else-may-see.x"


@dataclass(frozen=True)
class Seen:
    """done: the process. lines: results by identity's first part. peak: MB at the most, 0 if not known."""

    done: Ended
    lines: dict[str, dict[str, Any]]
    peak: float
    folder: Path

    def nothing_of_the_token(self) -> None:
        """It stands in no file and on no screen."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                assert TOKEN.encode() not in path.read_bytes(), path
        assert TOKEN not in self.done.stdout + self.done.stderr


def attack(
    server: Hostile, folder: Path, names: Sequence[str], *options: str, cmdlet: str = "Get-Mailbox"
) -> Seen:
    """A run of one row per name against the server; each row must end in one line."""
    folder.mkdir(parents=True, exist_ok=True)
    job = table(folder / "job.csv", ["Identity"], [[f"{name}@x.y"] for name in names])
    arguments: tuple[str | Path, ...] = (
        "run",
        job,
        "--cmdlet",
        cmdlet,
        "--out",
        "out",
        "--retries",
        "0",
        *options,
    )
    env = {**server.env, "BULKEXO_TOKEN": TOKEN, "BULKEXO_TENANT": "x.y", "XDG_CACHE_HOME": str(folder)}
    process = start(*arguments, cwd=folder, env=env)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak))
    watcher.start()
    done = ended(process)
    watcher.join()
    found = lines(folder / "out")
    by_name = {line["identity"].partition("@")[0]: line for line in found}
    assert "Traceback" not in done.stderr, done.stderr
    assert sorted(by_name) == sorted(names), done.stderr
    assert len(found) == len(names)
    seen = Seen(done, by_name, peak[0], folder)
    seen.nothing_of_the_token()
    return seen


def _watch(pid: int, peak: list[float]) -> None:
    """Linux keeps the peak itself; it is read until the process has gone."""
    if sys.platform != "linux":
        return
    while True:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        except OSError:
            return
        found = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        if not found:
            return
        peak[0] = int(found[0].split()[1]) / 1024
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Ends what a test that failed had started."""
    yield
    for process in STARTED:
        with process:
            process.kill()
    STARTED.clear()
