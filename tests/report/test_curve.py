"""What changes over the time of a run, and the histogram of what its items took, in flat memory."""

from __future__ import annotations

import math
from statistics import quantiles
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkexo.report.html.charts import EDGES, _elapsed, _ticks, _times, briefly
from bulkexo.report.html.curve import GAP, SLOTS, Curve
from bulkexo.report.html.gather import Durations
from bulkexo.report.html.plain import shown
from tests.report.left import BEGAN, at

START = BEGAN.timestamp()


def sample(
    seconds: float, attempts: int, throttled: int = 0, allowed: float | None = 40.0, pid: int = 1
) -> dict[str, Any]:
    """A line of progress.ndjson."""
    return {
        "time": at(seconds),
        "attempts": attempts,
        "throttled": throttled,
        "allowed_per_second": allowed,
        "pid": pid,
    }


def test_a_steady_run_is_seen_as_steady_however_long_it_is() -> None:
    for length in (33.4, 3_600.0, 360_000.0):
        curve = Curve()
        for number in range(10_000):
            curve.ended(START + number * length / 10_000)
        rates = [point.rate for point in curve.points()]
        assert 10 < len(rates) <= 240
        assert all(rate == pytest.approx(10_000 / length, rel=0.1) for rate in rates)
        assert len(rates) <= 240


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=800))
def test_no_item_is_lost_and_there_are_never_too_many_slots(times: list[float]) -> None:
    curve = Curve()
    for time in times:
        curve.ended(START + time)
        assert len(curve._slots) <= SLOTS
    assert sum(slot.done for slot in curve._slots.values()) == len(times)
    points = curve.points()
    assert [point.at for point in points] == sorted(point.at for point in points)


def test_days_between_two_processes_are_left_out() -> None:
    curve = Curve()
    for second in range(100):
        curve.ended(START + second)
        curve.ended(START + 86400 + second)
    points = curve.points()
    breaks = [number for number, point in enumerate(points) if point.rate is None]
    assert len(breaks) == 1
    assert points[-1].at < 210


def test_a_time_without_an_end_is_a_speed_of_nothing() -> None:
    curve = Curve()
    for second in (0, 1, 2, 20, 21, 22):
        assert second < GAP
        curve.ended(START + second + 0.5)
    assert [point.rate for point in curve.points()][3:20] == [0.0] * 17


def test_the_allowance_and_the_throttled_share() -> None:
    curve = Curve()
    curve.ended(START)
    curve.ended(START + 40)
    lines = [sample(0, 0, 0, None), sample(10, 400), sample(20, 800, 40), sample(30, 1200, 40, None)]
    curve.progress([*lines, {"torn": 1}, sample(40, 1300, 40, 20.0, pid=2)])
    found = {int(point.at): point for point in curve.points() if point.rate is not None}
    assert (curve.sent, curve.throttled) == (1300, 40)
    assert found[5].allowed == pytest.approx(40)
    assert found[15].throttled == pytest.approx(0.1)
    assert found[25].throttled == pytest.approx(0)
    assert found[25].allowed == pytest.approx(40), "as it was, while nothing is sent"
    assert found[35].allowed is None, "another process: what was between the two is not known"


def test_a_progress_file_that_makes_no_sense_does_no_harm() -> None:
    curve = Curve()
    curve.progress([{"time": None}, {"time": "x", "pid": 1}, {"time": at(5), "pid": 1, "attempts": "many"}])
    curve.progress([sample(9, 5), sample(3, 2)])
    assert curve.points() == []


@settings(deadline=None)
@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=500))
def test_shares_of_the_durations_are_within_three_percent(times: list[float]) -> None:
    durations = Durations()
    for time in times:
        durations.add(time)
    ordered = sorted(times)
    for share in (0.5, 0.9, 0.99):
        exact = ordered[math.ceil(share * len(ordered)) - 1]
        assert durations.below(share) == pytest.approx(exact, rel=0.03)
    assert sum(durations.between(EDGES)) == len(times)


def test_durations_of_a_known_run() -> None:
    durations = Durations()
    times = [float(number) for number in range(1, 10_001)]
    for time in times:
        durations.add(time)
    tens = quantiles(times, n=10)
    assert durations.below(0.5) == pytest.approx(tens[4], rel=0.03)
    assert durations.below(0.9) == pytest.approx(tens[8], rel=0.03)
    assert durations.longest == 10_000
    assert Durations().below(0.5) == 0


@settings(deadline=None)
@given(st.floats(1e-3, 1e7), st.integers(2, 6))
def test_ticks_are_round_and_reach_above_the_highest(highest: float, count: int) -> None:
    ticks = _ticks(highest, count)
    assert ticks[0] == 0 and ticks[-1] >= highest * (1 - 1e-9)
    assert 2 <= len(ticks) <= count + 2


@settings(deadline=None)
@given(st.floats(0.1, 1e8), st.integers(3, 8))
def test_times_of_an_axis_are_few_and_told_apart(ends: float, count: int) -> None:
    times = _times(ends, count)
    assert 1 <= len(times) <= count + 2
    assert len({_elapsed(time) for time in times}) == len(times)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.02, "20 ms"), (5, "5 s"), (5.5, "5.5 s"), (59, "59 s"), (120, "2 min"), (5400, "1.5 h")],
)
def test_times_in_brief(seconds: float, said: str) -> None:
    assert briefly(seconds).replace("\xa0", " ") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\tb\r\nc", "a b c"),
        ("\x00\u202e\u200f\x1b[31m", "\\u0000\\u202e\\u200f\\u001b[31m"),
        ("Müller 東京 👩\u200d💻", "Müller 東京 👩\u200d💻"),
        (None, ""),
        (17, "17"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_what_is_shown_of_a_text(text: Any, said: str) -> None:
    assert shown(text) == said
