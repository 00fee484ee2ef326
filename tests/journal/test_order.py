"""The order of what is put, announced and acknowledged: who follows waits until who leads is on disk."""

from __future__ import annotations

from pathlib import Path

import anyio
import orjson
import pytest

from bulkexo.journal import Results, RunFolder
from bulkexo.journal.results import WAITING_LIMIT

from .helpers import item, outcome, put

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def opened(path: Path) -> Results:
    run = RunFolder.create(path)
    return Results(run, columns=["Name"], secret_columns=(), on_failure=print, wall=lambda: 0.0)


def rows(path: Path) -> list[int]:
    return [orjson.loads(line)["row"] for line in (path / "results.ndjson").read_bytes().splitlines()]


async def test_an_outcome_is_before_the_announcement_that_follows_it_even_with_no_room(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as results, anyio.create_task_group() as group:
        for row in range(1, WAITING_LIMIT + 1):
            await put(results, [outcome(item(row))])
        group.start_soon(put, results, [outcome(item(1000))])  # has to wait for room
        await anyio.lowlevel.checkpoint()
        group.start_soon(results.announce, [item(1001)])
        await anyio.lowlevel.checkpoint()
        kinds = [type(each).__name__ for each in results._entries]
        assert kinds[-1] == "_Announcement"
        assert len(kinds) == WAITING_LIMIT + 2
        group.start_soon(results.write_all)
        await results.announce([item(1002)])
        assert rows(tmp_path)[-1] == 1000
        results.end()


async def test_what_needs_no_announcement_waits_for_those_that_were_announced(tmp_path: Path) -> None:
    async with opened(tmp_path) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await results.announce([item(1)])
        await put(results, [outcome(item(1))])
        await results.announce([])
        assert rows(tmp_path) == [1]
        announced = (tmp_path / "announced.ndjson").read_bytes()
        assert announced.count(b"\n") == 1  # nothing was announced, so no line says so
        results.end()


async def test_where_nothing_was_announced_nothing_waits(tmp_path: Path) -> None:
    async with opened(tmp_path) as results:
        await put(results, [outcome(item(1))])
        with anyio.fail_after(1):
            await results.announce([])  # though nobody writes
