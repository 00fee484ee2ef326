"""Hours in which nothing is sent: what is in flight ends, and nothing is taken for the service's doing."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import anyio
import pytest

from bulkexo.pace import Backoff, Pacer
from bulkexo.pace.hours import Hours
from bulkexo.schedule import Settings

from .fakes import FakeService, error, ok
from .world import EPOCH, World, rows


def clock(seconds: float) -> time:
    """A time of the day, in UTC, so many seconds after a test begins; whole minutes."""
    moment = datetime.fromtimestamp(EPOCH + seconds, UTC)
    assert moment.second == 0
    return moment.time()


def hours(opens: float, closes: float) -> Hours:
    return Hours(clock(opens), clock(closes), ZoneInfo("UTC"))


def test_a_run_that_begins_outside_waits_until_it_may() -> None:
    world = World(settings=Settings(hours=hours(3600, 7200)))
    world.during = seen = Seen(1800.0)
    world.run(rows(20))
    assert world.complete is True
    assert min(arrival.at for arrival in world.service.arrivals) == pytest.approx(3600.0, abs=0.01)
    assert seen.resting == f"resting until {clock(3600):%H:%M} UTC"
    assert world.scheduler.tally.resting == ""


class Seen:
    """Looks at the tally at a moment."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.resting = ""

    async def __call__(self, world: World) -> None:
        await anyio.sleep(self.at)
        self.resting = world.scheduler.tally.resting


def test_what_is_in_flight_ends_and_the_rest_waits_for_the_next_day() -> None:
    service = FakeService(latency=lambda arrival: 50.0)
    world = World(service, settings=Settings(hours=hours(0, 120)), concurrency=1, end=100_000)
    world.run(rows(40))
    assert world.complete is True
    assert [arrival.at for arrival in service.arrivals] == pytest.approx([0, 50, 100, 86400], abs=0.01)


def test_what_is_to_be_tried_again_waits_too() -> None:
    service = FakeService(lambda sent: error(503) if sent.nth == 1 else ok())
    service.latency = lambda arrival: 110.0
    world = World(service, settings=Settings(hours=hours(0, 60)), end=100_000)
    world.run(rows(5))
    assert [arrival.at for arrival in service.arrivals] == pytest.approx([0, 86400], abs=0.01)
    assert {outcome.attempts for outcome in world.outcomes} == {2}


class Hour(Pacer):
    """The true one, with patience for an hour."""

    def __init__(self, *, rate: float | None, concurrency: int, backoff: Backoff) -> None:
        super().__init__(rate=rate, concurrency=concurrency, backoff=backoff, give_up_after=3600.0)


def test_patience_does_not_run_out_over_night() -> None:
    """The true pacer gives up after an hour without anything accepted."""
    service = FakeService(latency=lambda arrival: 50.0)
    world = World(service, settings=Settings(hours=hours(0, 60)), concurrency=1, pacer=Hour, end=100_000)
    world.run(rows(30))
    assert (world.error, world.complete) == (None, True)
    assert world.took > 86400


def test_it_can_be_stopped_while_it_rests() -> None:
    async def stop(world: World) -> None:
        await anyio.sleep(100.0)
        world.scheduler.stop()

    world = World(settings=Settings(hours=hours(3600, 7200)), during=stop).run(rows(5))
    assert (world.complete, world.outcomes, world.service.arrivals) == (False, [], [])
    assert world.took == pytest.approx(100.0)
