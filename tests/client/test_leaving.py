"""Leaving early: a break, an exception, a cancellation, and the end of the block."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest

import bulkexo
from tests.client.helpers import changes, options, run
from tests.e2e.pretend import Pretend

LIMIT = 2000


def endless(names: list[str], read: list[int]) -> Iterator[bulkexo.Item]:
    while True:
        for item in changes(names, "left"):
            read[0] += 1
            yield item


def test_a_break_leaves_the_rest_unsent_and_the_client_at_work(tenant: Pretend, names: list[str]) -> None:
    read = [0]

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            taken = 0
            async for _ in client.run(endless(names, read)):
                taken += 1
                if taken == 10:
                    break
            assert await client.invoke("Get-Mailbox", Identity=names[0])
            after = read[0]
            assert len([each async for each in client.run(changes(names[:300], "after"))]) == 300
            assert read[0] == after <= LIMIT + 10

    tenant.journal()
    run(program)
    effects = tenant.journal()
    assert len(effects) <= read[0] + 300
    assert sum(line["parameters"]["CustomAttribute1"] == "after" for line in effects) == 300


def test_an_error_of_the_program_comes_out_as_it_is(tenant: Pretend, names: list[str]) -> None:
    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            async for _ in client.run(endless(names, [0])):
                raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(program)


def test_cancelling_the_program_ends_it_and_its_reader(tenant: Pretend, names: list[str]) -> None:
    closed: list[str] = []

    async def feed() -> AsyncIterator[bulkexo.Item]:
        try:
            for item in endless(names, [0]):
                yield item
        finally:
            closed.append("the source")

    async def work(begun: asyncio.Event) -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            async for _ in client.run(feed()):
                begun.set()

    async def program() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(work(begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(program)
    assert closed == ["the source"]


def test_a_source_that_waits_for_ever_is_let_go(tenant: Pretend, names: list[str]) -> None:
    closed: list[str] = []

    async def feed() -> AsyncIterator[bulkexo.Item]:
        try:
            yield bulkexo.call("Get-Mailbox", Identity=names[0])
            await asyncio.sleep(3600)
        finally:
            closed.append("the source")

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            async with client.run(feed()) as outcomes:
                assert (await anext(outcomes)).status.good
            assert await client.invoke("Get-Mailbox", Identity=names[1])
            assert closed == ["the source"]

    run(program)


def test_a_call_that_is_cancelled_is_not_sent_later(tenant: Pretend, names: list[str]) -> None:
    async def program() -> None:
        async with bulkexo.Client(**options(tenant, rate=2.0)) as client:
            calls = [
                asyncio.create_task(client.invoke("Set-Mailbox", Identity=name, CustomAttribute8="never"))
                for name in names[:40]
            ]
            await calls[0]
            for each in calls:
                each.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    tenant.journal()
    run(program)
    assert len(tenant.journal()) < 40


def test_what_is_in_flight_at_the_end_of_the_block_ends(tenant: Pretend, names: list[str]) -> None:
    """Whoever waits elsewhere for the client is told that it has ended."""

    async def program() -> list[object]:
        async with bulkexo.Client(**options(tenant, rate=10.0)) as client:
            calls = [asyncio.create_task(client.invoke("Get-Mailbox", Identity=name)) for name in names[:100]]
            await calls[0]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    found = run(program)
    assert isinstance(found[0], list)
    assert {type(each) for each in found} == {list, bulkexo.StoppedError}


def test_a_client_is_used_inside_its_block(tenant: Pretend, names: list[str]) -> None:
    client = bulkexo.Client(**options(tenant))

    async def program() -> None:
        async with client:
            pass
        with pytest.raises(bulkexo.UsageError, match="inside its `async with`"):
            await client.invoke("Get-Mailbox", Identity=names[0])

    run(program)


def test_a_deadline_around_the_client_closes_all(tenant: Pretend, names: list[str]) -> None:
    """Cancelled over and over, as anyio does it; with a run of each kind under way."""

    async def program() -> bool:
        begun = anyio.Event()

        async def aside(client: bulkexo.Client, folder: str) -> None:
            async for _ in client.run(changes(names, "aside"), journal=folder):
                begun.set()

        with tempfile.TemporaryDirectory() as folder, anyio.CancelScope() as scope:
            async with bulkexo.Client(**options(tenant)) as client, anyio.create_task_group() as group:
                group.start_soon(aside, client, folder)
                async for _ in client.run(endless(names, [0])):
                    if begun.is_set():
                        scope.cancel()
        return scope.cancelled_caught

    assert run(program)


def test_a_client_is_entered_once(tenant: Pretend) -> None:
    async def program() -> None:
        client = bulkexo.Client(**options(tenant))
        async with client:
            pass
        with pytest.raises(bulkexo.UsageError, match="entered once"):
            async with client:
                raise AssertionError

    run(program)


def test_too_many_failures_end_a_run(tenant: Pretend, names: list[str]) -> None:
    async def program() -> list[bulkexo.Outcome]:
        found = []
        async with bulkexo.Client(**options(tenant, max_failures=5)) as client:
            wrong = (bulkexo.call("Get-Mailbox", Identity=f"nobody{place}") for place in itertools.count())
            with pytest.raises(bulkexo.StoppedError, match="max-failures"):
                async for outcome in client.run(wrong):
                    found.append(outcome)
        return found

    outcomes = run(program)
    assert {each.status.value for each in outcomes} == {"failed", "skipped"}
    assert 5 <= len(outcomes) <= LIMIT + 100


def test_a_run_with_a_journal_that_is_left_before_it_begins(
    tenant: Pretend, names: list[str], tmp_path: Path
) -> None:
    async def program() -> None:
        async with (
            bulkexo.Client(**options(tenant)) as client,
            client.run(changes(names, "never"), journal=tmp_path / "out"),
        ):
            await asyncio.sleep(0)

    tenant.journal()
    run(program)
    assert tenant.journal() == []
    assert not (tmp_path / "out").exists()
