"""Items that come as the run goes: what there is is sent, and the run waits for more as long as it takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import anyio
import pytest

from bulkexo.model import Item, Outcome
from bulkexo.pace import Backoff, Pacer
from bulkexo.schedule import Settings

from .fakes import FakeService, error, now, ok
from .world import World, item, rows


class Feed:
    """Items that are given from outside; None while there is none."""

    def __init__(self, *given: Item) -> None:
        self.waiting = deque(given)
        self.closed = False

    def __iter__(self) -> Iterator[Item | None]:
        return self

    def __next__(self) -> Item | None:
        if self.waiting:
            return self.waiting.popleft()
        if self.closed:
            raise StopIteration
        return None


def fed(world: World, feed: Feed) -> World:
    """A run of a feed; World takes items, and hands on what it is given."""
    return world.run(feed)  # type: ignore[arg-type]


def test_what_comes_later_is_sent_when_it_comes() -> None:
    feed = Feed(*rows(3))

    async def during(world: World) -> None:
        await anyio.sleep(5000.0)
        assert len(world.outcomes) == 3
        feed.waiting.extend(item(row) for row in range(4, 6))
        world.scheduler.wake()
        await anyio.sleep(100.0)
        feed.closed = True
        world.scheduler.wake()

    world = fed(World(during=during), feed)
    assert world.complete is True
    assert world.starts("4.1") == [pytest.approx(5000.0)]
    assert world.took == pytest.approx(5100.0)
    assert len(world.by_key) == 5


def test_what_comes_while_outcomes_are_taken_is_not_missed() -> None:
    """A step ends unsent as it is read, and the disk takes its time over that; an item comes meanwhile, and
    the word of it, when nobody listens for one."""
    feed = Feed(item(1))

    async def during(world: World) -> None:
        await anyio.sleep(50.0)
        feed.waiting.append(item(1, step=2))
        world.scheduler.wake()
        await anyio.sleep(0.5)
        feed.waiting.append(item(2))
        feed.closed = True
        world.scheduler.wake()

    service = FakeService(lambda sent: error(400) if sent.key == "1.1" else ok())
    world = fed(World(service, during=during, sink_wait=1.0), feed)
    assert world.complete is True
    assert [str(status) for status in world.statuses().values()] == ["failed", "skipped", "succeeded"]


def test_a_stop_ends_the_wait() -> None:
    async def during(world: World) -> None:
        await anyio.sleep(50.0)
        world.scheduler.stop()

    world = fed(World(during=during), Feed(*rows(2)))
    assert world.complete is False
    assert world.took == pytest.approx(50.0)


def test_having_had_nothing_to_send_is_no_silence_of_the_service() -> None:
    """--give-up-after counts from when something was to be sent."""
    feed = Feed(*rows(1))

    async def during(world: World) -> None:
        await anyio.sleep(10_000.0)
        feed.waiting.append(item(2))
        feed.closed = True
        world.scheduler.wake()

    world = World(during=during, settings=Settings())
    world.scheduler._pacer = Pacer(
        rate=None, concurrency=10, backoff=Backoff(world.random), give_up_after=600.0
    )
    fed(world, feed)
    assert world.error is None
    assert world.complete is True


def test_the_window_holds_the_feed_back() -> None:
    """No more is taken than the window has room for, whatever there is."""
    feed = Feed(*rows(500))
    feed.closed = True
    most: list[int] = []

    def told(outcomes: object) -> None:
        taken = 500 - len(feed.waiting)
        most.append(taken - len(world.outcomes))

    world = World(settings=Settings(window=40), told=told)
    fed(world, feed)
    assert len(world.by_key) == 500
    assert max(most) <= 40


def test_who_comes_later_does_not_wait_behind_all_that_there_is() -> None:
    """No more is read than may go soon, but as far as the window lets it where items wait for one another."""
    feed = Feed(*(item(row, identity="one and the same") for row in range(1, 31)), *rows(500)[30:])
    feed.closed = True
    most: list[int] = []

    def told(outcomes: object) -> None:
        most.append(500 - len(feed.waiting) - len(world.outcomes))

    world = World(settings=Settings(enough=20), told=told, concurrency=2)
    fed(world, feed)
    assert len(world.by_key) == 500
    assert 30 < max(most) <= 29 + 20 + 20 + 10


def test_outcomes_are_told_at_the_moment_they_come() -> None:
    """An item that is alone does not wait for company."""
    seen: list[tuple[float, Outcome]] = []
    feed = Feed(item(1))

    async def during(world: World) -> None:
        await anyio.sleep(30.0)
        feed.closed = True
        world.scheduler.wake()

    world = World(during=during, told=lambda outcomes: seen.extend((now(), each) for each in outcomes))
    fed(world, feed)
    assert [at for at, _ in seen] == [pytest.approx(seen[0][0])]
    assert seen[0][0] < 10.0
