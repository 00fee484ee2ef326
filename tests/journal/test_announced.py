"""announced.ndjson: on disk before an announcement returns, in one group with the rest, and taken back."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from bulkexo.journal import Past, Results, RunFolder
from bulkexo.journal.files import Appending
from bulkexo.journal.past import recall
from bulkexo.model import Item, Status, StoppedError, UsageError

from .helpers import folder, item, outcome, put

pytestmark = pytest.mark.anyio

FILES = ("announced.ndjson", "failed.csv", "results.ndjson")


class Disk:
    """What goes down to the files, in order, as (what, file). refuse: the call that is refused, by name and
    file, as often as `times`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, str]] = []
        self.refuse: tuple[str, str] | None = None
        self.times = 10**9
        for name in ("append", "sync"):
            monkeypatch.setattr(Appending, name, self._through(name, getattr(Appending, name)))

    def _through(self, name: str, true: Callable[..., None]) -> Callable[..., None]:
        def act(file: Appending, *given: bytes) -> None:
            call = (name, file._path.name)
            if call == self.refuse and self.times:
                self.times -= 1
                if given:  # half of it is written: what is left of that must not count
                    true(file, given[0][: len(given[0]) // 2])
                    file.take_back(file.size - len(given[0]) // 2)
                raise OSError(errno.EIO, "Input/output error")
            true(file, *given)
            self.calls.append(call)

        return act


def opened(
    run: RunFolder, past: Past | None = None, told: list[StoppedError] | None = None, **options: Any
) -> Results:
    told = [] if told is None else told
    return Results(
        run,
        columns=["Name"],
        secret_columns=(),
        on_failure=told.append,
        wall=lambda: 1_800_000_000.5,
        past=past,
        **options,
    )


def announced(run: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.announced.read_bytes().splitlines()]


def rows(run: RunFolder) -> list[int]:
    return [json.loads(line)["row"] for line in run.results.read_bytes().splitlines()]


async def test_a_line_names_the_items_and_the_time(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    async with opened(run) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await results.announce([item(3), item(4, 2)])
        results.end()
    (line,) = announced(run)
    assert line["at"] == "2027-01-15T08:00:00.500Z"
    assert [each[:2] for each in line["items"]] == [[3, 1], [4, 2]]
    assert all(len(each[2]) == 16 for each in line["items"])


async def test_no_name_and_no_value_stands_there(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    secret = Item(
        1, 1, "New-Mailbox", "ada", {"Name": "ada", "Password": "Sesam"}, {}, frozenset({"Password"})
    )
    async with opened(run) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await results.announce([secret])
        results.end()
    assert b"Sesam" not in run.announced.read_bytes()
    assert b"ada" not in run.announced.read_bytes()


async def test_it_is_written_and_synced_before_the_announcement_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen at the lowest seam, the file descriptor."""
    run = RunFolder.create(tmp_path / "run")
    seen: list[str] = []
    true_fsync = os.fsync

    def fsync(number: int) -> None:
        (name,) = (name for name in FILES if (run.path / name).stat().st_ino == os.fstat(number).st_ino)
        seen.append(f"synced {name}")
        seen.append(f"holding {len(announced(run))}")
        true_fsync(number)

    async with opened(run) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        monkeypatch.setattr(os, "fsync", fsync)
        await results.announce([item(1)])
        seen.append("returned")
        await results.announce([item(2)])
        seen.append("returned")
        monkeypatch.setattr(os, "fsync", true_fsync)
        results.end()
    assert seen == [
        *("synced announced.ndjson", "holding 1", "returned"),
        *("synced announced.ndjson", "holding 2", "returned"),
    ]


async def test_many_that_wait_are_one_group_with_one_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder.create(tmp_path / "run")
    disk = Disk(monkeypatch)
    async with opened(run) as results, anyio.create_task_group() as group:
        for row in range(1, 51):
            group.start_soon(results.announce, [item(row)])
        await put(results, [outcome(item(100), Status.FAILED)])
        await anyio.wait_all_tasks_blocked()
        disk.calls.clear()
        results.end()
        group.start_soon(results.write_all)
    assert disk.calls == [
        ("append", "announced.ndjson"),
        ("append", "failed.csv"),
        ("append", "results.ndjson"),
        ("sync", "announced.ndjson"),
        ("sync", "results.ndjson"),
    ]
    assert len(announced(run)) == 50


async def test_without_sync_nothing_waits_for_the_disk_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder.create(tmp_path / "run")
    disk = Disk(monkeypatch)
    async with opened(run, sync=False) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await results.announce([item(1)])
        await put(results, [outcome(item(1))])
        results.end()
    assert {what for what, _ in disk.calls} == {"append"}
    assert (len(announced(run)), rows(run)) == (1, [1])


REFUSALS = [("append", name) for name in FILES] + [("sync", "announced.ndjson"), ("sync", "results.ndjson")]


@pytest.mark.parametrize("refuse", REFUSALS, ids=" ".join)
async def test_a_group_is_written_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuse: tuple[str, str]
) -> None:
    run = RunFolder.create(tmp_path / "run")
    told: list[StoppedError] = []
    answers: list[str] = []
    disk = Disk(monkeypatch)

    async def announce(results: Results, what: Item) -> None:
        try:
            await results.announce([what])
            answers.append("written")
        except StoppedError as error:
            answers.append(str(error))

    async with opened(run, told=told) as results:
        await put(results, [outcome(item(1)), outcome(item(2), Status.FAILED)])
        await _group(results, partial(announce, results, item(3)))
        before = {name: (run.path / name).read_bytes() for name in FILES}
        disk.refuse = refuse
        await put(results, [outcome(item(4)), outcome(item(5), Status.UNKNOWN)])
        await _group(results, partial(announce, results, item(6)))
        assert {name: (run.path / name).read_bytes() for name in FILES} == before
        assert results.unwritten == 2
        disk.refuse = None
        await _group(results, partial(announce, results, item(7)))
        assert results.unwritten == 0
    refused = "The results cannot be written (Input/output error). Make room, then go on."
    assert answers == ["written", refused, "written"]
    assert [str(error) for error in told] == [refused]
    assert rows(run) == [1, 2, 4, 5]
    assert [each["items"][0][0] for each in announced(run)] == [3, 7]
    assert run.failed.read_text("utf-8-sig").splitlines() == [
        "Name,Error",
        "user2,It went wrong.",
        "user5,It went wrong.",
    ]


async def _group(results: Results, act: Callable[[], Any]) -> None:
    """One group of the writer: all that waits, and `act`."""
    async with anyio.create_task_group() as group:
        group.start_soon(act)
        await anyio.wait_all_tasks_blocked()
        await results._write(results._gathered())


async def test_what_is_withdrawn_is_not_in_doubt(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    async with opened(run) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await results.announce([item(row) for row in range(1, 6)])
        await put(results, [outcome(item(1))])
        await results.withdraw([item(2), item(4)])
        results.end()
    past = recall(run, 5, 1)
    assert [row for row in range(1, 6) if past.unsettled(item(row))] == [3, 5]
    assert [row for row in range(1, 6) if past.ended(item(row))] == [1]
    assert past.in_doubt == 2


async def test_announced_again_it_is_in_doubt_again(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    async with opened(run) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await results.announce([item(1)])
        await results.withdraw([item(1)])
        await results.announce([item(1)])
        results.end()
    assert recall(run, 1, 1).in_doubt == 1


async def test_a_disk_that_refuses_the_withdrawal_leaves_the_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder.create(tmp_path / "run")
    disk, told = Disk(monkeypatch), list[StoppedError]()
    async with opened(run, told=told) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await results.announce([item(1)])
        disk.refuse = ("sync", "announced.ndjson")
        await results.withdraw([item(1)])
        disk.refuse = None
        results.end()
    assert len(told) == 1
    assert recall(run, 1, 1).in_doubt == 1


TORN = (b"", b"{", b'{"row":', b"\0" * 40, b'{"at":"2027","items":[[1,1,"')


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("torn_too", TORN)
async def test_going_on_the_torn_ends_are_cut_off(tmp_path: Path, torn: bytes, torn_too: bytes) -> None:
    run = folder(tmp_path / "run", [outcome(item(1)), outcome(item(2))], [item(1), item(2), item(3)])
    run.failed.write_bytes(b"\xef\xbb\xbfName,Error\r\n")
    for file, piece in ((run.results, torn), (run.announced, torn_too)):
        with file.open("ab") as end:
            end.write(piece)
    past = recall(run, 5, 1)
    assert (past.torn, past.in_doubt) == (len(torn), 1)
    async with opened(run, past) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await results.announce([item(4)])
        await put(results, [outcome(item(3)), outcome(item(4))])
        results.end()
    assert rows(run) == [1, 2, 3, 4]
    assert [each["items"][0][0] for each in announced(run)] == [1, 2, 3, 4]
    assert run.failed.read_bytes() == b"\xef\xbb\xbfName,Error\r\n"
    again = recall(run, 5, 1)
    assert (again.torn, again.in_doubt, again.counts) == (0, 0, {Status.SUCCEEDED: 4})


async def test_a_folder_that_is_gone_on_with_and_cannot_be_opened_is_left_as_it_is(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", [outcome(item(1))], [item(1)])
    run.failed.mkdir()
    past = recall(run, 1, 1)
    before: Sequence[bytes] = [run.results.read_bytes(), run.announced.read_bytes()]
    with pytest.raises(UsageError, match="cannot be written"):
        opened(run, past)
    assert [run.results.read_bytes(), run.announced.read_bytes()] == before
