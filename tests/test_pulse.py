"""progress.ndjson while a run goes on: from one line to the next, over several processes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import anyio
import pytest

from bulkexo import pulse
from bulkexo.journal.progress import entries
from bulkexo.model import Status
from bulkexo.pulse import Pulse
from bulkexo.schedule import Tally


async def kept(path: Path, tally: Tally, lines: int, state: str = "complete") -> None:
    """One process, which ends once there are so many lines."""
    beat = Pulse(path, lambda: tally, 10)
    async with beat, anyio.create_task_group() as group:
        group.start_soon(beat.keep)
        while len(list(entries(path))) < lines:
            tally.by_status[Status.SUCCEEDED] = min(9, tally.done + 1)
            tally.sent += 1
            await anyio.sleep(0.001)
        tally.by_status[Status.SUCCEEDED] = 10
        group.cancel_scope.cancel()
        beat.state = state


def test_lines_come_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY", 0.01)
    path = tmp_path / "progress.ndjson"
    tally = Tally(Counter(), batches=3, places=4, rate=12.5, resting="resting until 20:00 UTC", refused=2)
    anyio.run(kept, path, tally, 4)
    found = list(entries(path))
    assert len(found) >= 5
    assert [entry["state"] for entry in found] == ["running"] * (len(found) - 1) + ["complete"]
    assert found[0]["waiting"] == "signing in"
    assert {entry["waiting"] for entry in found[1:-1]} == {"resting until 20:00 UTC"}
    assert found[1]["items_per_second"] > 0
    assert (found[1]["batches"], found[1]["places"], found[1]["allowed_per_second"]) == (3, 4, 12.5)
    assert (found[-1]["done"], found[-1]["throttled"], found[-1]["waiting"]) == (10, 2, "")


def test_the_first_one_comes_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` is not to say "signing in" of a run that has long begun to send."""
    waits: list[float] = []
    beat = Pulse(tmp_path / "progress.ndjson", Tally, 10)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise InterruptedError

    async def kept_on() -> None:
        async with beat:
            await beat.keep()

    monkeypatch.setattr(anyio, "sleep", sleep)
    with pytest.raises(InterruptedError):
        anyio.run(kept_on)
    assert waits == [1.0, 10.0, 10.0]


def test_a_further_process_counts_on(tmp_path: Path) -> None:
    path = tmp_path / "progress.ndjson"
    anyio.run(kept, path, Tally(sent=100, refused=7), 1, "stopped")
    anyio.run(kept, path, Tally(sent=50, refused=1), 3)
    found = list(entries(path))
    assert [entry["state"] for entry in found] == ["running", "stopped", "running", "complete"]
    assert (found[-1]["attempts"], found[-1]["throttled"]) == (150, 8)


def test_a_process_that_finds_nothing_to_do_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "progress.ndjson"
    anyio.run(kept, path, Tally(), 1)
    before = path.read_bytes()
    anyio.run(kept, path, Tally(Counter({Status.SUCCEEDED: 10})), 1)
    assert path.read_bytes() == before
