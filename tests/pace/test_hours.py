"""`window:` as a function of the moment: days, midnight, and the nights in which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.pace.hours import Hours

ZURICH = ZoneInfo("Europe/Zurich")
NIGHT = Hours(time(20), time(6), ZURICH)
WEEKNIGHTS = Hours(time(20), time(6), ZURICH, frozenset(range(5)))
DAY = Hours(time(9), time(17), ZURICH, frozenset(range(5)))
WEEKEND = Hours(time(0), time(0), ZURICH, frozenset({5, 6}))


def seconds(text: str) -> float:
    """A moment in Zurich, or with its own offset."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZURICH)).timestamp()


# 2026-11-24 is a Tuesday; the clocks change on 2026-03-29 (02:00 to 03:00) and 2026-10-25 (03:00 to 02:00).
@pytest.mark.parametrize(
    ("hours", "now", "is_open", "until"),
    [
        (NIGHT, "2026-11-24T12:00", False, "2026-11-24T20:00"),
        (NIGHT, "2026-11-24T19:59:59", False, "2026-11-24T20:00"),
        (NIGHT, "2026-11-24T20:00", True, "2026-11-25T06:00"),
        (NIGHT, "2026-11-25T00:00", True, "2026-11-25T06:00"),
        (NIGHT, "2026-11-25T05:59:59", True, "2026-11-25T06:00"),
        (NIGHT, "2026-11-25T06:00", False, "2026-11-25T20:00"),
        (WEEKNIGHTS, "2026-11-28T05:00", True, "2026-11-28T06:00"),  # Friday's, on Saturday
        (WEEKNIGHTS, "2026-11-28T21:00", False, "2026-11-30T20:00"),
        (WEEKNIGHTS, "2026-11-30T05:00", False, "2026-11-30T20:00"),  # Sunday has none
        (DAY, "2026-11-27T17:00", False, "2026-11-30T09:00"),
        (DAY, "2026-11-30T09:00", True, "2026-11-30T17:00"),
        (WEEKEND, "2026-11-28T00:00", True, "2026-11-29T00:00"),
        (WEEKEND, "2026-11-30T00:00", False, "2026-12-05T00:00"),
        # Nine hours of night in March, eleven in October.
        (NIGHT, "2026-03-28T21:00", True, "2026-03-29T06:00+02:00"),
        (NIGHT, "2026-10-24T21:00", True, "2026-10-25T06:00+01:00"),
        # 02:30 is not there in March, and comes twice in October.
        (Hours(time(2, 30), time(5), ZURICH), "2026-03-29T01:00", False, "2026-03-29T03:30+02:00"),
        (Hours(time(2, 30), time(3), ZURICH), "2026-03-29T01:00", False, "2026-03-30T02:30+02:00"),
        (Hours(time(2, 30), time(5), ZURICH), "2026-10-25T02:00+02:00", False, "2026-10-25T02:30+02:00"),
        (Hours(time(23), time(2, 30), ZURICH), "2026-10-25T00:00+02:00", True, "2026-10-25T02:30+02:00"),
        (Hours(time(23), time(2, 30), ZURICH), "2026-10-25T02:45+02:00", False, "2026-10-25T23:00+01:00"),
    ],
)
def test_open_or_closed_until(hours: Hours, now: str, is_open: bool, until: str) -> None:
    assert hours.state(seconds(now)) == (is_open, seconds(until))


@pytest.mark.parametrize(
    ("moment", "now", "told"),
    [
        ("2026-11-24T20:00", "2026-11-24T12:00", "20:00 Europe/Zurich"),
        ("2026-11-30T20:00", "2026-11-28T21:00", "Mon 2026-11-30 20:00 Europe/Zurich"),
    ],
)
def test_told(moment: str, now: str, told: str) -> None:
    assert NIGHT.told(seconds(moment), seconds(now)) == told


def test_written() -> None:
    assert str(WEEKNIGHTS) == "20:00 to 06:00 Europe/Zurich mon,tue,wed,thu,fri"
    assert str(NIGHT) == "20:00 to 06:00 Europe/Zurich"


ZONES = st.sampled_from(["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
TIMES = st.times().map(lambda each: each.replace(second=0, microsecond=0))
DAYS = st.frozensets(st.integers(0, 6), min_size=1)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@given(ZONES, TIMES, TIMES, DAYS, MOMENTS)
def test_it_stays_so_until_then_and_changes(
    zone: str, start: time, end: time, days: frozenset[int], at: datetime
) -> None:
    hours, now = Hours(start, end, ZoneInfo(zone), days), at.timestamp()
    is_open, until = hours.state(now)
    assert now < until <= now + 8 * 86400
    assert hours.state((now + until) / 2) == (is_open, until)
    after, _ = hours.state(until)
    assert after or is_open  # what was closed opens; what was open may go on as the next day's
    local = (datetime.fromtimestamp(now, UTC) + timedelta(0)).astimezone(ZoneInfo(zone))
    changes = {(local + timedelta(days=number)).utcoffset() for number in (-2, -1, 0, 1, 2)}
    if len(changes) == 1:  # far from a change of the clocks the wall clock alone decides
        assert is_open == plainly(start, end, days, local)


def plainly(start: time, end: time, days: frozenset[int], local: datetime) -> bool:
    now = local.time()
    today, yesterday = local.weekday() in days, (local.weekday() - 1) % 7 in days
    if start < end:
        return today and start <= now < end
    return (today and now >= start) or (yesterday and now < end)
