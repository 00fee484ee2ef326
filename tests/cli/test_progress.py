"""How things stand, in one line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bulkexo.cli.progress import words
from bulkexo.journal import RunFolder
from bulkexo.model import Status
from bulkexo.pace import State
from bulkexo.run import Report
from bulkexo.schedule import Tally


def told(now: float = 1000.0, speed: float = 10.0, **state: Any) -> str:
    by_status = Tally().by_status
    by_status.update(state.pop("by_status", {Status.SUCCEEDED: 100}))
    return words(Tally(by_status=by_status, **state), 2000, speed, now, 1_800_000_000.0)


@pytest.mark.parametrize(
    ("state", "said", "unsaid"),
    [
        ({}, "100 of 2,000, 10.0/s, done at ", "failed"),
        ({"by_status": {Status.SUCCEEDED: 90, Status.FAILED: 10}}, "10 failed", "unknown"),
        ({"by_status": {Status.SUCCEEDED: 90, Status.UNKNOWN: 1}}, "1 unknown", "failed"),
        ({"refused": 1234}, "1,234 throttled", "next try"),
        ({"pages": 1234}, "1,234 further pages", "throttled"),
        ({}, "100 of 2,000", "pages"),
        ({"hold_until": 1041.0}, "throttled by the service, next try in 41 s", "done at"),
        ({"hold_until": 1000.4}, "next try in a moment", "done at"),
        ({"hold_until": 999.0}, "done at", "next try"),
        ({"state": State.SICK}, "too much fails in passing", "done at"),
        ({"state": State.SICK, "hold_until": 1041.0}, "too much fails in passing", "next try"),
        ({"state": State.DELAYED}, "the service delays replies", "done at"),
        ({"resting": "resting until 20:00 Europe/Zurich"}, "resting until 20:00 Europe/Zurich", "done at"),
        ({"unreachable": "No route.", "state": State.SICK}, "waiting: No route.", "in passing"),
    ],
)
def test_words(state: dict[str, Any], said: str, unsaid: str) -> None:
    line = told(**state)
    assert said in line
    assert unsaid not in line


def test_nothing_is_promised_while_nothing_moves() -> None:
    assert "done at" not in told(speed=0.0)


def test_a_run_that_goes_on_tells_what_it_waits_for() -> None:
    earlier = Counter({Status.SUCCEEDED: 70, Status.FAILED: 1})
    report = Report(RunFolder(Path("out")), 2000, 0.0, earlier=earlier)
    report.tallies = [Tally(Counter({Status.SUCCEEDED: 30}), hold_until=1041.0, unreachable="No route.")]
    assert report.tally.by_status == {Status.SUCCEEDED: 100, Status.FAILED: 1}
    assert (report.tally.hold_until, report.tally.unreachable) == (1041.0, "No route.")
    assert report.tallies[0].done == 30
