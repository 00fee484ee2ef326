"""Items on a worker: in their order, a piece at a time, never more than a piece held."""

from __future__ import annotations

from collections.abc import Sequence

import anyio.lowlevel
import pytest

from bulkexo.cluster.feeder import Feeder
from bulkexo.cluster.messages import Given, Items
from bulkexo.model import Ended, Item, Status, StoppedError

pytestmark = pytest.mark.anyio


def given(row: int, *, recovered: bool = False) -> Given:
    return Given(Item(row, 1, "Set-Mailbox", f"m{row}", {}, {}), recovered, {1: Ended(Status.SUCCEEDED)})


class Source:
    """Gives rows. held: how many the feeder had at most, by what was asked for and what was taken."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.left = list(rows)
        self.asked: list[int] = []
        self.given = 0

    async def more(self, count: int) -> Items:
        await anyio.lowlevel.checkpoint()
        self.asked.append(count)
        now, self.left = self.left[:count], self.left[count:]
        self.given += len(now)
        return Items([given(row) for row in now], over=not self.left)


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
async def test_all_come_in_order_and_no_more_than_a_piece_is_held(piece: int) -> None:
    source = Source(range(1, 101))
    woken = anyio.Event()

    def wake() -> None:
        woken.set()

    feeder = Feeder(source.more, wake, piece)
    taken: list[int] = []
    async with anyio.create_task_group() as group:
        group.start_soon(feeder.keep)
        for found in feeder:
            assert source.given - len(taken) <= piece
            if found is None:
                woken = anyio.Event()
                with anyio.fail_after(5):
                    await woken.wait()
                continue
            assert not feeder.unsettled(found)
            assert feeder.earlier(found) == {1: Ended(Status.SUCCEEDED)}
            taken.append(found.row)
    assert taken == list(range(1, 101))
    assert max(source.asked) == min(piece, 500)


async def test_what_asking_raises_comes_after_what_was_given() -> None:
    answers = [Items([given(1), given(2, recovered=True)], over=False)]

    async def more(count: int) -> Items:
        if not answers:
            raise StoppedError("The rows cannot be read any more.")
        return answers.pop()

    feeder = Feeder(more, lambda: None, 4)
    with anyio.fail_after(5):
        await feeder.keep()
    first, second = next(feeder), next(feeder)
    assert second is not None
    assert first is not None
    assert (first.row, second.row, feeder.unsettled(second), feeder.recovered) == (1, 2, True, True)
    with pytest.raises(StoppedError):
        next(feeder)


async def test_only_the_item_taken_last_is_known() -> None:
    source = Source([1, 2])
    feeder = Feeder(source.more, lambda: None, 10)
    await feeder.keep()
    first, second = next(feeder), next(feeder)
    assert first is not None
    assert second is not None
    with pytest.raises(ValueError, match="last one taken"):
        feeder.unsettled(first)
