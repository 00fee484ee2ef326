"""What goes wrong where items come from, or on the disk: told where it belongs, and it ends nothing else."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import bulkexo
from bulkexo.client import listing
from tests.client.helpers import changes, options, run
from tests.e2e.pretend import Pretend


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process may grow beyond this meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Unreadable:
    """Cannot even be begun."""

    def __aiter__(self) -> AsyncIterator[bulkexo.Item]:
        raise LookupError("mine")


@pytest.mark.parametrize("journal", [False, True])
def test_items_that_cannot_be_begun(tenant: Pretend, names: list[str], tmp_path: Path, journal: bool) -> None:
    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            with pytest.raises(LookupError, match="mine"):
                async for _ in client.run(Unreadable(), journal=tmp_path / "out" if journal else None):
                    raise AssertionError
            assert await client.invoke("Get-Mailbox", Identity=names[0])

    run(program)


@pytest.mark.parametrize("journal", [False, True])
def test_items_whose_source_was_cancelled(
    tenant: Pretend, names: list[str], tmp_path: Path, journal: bool
) -> None:
    """A task that the program itself has cancelled, and its items wait for: nobody here was."""

    async def feed() -> AsyncIterator[bulkexo.Item]:
        yield bulkexo.call("Get-Mailbox", Identity=names[0])
        other = asyncio.create_task(asyncio.sleep(3600))
        other.cancel()
        await other

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            with pytest.raises(bulkexo.StoppedError, match="was cancelled"):
                async for outcome in client.run(feed(), journal=tmp_path / "out" if journal else None):
                    assert outcome.status.good
            assert await client.invoke("Get-Mailbox", Identity=names[0])

    run(program)


def test_a_source_that_fails_when_it_is_let_go(tenant: Pretend, names: list[str]) -> None:
    closed: list[str] = []

    async def feed() -> AsyncIterator[bulkexo.Item]:
        try:
            while True:  # until it has to wait for its reader
                yield bulkexo.call("Get-Mailbox", Identity=names[0])
        finally:
            closed.append("the source")
            raise LookupError("mine")

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            async with client.run(feed()) as outcomes:
                assert (await anext(outcomes)).status.good
            assert await client.invoke("Get-Mailbox", Identity=names[0])
            assert closed == ["the source"]

    run(program)


def test_a_source_is_let_go_by_a_run_with_a_journal_too(
    tenant: Pretend, names: list[str], tmp_path: Path
) -> None:
    closed: list[str] = []

    async def feed() -> AsyncIterator[object]:
        try:
            yield bulkexo.call("Get-Mailbox", Identity=names[0])
            yield "no item"
        finally:
            closed.append("the source")

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            with pytest.raises(bulkexo.UsageError, match="Item 2 is a str"):
                async for _ in client.run(feed(), journal=tmp_path / "out"):  # type: ignore[arg-type]
                    raise AssertionError
            assert closed == ["the source"]

    run(program)


def test_no_room_for_the_items_of_a_journal(tenant: Pretend, names: list[str], tmp_path: Path) -> None:
    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            with files_up_to(20_000), pytest.raises(bulkexo.UsageError, match=r"cannot be kept .*Make room"):
                async for _ in client.run(changes(names, "never"), journal=tmp_path / "out"):
                    raise AssertionError
            assert await client.invoke("Get-Mailbox", Identity=names[0])

    tenant.journal()
    run(program)
    assert tenant.journal() == []
    assert not (tmp_path / "out").exists()


def test_no_room_for_a_list(tenant: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of what the disk takes: told in a sentence, and the client lives."""
    monkeypatch.setattr(listing, "IN_MEMORY", 1)

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            for size in range(0, 30_000, 3_000):
                objects = client.stream("Get-Mailbox", ResultSize=100)
                with files_up_to(size), pytest.raises(bulkexo.StoppedError, match="temporary file"):
                    async for _ in objects:
                        pass
            assert len([each async for each in client.stream("Get-Mailbox", ResultSize=100)]) == 100

    run(program)
