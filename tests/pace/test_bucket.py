"""Bucket: the rate held, the burst, and a rate that changes under a waiter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bulkexo.pace.bucket import Bucket

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def now() -> float:
    return asyncio.get_running_loop().time()


async def grants(bucket: Bucket, *amounts: float) -> list[float]:
    times = []
    for amount in amounts:
        await bucket.acquire(amount)
        times.append(now())
    return times


@pytest.mark.parametrize(
    ("rate", "amounts", "times"),
    [
        (5.0, (10, 10, 10), [0, 2, 4]),  # one batch at once, then at the rate
        (5.0, (1, 10, 10), [0, 0.2, 2.2]),  # a burst of one batch, not of one batch and one item
        (400.0, (10, 10, 10, 10), [0, 0.025, 0.05, 0.075]),
        (0.05, (10, 1), [0, 20]),
        (None, (10, 10, 10), [0, 0, 0]),
    ],
)
def test_rate(virtual: Run, rate: float | None, amounts: tuple[float, ...], times: list[float]) -> None:
    assert virtual(grants(Bucket(rate), *amounts)) == pytest.approx(times, abs=1e-5)


def test_an_idle_bucket_saves_up_one_batch_only(virtual: Run) -> None:
    async def main() -> list[float]:
        bucket = Bucket(5.0)
        await bucket.acquire(10)
        await asyncio.sleep(1000)
        return await grants(bucket, 10, 10)

    assert virtual(main()) == pytest.approx([1000, 1002], abs=1e-5)


@pytest.mark.parametrize(
    ("before", "after", "granted"),
    [
        (1.0, 10.0, 1.9),  # at 1 s: 9 of 10 are owed, and they leak at 10/s
        (12.0, 1.0, 10 / 12),  # granted by the old rate before the change
        (5.0, 1.0, 6.0),  # 5 owed at the change, and they leak at 1/s
        (1.0, None, 1.0),
    ],
)
def test_a_waiter_notices_a_new_rate(
    virtual: Run, before: float, after: float | None, granted: float
) -> None:
    async def main() -> float:
        bucket = Bucket(before)
        await bucket.acquire(10)
        waiting = asyncio.ensure_future(grants(bucket, 10))
        await asyncio.sleep(1.0)
        bucket.set_rate(after)
        assert bucket.rate == after
        return (await waiting)[0]

    assert virtual(main()) == pytest.approx(granted, abs=1e-5)


def test_many_changes_neither_lose_nor_give_items(virtual: Run) -> None:
    async def main() -> float:
        bucket = Bucket(100.0)

        async def wobble() -> None:
            for step in range(10_000):
                bucket.set_rate(101.0 if step % 2 else 99.0)
                await asyncio.sleep(0.0013)

        wobbling = asyncio.ensure_future(wobble())
        times = await grants(bucket, *[10] * 31)
        wobbling.cancel()
        return times[-1]

    assert virtual(main()) == pytest.approx(3.0, rel=0.01)


def test_a_busy_loop_makes_one_batch_late_and_not_those_after_it(
    virtual: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(busy: float) -> list[float]:
        loop = asyncio.get_running_loop()
        clock, lost = loop.time, [0.0]
        monkeypatch.setattr(loop, "time", lambda: clock() + lost[0])
        bucket = Bucket(400.0)
        await bucket.acquire(10)
        loop.call_at(0.02, lambda: lost.__setitem__(0, busy))
        return await grants(bucket, 10, 10, 10)

    assert virtual(main(0.015)) == pytest.approx([0.035, 0.05, 0.075], abs=1e-4)
    assert virtual(main(9.0)) == pytest.approx([9.02, 9.02, 9.045], abs=1e-4)  # one burst, and no more


def test_no_limit_then_a_limit_starts_without_a_burst(virtual: Run) -> None:
    async def main() -> list[float]:
        bucket = Bucket(None)
        await bucket.acquire(10)
        bucket.set_rate(5.0)
        return await grants(bucket, 10)

    assert virtual(main()) == pytest.approx([2.0], abs=1e-5)


def test_a_large_batch_is_not_starved_by_small_ones(virtual: Run) -> None:
    async def main() -> list[str]:
        bucket, order = Bucket(10.0), list[str]()
        await bucket.acquire(10)

        async def one(name: str, items: float) -> None:
            await bucket.acquire(items)
            order.append(name)

        async with asyncio.TaskGroup() as group:
            for name, items in (("large", 10), ("small", 1), ("other", 1)):
                group.create_task(one(name, items))
        return order

    assert virtual(main()) == ["large", "small", "other"]


def test_a_cancelled_waiter_takes_nothing(virtual: Run) -> None:
    async def main() -> list[float]:
        bucket = Bucket(10.0)
        await bucket.acquire(10)
        waiting = asyncio.ensure_future(bucket.acquire(10))
        await asyncio.sleep(0.5)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return await grants(bucket, 10)

    assert virtual(main()) == pytest.approx([1.0], abs=1e-5)


def test_more_than_the_burst_is_refused(virtual: Run) -> None:
    async def main() -> None:
        await Bucket(10.0, burst=10).acquire(11)

    with pytest.raises(ValueError, match="burst of 10"):
        virtual(main())


@pytest.mark.parametrize(
    ("rate", "back", "granted"), [(5.0, 9, 0.2), (5.0, 10, 0.0), (5.0, 0, 2.0), (None, 9, 0.0)]
)
def test_what_is_given_back_goes_to_the_next(
    virtual: Run, rate: float | None, back: int, granted: float
) -> None:
    async def main() -> list[float]:
        bucket = Bucket(rate)
        await bucket.acquire(10)
        bucket.give_back(back)
        return await grants(bucket, 10)

    assert virtual(main()) == pytest.approx([granted], abs=1e-5)
