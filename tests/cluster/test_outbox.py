"""What a worker tells: in order, one message at a time, what gathers meanwhile together."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from bulkexo.cluster.messages import Announce, Ended, Keep, Note, Pass, SupersededError
from bulkexo.cluster.outbox import TOGETHER, WAITING, Outbox, Said
from bulkexo.model import Item, Outcome, Page, Status, StoppedError

pytestmark = pytest.mark.anyio
AT = Pass("tcp://nowhere", "run", 1, 1, "key")


def item(row: int) -> Item:
    return Item(row, 1, "New-Mailbox", f"m{row}", {}, {})


def outcome(row: int) -> Outcome:
    return Outcome(item(row), Status.SUCCEEDED, 1, 200, 0.0, 0.1, None)


class Ear:
    """Hears what is told; one at a time. open: lets answers out."""

    def __init__(self) -> None:
        self.heard: list[Said] = []
        self.open = anyio.Event()
        self.error: StoppedError | None = None
        self.under_way = 0

    async def tell(self, said: Said) -> None:
        self.under_way += 1
        assert self.under_way == 1
        self.heard.append(said)
        await self.open.wait()
        self.under_way -= 1
        if self.error is not None:
            raise self.error

    def rows(self) -> list[tuple[type[Said], list[int]]]:
        return [(type(said), [each.row for each in _items(said)]) for said in self.heard]


def _items(said: Said) -> Sequence[Item]:
    if isinstance(said, Announce):
        return said.items
    if isinstance(said, Ended):
        return [each.item for each in said.outcomes]
    return [page.item for page in said.pages] if isinstance(said, Keep) else []


async def test_in_order_and_what_gathers_goes_together() -> None:
    ear = Ear()
    outbox = Outbox(AT, ear.tell)
    async with anyio.create_task_group() as group:
        group.start_soon(outbox.tell_all)
        await outbox.ended([outcome(1), outcome(2)])
        await anyio.wait_all_tasks_blocked()
        await outbox.ended([outcome(3)])
        await outbox.ended([outcome(4)])
        group.start_soon(outbox.announce, [item(5)])
        await anyio.wait_all_tasks_blocked()
        group.start_soon(outbox.announce, [item(6)])
        await anyio.wait_all_tasks_blocked()
        outbox.note("a word")
        group.start_soon(outbox.keep, [Page(item(7), [1], first=True)])
        await anyio.wait_all_tasks_blocked()
        await outbox.ended([outcome(8)])
        ear.open.set()
        await outbox.emptied()
        group.cancel_scope.cancel()
    assert ear.rows() == [
        (Ended, [1, 2]), (Ended, [3, 4]), (Announce, [5, 6]), (Note, []), (Keep, [7]), (Ended, [8]),
    ]  # fmt: skip


async def test_so_much_waits_and_no_more() -> None:
    ear = Ear()
    outbox = Outbox(AT, ear.tell)
    async with anyio.create_task_group() as group:
        group.start_soon(outbox.tell_all)
        for row in range(WAITING):
            await outbox.ended([outcome(row)])
        one_more = anyio.Event()

        async def put() -> None:
            await outbox.ended([outcome(WAITING)])
            one_more.set()

        group.start_soon(put)
        await anyio.wait_all_tasks_blocked()
        assert not one_more.is_set()
        ear.open.set()
        await one_more.wait()
        await outbox.emptied()
        group.cancel_scope.cancel()
    assert [row for _, rows in ear.rows() for row in rows] == list(range(WAITING + 1))
    assert max(len(rows) for _, rows in ear.rows()) == TOGETHER


async def test_what_the_disk_refuses_is_raised_and_later_things_are_told() -> None:
    ear = Ear()
    outbox = Outbox(AT, ear.tell)
    ear.open.set()
    ear.error = StoppedError("The disk is full.")
    async with anyio.create_task_group() as group:
        group.start_soon(outbox.tell_all)
        with pytest.raises(StoppedError, match="full"):
            await outbox.announce([item(1)])
        ear.error = None
        await outbox.announce([item(2)])
        group.cancel_scope.cancel()


@pytest.mark.parametrize("how", ["lost", "cancelled"])
async def test_nobody_waits_for_what_was_lost(how: str) -> None:
    """Not even under a shield, as the scheduler hands on outcomes."""
    ear = Ear()
    outbox = Outbox(AT, ear.tell)
    ended = anyio.Event()

    async def flood() -> None:
        with anyio.CancelScope(shield=True):
            for row in range(2 * WAITING):
                await outbox.ended([outcome(row)])
        ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(flood)
        async with anyio.create_task_group() as telling:
            telling.start_soon(outbox.tell_all)
            await anyio.wait_all_tasks_blocked()
            assert not ended.is_set()
            if how == "lost":
                ear.error = SupersededError("Gone.")
                ear.open.set()
            else:
                telling.cancel_scope.cancel()
        with anyio.fail_after(5):
            await ended.wait()
            await outbox.emptied()
        with pytest.raises(SupersededError):
            await outbox.announce([item(1)])
    assert len(ear.heard) == 1
