"""What must not be sent twice is on disk before it is sent; `World` checks that in every test besides."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bulkexo.model import Item, Repeat, SignInUnreachableError, Status, StoppedError
from bulkexo.schedule import Settings
from bulkexo.wire import Lost

from .fakes import LATENCY, Answer, FakeService, FakeTokens, Sent, error, ok, passing, throttled
from .world import World, item, key, rows

UNSAFE = ("New-Mailbox", "New-InboxRule", "Add-MailboxPermission", "Remove-Mailbox", "Enable-Mailbox")
HARMLESS = ("Set-Mailbox", "Get-Mailbox", "Test-MAPIConnectivity", "Update-DistributionGroupMember")


def mixed() -> list[Item]:
    return [item(row, cmdlet) for row, cmdlet in enumerate((*UNSAFE, *HARMLESS), 1)]


def names(items: Sequence[Item]) -> list[str]:
    return [key(each) for each in items]


def test_only_what_is_not_harmless_is_announced() -> None:
    world = World()
    world.service.watch = lambda arrival: None  # Test- and Update- are harmless too
    world.run(mixed())
    assert names(world.announced) == [f"{row}.1" for row in range(1, len(UNSAFE) + 1)]
    assert len(world.outcomes) == len(mixed())


@pytest.mark.parametrize(
    ("cmdlet", "repeat", "announced"),
    [
        ("Set-Mailbox", Repeat.UNSAFE, True),
        ("Get-Mailbox", Repeat.UNSAFE, True),
        ("New-InboxRule", Repeat.SAFE, False),
        ("Remove-Mailbox", Repeat.SAFE, False),
        ("New-InboxRule", Repeat.UNSAFE, True),
    ],
)
def test_the_job_has_the_last_word(cmdlet: str, repeat: Repeat, announced: bool) -> None:
    world = World()
    world.service.watch = lambda arrival: None
    world.run([replace(item(1, cmdlet), repeat=repeat)])
    assert names(world.announced) == (["1.1"] if announced else [])


def test_nothing_is_sent_before_the_disk_has_it() -> None:
    """A slow disk: the batch waits for it, batches of what is harmless do not."""
    world = World(announce_wait=4.0, settings=Settings(batch_size=5))
    world.run([item(row, "Add-MailboxPermission" if row <= 5 else "Set-Mailbox") for row in range(1, 21)])
    assert {world.starts(f"{row}.1")[0] for row in range(1, 6)} == {4.0}
    assert {world.starts(f"{row}.1")[0] for row in range(6, 21)} == {0.0}
    assert world.by_key["1.1"].duration == pytest.approx(LATENCY)


@pytest.mark.parametrize(
    "answer",
    [throttled(Retry_After="1"), passing(), error(503), None, error(401), error(400, "", "Of the whole.")],
)
def test_an_item_is_announced_once_however_often_it_is_sent(answer: Answer) -> None:
    service = FakeService(lambda sent: answer if sent.nth <= 3 and sent.key == "2.1" else ok())
    world = World(service).run(rows(12, "Add-MailboxPermission"))
    assert len(names(world.announced)) == len(set(names(world.announced))) == 12


def test_looking_for_an_effect_is_not_announced() -> None:
    service = FakeService(lambda sent: None if sent.key == "1.1" else ok({"Name": "x"}))
    world = World(service).run([item(1, "New-InboxRule")])
    assert world.statuses() == {"1.1": Status.SUCCEEDED}
    assert len(world.service.arrivals) == 2
    assert [each.cmdlet for each in world.announced] == ["New-InboxRule"]


def test_a_step_that_is_skipped_is_not_announced() -> None:
    service = FakeService(lambda sent: error(400))
    world = World(service).run([item(1), item(1, "New-Mailbox", step=2), item(1, "New-Mailbox", step=3)])
    assert set(world.statuses().values()) == {Status.FAILED, Status.SKIPPED}
    assert world.announced == []


def test_a_disk_that_does_not_take_it_stops_the_run_and_nothing_is_sent() -> None:
    world = World(disk_full=0).run(rows(50, "New-Mailbox"))
    assert isinstance(world.error, StoppedError)
    assert str(world.error) == "The disk is full."
    assert (world.service.arrivals, world.outcomes, world.announced) == ([], [], [])
    assert (world.withdrawn, world.in_doubt) == ([], [])


def test_what_was_announced_before_the_disk_was_full_ends_as_usual() -> None:
    world = World(disk_full=20, concurrency=1).run(rows(50, "New-Mailbox"))
    assert isinstance(world.error, StoppedError)
    assert sorted(world.by_key) == sorted(names(world.announced))
    assert len(world.outcomes) == world.service.sendings.total() == 20
    assert world.withdrawn == []


def test_what_is_harmless_needs_no_room_on_the_disk() -> None:
    world = World(disk_full=0).run(rows(50))
    assert (world.error, world.complete, len(world.outcomes)) == (None, True, 50)


def test_stopped_while_the_disk_writes_it_is_withdrawn() -> None:
    async def stop(world: World) -> None:
        await asyncio.sleep(2.0)
        world.scheduler.stop()

    world = World(announce_wait=4.0, during=stop).run(rows(30, "New-Mailbox"))
    assert (world.complete, world.service.arrivals) == (False, [])
    assert sorted(world.withdrawn) == sorted(names(world.announced))
    assert world.in_doubt == []


def test_cut_off_while_the_disk_writes_the_writer_hears_of_the_withdrawal() -> None:
    """The announcement is on its way to the disk, and may be written after we were cut off."""

    async def cancel(world: World) -> None:
        await asyncio.sleep(2.0)
        world.task.cancel()

    world = World(announce_wait=4.0, during=cancel).run(rows(20, "New-Mailbox"))
    assert world.cancelled
    assert world.service.arrivals == []
    assert sorted(world.withdrawn) == sorted(f"{row}.1" for row in range(1, 21))


def test_without_a_token_what_was_announced_is_withdrawn() -> None:
    tokens = FakeTokens(failure_now=SignInUnreachableError("No way there."))
    world = World(tokens=tokens, settings=Settings(offline=600.0)).run(rows(20, "New-Mailbox"))
    assert isinstance(world.error, StoppedError)
    assert world.service.arrivals == []
    assert sorted(world.withdrawn) == sorted(names(world.announced))


def test_a_certificate_that_is_not_trusted_leaves_nothing_in_doubt() -> None:
    service = FakeService(whole=lambda arrival: Lost("Not trusted.", sent=False, final=True))
    world = World(service).run(rows(20, "New-InboxRule"))
    assert isinstance(world.error, StoppedError)
    assert world.in_doubt == []


def test_what_was_withdrawn_had_not_run() -> None:
    """By the service's own ledger, whenever the run is stopped."""
    for moment in (0.5, 1.5, 3.5, 9.0, 17.0):
        ran: set[str] = set()

        def each(sent: Sent, ran: set[str] = ran) -> Answer:
            if sent.nth == 1 and int(sent.key.partition(".")[0]) % 3:
                return throttled(Retry_After="4")
            ran.add(sent.key)
            return ok()

        async def stop(world: World, moment: float = moment) -> None:
            await asyncio.sleep(moment)
            world.scheduler.stop()

        world = World(FakeService(each), concurrency=2, during=stop)
        world.run(rows(200, "New-InboxRule"))
        assert not ran & set(world.withdrawn)
        assert ran == set(world.by_key)
        assert world.in_doubt == []
