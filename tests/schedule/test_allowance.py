"""What pace allows is heeded in each of its members."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bulkexo.model import StoppedError
from bulkexo.schedule import Settings

from .fakes import LATENCY, FakeService, throttled
from .world import PlainPacer, World, rows


def allowed(world: World, **members: object) -> None:
    pacer = world.scheduler._pacer
    assert isinstance(pacer, PlainPacer)
    pacer.now_allowed = replace(pacer.now_allowed, **members)  # type: ignore[arg-type]


@pytest.mark.parametrize(("ours", "paces", "in_force"), [(10, 3, 3), (4, 10, 4), (10, 1, 1), (7, 7, 7)])
def test_a_batch_is_no_larger_than_either_allows(ours: int, paces: int, in_force: int) -> None:
    world = World(settings=Settings(batch_size=ours))
    allowed(world, batch_size=paces)
    world.run(rows(in_force * 5))
    assert [len(arrival.items) for arrival in world.service.arrivals] == [in_force] * 5


def test_what_was_taken_for_a_larger_batch_goes_back_with_its_tokens_where_less_is_allowed_by_then() -> None:
    """The second ten wait from 0 to 1 s for their tokens; half-way, no more than one a batch is allowed."""

    async def during(world: World) -> None:
        await asyncio.sleep(0.5)
        allowed(world, batch_size=1)

    world = World(rate=10.0, concurrency=64, during=during).run(rows(30))
    sizes = [len(arrival.items) for arrival in world.service.arrivals]
    assert sizes == [10, *[1] * 20]
    assert [arrival.at for arrival in world.service.arrivals[1:11]] == pytest.approx([1.0] * 10, abs=1e-3)
    assert world.service.arrivals[20].at == pytest.approx(2.0, abs=1e-3)
    assert [key for arrival in world.service.arrivals for key in arrival.keys] == [
        f"{row}.1" for row in range(1, 31)
    ]


def test_no_more_batches_are_in_flight_than_allowed_now() -> None:
    """Three, and from the tenth second on one; and five again."""
    world = World(concurrency=3)
    most: list[int] = []

    async def during(world: World) -> None:
        for number in (1, 5):
            await asyncio.sleep(10.5)
            most.append(world.service.most_in_flight)
            allowed(world, concurrency=number)
            world.scheduler._desk.wake()
            await asyncio.sleep(LATENCY)
            world.service.most_in_flight = 0
        await world.task
        most.append(world.service.most_in_flight)

    world.during = during
    world.run(rows(2000))
    assert most == [3, 1, 5]


def test_the_moment_to_give_up_ends_a_wait_for_the_service() -> None:
    service = FakeService(lambda sent: throttled(Retry_After="3600"))
    world = World(service)
    allowed(world, give_up_at=500.0)
    world.run(rows(50))
    assert isinstance(world.error, StoppedError)
    assert "--give-up-after" in str(world.error)
    assert world.took == pytest.approx(500.0)
    assert world.outcomes == []


def test_the_moment_to_give_up_ends_a_wait_for_a_place() -> None:
    world = World(FakeService(latency=lambda arrival: 900.0), concurrency=1)
    allowed(world, give_up_at=500.0)
    world.run(rows(50))
    assert isinstance(world.error, StoppedError)
    assert len(world.outcomes) == 10  # what was in flight ended
    assert world.took == pytest.approx(900.0)


def test_a_run_that_ends_before_does_not_give_up() -> None:
    world = World()
    allowed(world, give_up_at=500.0)
    world.run(rows(50))
    assert (world.error, world.complete) == (None, True)
