"""How things stand: the speed, the end, what is waited for; and all of it in one line."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bulkexo.cli.gauge import Gauge, Scene, Speed, words
from bulkexo.journal import RunFolder
from bulkexo.model import Failure, Item, Outcome, Status
from bulkexo.pace import State
from bulkexo.run import Report
from bulkexo.schedule import Tally

NOON = datetime(2026, 11, 24, 12, 0, 0).timestamp()


def looked(seconds: float = 10.0, more: int = 100, total: int = 2000, **state: Any) -> Scene:
    """After `seconds` in which `more` items ended."""
    gauge = Gauge(total)
    by_status = Counter(state.pop("by_status", {Status.SUCCEEDED: 100}))
    gauge.look(Tally(by_status=Counter({Status.SUCCEEDED: by_status.total() - more})), 1000.0 - seconds, NOON)
    return gauge.look(Tally(by_status=by_status, **state), 1000.0, NOON)


@pytest.mark.parametrize(
    ("state", "said", "unsaid"),
    [
        ({}, "100 of 2,000, 10.0/s, done at 12:03:10, in 3 min 10 s", "failed"),
        ({"rate": 1240.0}, "10.0/s of 1,240.0/s allowed", "failed"),
        ({"by_status": {Status.SUCCEEDED: 90, Status.FAILED: 10}}, "10 failed", "unknown"),
        ({"by_status": {Status.SUCCEEDED: 90, Status.UNKNOWN: 1}}, "1 unknown", "failed"),
        ({"refused": 1234, "sent": 10_000}, "1,234 throttled (12.3%)", "next try"),
        ({"pages": 1234}, "1,234 further pages", "throttled"),
        ({}, "100 of 2,000", "pages"),
        ({"wave": "wave 2 of 3"}, "100 of 2,000, wave 2 of 3, ", "throttled"),
        ({"hold_until": 1041.0}, "throttled by the service, next try in 41 s", "done at"),
        ({"hold_until": 999.0}, "done at", "next try"),
        ({"hold_until": 1001.5}, "done at", "next try"),
        ({"state": State.DELAYED}, "the service delays replies, so the pace is eased, done at", "throttled"),
        ({"resting": "resting until 20:00 Europe/Zurich"}, "resting until 20:00 Europe/Zurich", "done at"),
        ({"unreachable": "No route.", "state": State.SICK}, "waiting: No route.", "in passing"),
    ],
)
def test_words(state: dict[str, Any], said: str, unsaid: str) -> None:
    line = words(looked(**state))
    assert said in line
    assert unsaid not in line


def test_nothing_is_promised_while_nothing_moves() -> None:
    scene = looked(more=0, batches=3)
    assert scene.left is None
    assert scene.state == "waiting for replies: 3 batches are in flight, and none has come for 10 s"
    assert "done at" not in words(scene)
    assert looked(seconds=2.0, more=0, batches=3).state == ""


def test_a_brief_wait_is_told_once_nothing_has_moved_for_a_while() -> None:
    assert "next try in 2 s" in looked(more=0, hold_until=1001.5).state


def test_the_day_is_told_where_it_is_another() -> None:
    scene = looked(total=1_000_000)
    assert scene.end == "done at Wed 2026-11-25 15:46, in 27 h 46 min"


def test_the_end_follows_from_a_longer_while_than_the_speed() -> None:
    gauge = Gauge(10_000)
    for second in range(61):
        done = 100 * min(second, 50)  # 100/s for 50 s, then nothing for 10 s but one
        scene = gauge.look(Tally(by_status=Counter({Status.SUCCEEDED: done + (second == 60)})), second, NOON)
    assert scene.speed == pytest.approx(0.1)
    assert scene.left == pytest.approx(4999 / (5001 / 60))


def test_speed_is_that_of_the_last_while() -> None:
    speed = Speed(10.0)
    assert speed.add(0.0, 0) == 0.0
    assert speed.add(5.0, 500) == 100.0
    for second in range(6, 30):
        last = speed.add(float(second), 500)
    assert last == 0.0


def failed(row: int, code: str, kind: str, message: str, cmdlet: str = "Set-Mailbox") -> Outcome:
    item = Item(row, 1, cmdlet, f"user{row}@contoso.com", {}, {})
    error = Failure(code, kind, message)
    return Outcome(item, Status.FAILED, 1, None, 0.0, 1.0, None, error=error)


def test_the_last_failures_are_told_by_cause() -> None:
    tally = Tally()
    gone = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
    tally.count([failed(1, "NotFound", gone, "The operation couldn't be performed because object 'x'")])
    tally.count([failed(2, "BadRequest", "", "Something that nobody has\nseen before.")])
    tally.count([failed(3, "NotFound", gone, "couldn't be found", "Get-Mailbox")])
    tally.count([failed(4, "NotFound", gone, "couldn't be found", "Get-Mailbox")])
    scene = Gauge(10).look(tally, 0.0, NOON)
    first, second = scene.faults
    assert (first.count, first.row, first.identity) == (3, 4, "user4@contoso.com")
    assert first.words == "the mailbox or other object does not exist"
    assert (second.count, second.row) == (1, 2)


def test_of_many_kinds_the_latest_are_told() -> None:
    tally = Tally()
    for number in range(1, 9):
        tally.count([failed(number, "x", f"Kind{number}", f"Message {number}.")])
    tally.count([failed(9, "x", "Kind1", "Message 1.")])
    rows = {fault.row for fault in Gauge(10).look(tally, 0.0, NOON).faults}
    assert rows == {5, 6, 7, 8, 9}


def test_a_run_that_goes_on_tells_what_it_waits_for() -> None:
    earlier = Tally(Counter({Status.SUCCEEDED: 70, Status.FAILED: 1}))
    report = Report(RunFolder(Path("out")), 2000, 0.0, earlier=earlier)
    report.tallies = [Tally(Counter({Status.SUCCEEDED: 30}), hold_until=1041.0, unreachable="No route.")]
    assert report.tally.by_status == {Status.SUCCEEDED: 100, Status.FAILED: 1}
    assert (report.tally.hold_until, report.tally.unreachable) == (1041.0, "No route.")
    assert report.tallies[0].done == 30
