"""Stopping: nothing new is read or sent; what is in flight ends, or is left in doubt where it is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import pytest

from bulkexo.model import Item, StoppedError
from bulkexo.schedule import Settings
from bulkexo.wire import Lost, Reply

from .fakes import Answer, Arrival, FakeService, FakeTokens, Sent, error, ok, passing, reply, throttled
from .world import World, item, key, rows


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
    assert world.in_doubt == []


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


def test_cut_off_in_flight_only_the_unsafe_are_in_doubt() -> None:
    """No line, since it is not known how they ended; the announcement lets a resume settle them."""
    world = World(during=at(0.25, cancel)).run(MIXED)
    assert world.cancelled
    assert world.outcomes == []
    assert world.in_doubt == ["2.1", "4.1", "5.1"]
    assert [key(each) for each in world.announced] == ["2.1", "4.1", "5.1"]


def test_what_was_not_in_flight_is_not_in_doubt() -> None:
    """Throttled before, and waiting when the run is cut off: it did not run."""
    service = FakeService(lambda sent: throttled(Retry_After="100"))
    world = World(service, during=at(50.0, cancel)).run(rows(30, "New-Mailbox"))
    assert (world.cancelled, world.in_doubt) == (True, [])


def test_cut_off_while_a_token_is_fetched_nothing_is_in_doubt() -> None:
    """Never sent, or throttled when it was."""

    class SlowTokens(FakeTokens):
        asked = 0

        async def current(self) -> str:
            self.asked += 1
            if self.asked > 1:
                await asyncio.sleep(60.0)
            return "token"

    service = FakeService(lambda sent: throttled(Retry_After="2"))
    world = World(service, SlowTokens(), during=at(30.0, cancel)).run(rows(10, "New-Mailbox"))
    assert service.sendings.total() == 10
    assert (world.cancelled, world.in_doubt) == (True, [])


def test_cut_off_while_a_token_is_renewed_what_had_ended_is_told() -> None:
    def whole(arrival: Arrival) -> Reply | None:
        return reply(error(401)) if arrival.nth == 2 else None

    service = FakeService(lambda sent: error(401) if sent.key == "3.1" else ok(), whole)
    world = World(service, FakeTokens(latency=60.0), during=at(20.0, cancel)).run(rows(20, "New-Mailbox"))
    assert world.cancelled
    assert sorted(world.by_key) == sorted(f"{row}.1" for row in range(1, 11) if row != 3)
    assert world.in_doubt == []


def test_cut_off_while_outcomes_wait_for_the_disk_they_are_told() -> None:
    world = World(sink_wait=30.0, during=at(10.0, cancel)).run(rows(30, "New-Mailbox"))
    assert world.cancelled
    assert len(world.by_key) == 30
    assert world.in_doubt == []


def test_each_item_is_told_or_in_doubt_when_some_are_cut_off() -> None:
    service = FakeService(latency=lambda arrival: float(arrival.nth))
    world = World(service, concurrency=5, during=at(3.5, cancel)).run(rows(200, "New-Mailbox"))
    assert not set(world.by_key) & set(world.in_doubt)
    assert set(world.by_key) | set(world.in_doubt) == set(service.sendings)
    assert (len(world.by_key), len(world.in_doubt)) == (30, 50)


@pytest.mark.parametrize("act", [stop, cancel])
def test_what_certainly_did_not_run_is_withdrawn(act: Callable[[World], object]) -> None:
    """Throttled, passing, busy, or never left: a resume sends it as if nothing had been."""
    refusals = [throttled(Retry_After="3600"), passing(Retry_After="3600"), error(503, Retry_After="3600")]

    def each(sent: Sent) -> Answer:
        return refusals[int(sent.key[0]) % 3] if len(sent.key) == 3 else ok()

    world = World(FakeService(each), during=at(50.0, act)).run(rows(12, "Add-MailboxPermission"))
    assert sorted(world.withdrawn) == [f"{row}.1" for row in range(1, 10)]
    assert set(world.by_key) == {"10.1", "11.1", "12.1"}
    assert world.in_doubt == []


def test_out_of_reach_nothing_is_left_in_doubt() -> None:
    service = FakeService(whole=lambda arrival: Lost("No route.", sent=False))
    world = World(service, settings=Settings(offline=600.0)).run(rows(300, "New-InboxRule"))
    assert isinstance(world.error, StoppedError)
    assert len(world.withdrawn) == len(world.announced) >= 100
    assert world.in_doubt == []


def test_what_may_have_run_is_not_withdrawn() -> None:
    """Its answer was lost, and the run ends while the next attempt waits, or while it is looked for."""
    service = FakeService(lambda sent: None if sent.nth == 1 else throttled(Retry_After="3600"))
    items = [item(1, "New-InboxRule"), item(2, "Add-MailboxPermission"), item(3, "Set-Mailbox")]
    world = World(service, during=at(50.0, stop)).run(items)
    assert (world.complete, world.outcomes, world.withdrawn) == (False, [], [])
    assert world.in_doubt == ["1.1", "2.1"]


def test_a_run_that_ends_withdraws_nothing() -> None:
    service = FakeService(lambda sent: throttled(Retry_After="2") if sent.nth == 1 else ok())
    world = World(service).run(rows(30, "New-Mailbox"))
    assert (world.complete, world.withdrawn, world.in_doubt) == (True, [], [])
