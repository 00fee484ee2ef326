"""Stopping: nothing new is read or sent; what is in flight ends, or is unknown where it is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import pytest

from bulkexo.model import Item, StoppedError
from bulkexo.wire import Reply

from .fakes import Arrival, FakeService, FakeTokens, error, ok, reply, throttled
from .world import World, item, rows


def at(seconds: float, act: Callable[[World], object]) -> Callable[[World], Coroutine[Any, Any, None]]:
    async def during(world: World) -> None:
        await asyncio.sleep(seconds)
        act(world)

    return during


def stop(world: World) -> None:
    world.scheduler.stop()


def cancel(world: World) -> None:
    world.task.cancel()


class Reading:
    """A job that tells how many of its rows were read."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.read = 0

    def __iter__(self) -> Iterator[Item]:
        for each in self.items:
            self.read += 1
            yield each


def test_stop_lets_what_is_in_flight_end() -> None:
    job = Reading(rows(5000))
    before: list[tuple[int, int]] = []

    def note(world: World) -> None:
        before.append((job.read, len(world.service.arrivals)))
        stop(world)

    world = World(FakeService(latency=lambda arrival: 4.0), concurrency=3, during=at(9.0, note)).run(job)
    assert before == [(job.read, len(world.service.arrivals))]
    assert world.complete is False
    assert world.took == pytest.approx(12.0)
    assert len(world.outcomes) == 10 * len(world.service.arrivals) == 90


@pytest.mark.parametrize(
    "answer", [throttled(Retry_After="3600"), error(503, Retry_After="3600"), throttled(Retry_After="0")]
)
def test_stop_does_not_wait_for_holds_and_retries(answer: dict[str, Any]) -> None:
    world = World(FakeService(lambda sent: answer), during=at(10.5, stop)).run(rows(20))
    assert world.complete is False
    assert world.took <= 12.0
    assert world.outcomes == []


def test_stop_does_not_wait_for_the_rate() -> None:
    world = World(rate=0.01, during=at(5.0, stop)).run(rows(30))
    assert world.took == pytest.approx(5.0)
    assert (len(world.outcomes), world.service.sendings.total()) == (10, 10)


def test_stop_while_a_token_is_fetched_sends_nothing() -> None:
    class SlowTokens(FakeTokens):
        async def current(self) -> str:
            await asyncio.sleep(10.0)
            return "token"

    world = World(tokens=SlowTokens(), during=at(5.0, stop)).run(rows(30))
    assert (world.service.arrivals, world.outcomes) == ([], [])
    assert world.complete is False


def test_stop_before_the_start() -> None:
    world = World()
    world.scheduler.stop()
    world.run(rows(10))
    assert (world.complete, world.service.arrivals) == (False, [])


def test_the_first_error_given_is_the_one_that_is_raised() -> None:
    first = StoppedError("The disk is full.")

    def twice(world: World) -> None:
        world.scheduler.stop(first)
        world.scheduler.stop(StoppedError("And then."))

    world = World(during=at(0.5, twice)).run(rows(500))
    assert world.error is first
    assert len(world.outcomes) == 100


def test_a_stop_after_the_last_item_leaves_the_run_complete() -> None:
    world = World(during=at(0.5, stop)).run(rows(10))
    assert (world.complete, len(world.outcomes)) == (True, 10)


MIXED = [
    item(1, "Set-Mailbox"),
    item(2, "New-Mailbox"),
    item(3, "Get-Mailbox"),
    item(4, "Add-MailboxPermission"),
    item(5, "Remove-Mailbox"),
]


def test_what_is_cut_off_in_flight_was_announced_if_it_may_not_run_twice() -> None:
    """Whoever goes on with the run finds it in the journal (the other two may simply be sent again)."""
    world = World(during=at(0.25, cancel)).run(MIXED)
    assert world.cancelled
    assert world.outcomes == []
    assert [each.row for each in world.announced] == [2, 4, 5]


def test_cut_off_while_a_token_is_renewed_what_had_ended_is_told() -> None:
    def whole(arrival: Arrival) -> Reply | None:
        return reply(error(401)) if arrival.nth == 2 else None

    service = FakeService(lambda sent: error(401) if sent.key == "3.1" else ok(), whole)
    world = World(service, FakeTokens(latency=60.0), during=at(20.0, cancel)).run(rows(20, "New-Mailbox"))
    assert world.cancelled
    assert sorted(world.by_key) == sorted(f"{row}.1" for row in range(1, 11) if row != 3)


def test_cut_off_while_outcomes_wait_for_the_disk_they_are_told() -> None:
    world = World(sink_wait=30.0, during=at(10.0, cancel)).run(rows(30, "New-Mailbox"))
    assert world.cancelled
    assert len(world.by_key) == 30


def test_what_is_told_was_announced_before() -> None:
    service = FakeService(latency=lambda arrival: float(arrival.nth))
    world = World(service, concurrency=5, during=at(3.5, cancel)).run(rows(200, "New-Mailbox"))
    assert 0 < len(world.by_key) < service.sendings.total()
    assert set(world.by_key) < {f"{each.row}.{each.step}" for each in world.announced}
