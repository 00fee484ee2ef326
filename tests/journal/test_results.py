"""results.ndjson and failed.csv as a run writes them."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from bulkexo.journal import Results, RunFolder
from bulkexo.journal.files import Appending
from bulkexo.model import Failure, Item, Outcome, Status, StoppedError, UsageError, Value
from bulkexo.redact import secret_texts
from bulkexo.schedule import Ticket
from bulkexo.schedule.outcomes import outcome as settled
from bulkexo.wire import Action, Verdict
from bulkexo.wire.discreet import discreet

from .helpers import put
from .outcomes import failed, outcome

pytestmark = pytest.mark.anyio


def never(error: StoppedError) -> None:
    raise AssertionError(error)


def clock() -> float:
    return 0.0


def opened(folder: RunFolder, on_failure: Callable[[StoppedError], None]) -> Results:
    return Results(folder, columns=["Identity"], secret_columns=(), on_failure=on_failure, wall=clock)


async def written(
    tmp_path: Path,
    *groups: Sequence[Outcome],
    columns: Sequence[str] = ("Identity",),
    secret_columns: Collection[str] = (),
) -> RunFolder:
    """The folder after these outcomes, a reply's worth at a time."""
    folder = RunFolder.create(tmp_path / "run")
    results = Results(folder, columns=columns, secret_columns=secret_columns, on_failure=never, wall=clock)
    async with results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        for outcomes in groups:
            await put(results, outcomes)
        results.end()
    assert results.unwritten == 0
    return folder


def rows_of(folder: RunFolder) -> list[int]:
    return [json.loads(line)["row"] for line in folder.results.read_bytes().splitlines()]


def table(folder: RunFolder) -> list[dict[str, str]]:
    """failed.csv as another program reads it."""
    with folder.failed.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


async def test_lines_stand_in_the_order_in_which_the_items_ended(tmp_path: Path) -> None:
    folder = await written(tmp_path, [outcome(3), outcome(1)], [outcome(2)])
    assert rows_of(folder) == [3, 1, 2]
    assert folder.failed.read_bytes() == b"\xef\xbb\xbfIdentity,Error\r\n"


async def test_more_than_may_wait(tmp_path: Path) -> None:
    folder = await written(tmp_path, *[[outcome(row), failed(row)] for row in range(1, 1001)])
    assert rows_of(folder) == [row for row in range(1, 1001) for _ in "ab"]
    assert len(table(folder)) == 1000


async def test_failed_and_unknown_rows_are_in_failed_csv_and_no_others(tmp_path: Path) -> None:
    each = [outcome(n, {"Identity": status.value}, status=status) for n, status in enumerate(Status, 1)]
    folder = await written(tmp_path, each)
    assert {row["Identity"] for row in table(folder)} == {"failed", "unknown"}


CELLS = [
    "",
    "plain",
    " spaces ",
    "007",
    "+49 30 1234",
    "a,b;c\td",
    'say "hi"',
    "two\nlines",
    "two\r\nlines\r",
    "ß é 漢 🙂",
    "=1+1",
    "${Column}",
    "@{Add='a'}",
    "\u2028x\x0b",
    "x" * 100_000,
]


async def test_a_failed_row_is_written_as_it_came(tmp_path: Path) -> None:
    outcomes = [failed(row, {"Identity": "ada", "Text": cell}) for row, cell in enumerate(CELLS, 1)]
    folder = await written(tmp_path, outcomes, columns=["Identity", "Text"])
    assert [row["Text"] for row in table(folder)] == CELLS
    assert {row["Error"] for row in table(folder)} == {outcomes[0].error and outcomes[0].error.message}


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, "$null"),
        (True, "true"),
        (False, "false"),
        (12, "12"),
        (1.5, "1.5"),
        (["a", "b"], '["a","b"]'),
        ({"Add": ["smtp:a@b.c"], "Remove": None}, '{"Add":["smtp:a@b.c"],"Remove":null}'),
    ],
)
async def test_values_of_yaml_rows_are_cells_that_mean_the_same(
    tmp_path: Path, cell: Value, text: str
) -> None:
    folder = await written(tmp_path, [failed(1, {"Identity": "ada", "X": cell})], columns=["Identity", "X"])
    assert table(folder)[0]["X"] == text


async def test_a_column_that_a_row_does_not_have_is_empty(tmp_path: Path) -> None:
    folder = await written(tmp_path, [failed(1, {"Identity": "ada"})], columns=["Identity", "X"])
    assert table(folder)[0]["X"] == ""


async def test_the_error_column_of_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    cells = {"Identity": "ada", "Error": "the old one"}
    folder = await written(tmp_path, [failed(1, cells)], columns=["Identity", "Error"])
    assert folder.failed.read_text("utf-8-sig").splitlines()[0] == "Identity,Error"
    assert "old" not in folder.failed.read_text("utf-8-sig")


async def test_secret_cells_are_marked(tmp_path: Path) -> None:
    cells = {"Identity": "ada", "Password": "Sesam-1", "Pin": ""}
    columns = ["Identity", "Password", "Pin"]
    folder = await written(tmp_path, [failed(1, cells)], columns=columns, secret_columns={"Password", "Pin"})
    row = table(folder)[0]
    assert (row["Identity"], row["Password"], row["Pin"]) == ("ada", "<secret>", "")


async def test_secrets_are_in_neither_file(tmp_path: Path) -> None:
    """However the service quotes them, and wherever in the row they stood."""
    secrets = ["Sesam-öffne", "Nummer2", "Tief3"]
    parameters: dict[str, Value] = {"Password": secrets[0], "Codes": {"Add": [secrets[1], {"X": secrets[2]}]}}
    cells: dict[str, Value] = {"Identity": "ada", "Password": secrets[0], "Codes": str(secrets[1:])}
    item = Item(1, 1, "New-Mailbox", "ada", parameters, cells, frozenset(parameters))
    quoted = " | ".join(secrets)
    told = [
        settled(
            Ticket(item, "id", "ada", attempts=1, started=1.0),
            discreet(verdict, secret_texts(item)),
            1.0,
            strict=strict,
        )
        for action in Action
        for strict in (True, False)
        for verdict in [
            Verdict(
                action,
                value=[{"Quoted": [quoted]}],
                warnings=[quoted],
                failure=Failure("C", "T", quoted, quoted),
            )
        ]
    ]
    folder = await written(tmp_path, told, columns=list(cells), secret_columns={"Password", "Codes"})
    everything = folder.results.read_text("utf-8") + folder.failed.read_text("utf-8")
    assert len(rows_of(folder)) == 2 * len(Action)
    assert table(folder)[0]["Password"] == "<secret>"
    for secret in secrets:
        assert secret not in everything
        assert json.dumps(secret)[1:-1] not in everything


async def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.failed.write_text("precious")
    with pytest.raises(UsageError, match="cannot be written"):
        Results(folder, columns=["A"], secret_columns=(), on_failure=never, wall=clock)
    assert folder.failed.read_text() == "precious"
    assert not folder.results.exists()


class Refusal:
    """A disk that takes `room` more bytes, then refuses, half a piece written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.room = 10**9
        self.name = name
        self.true_open = Path.open
        monkeypatch.setattr(Path, "open", _through(self))

    def open(self, path: Path, *given: Any, **named: Any) -> Any:
        file = self.true_open(path, *given, **named)
        return _Refusing(file, self) if path.name == self.name and given == ("xb",) else file


def _through(disk: Refusal) -> Any:
    """`disk.open` as a method of Path."""

    def open_it(path: Path, *given: Any, **named: Any) -> Any:
        return disk.open(path, *given, **named)

    return open_it


class _Refusing:
    def __init__(self, file: Any, disk: Refusal) -> None:
        self.file = file
        self.disk = disk

    def write(self, piece: bytes) -> int:
        taken = min(len(piece), self.disk.room)
        if not taken:
            raise OSError(28, "No space left on device")
        self.disk.room -= taken
        return int(self.file.write(piece[:taken]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def test_a_piece_that_does_not_fit_leaves_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Refusal(monkeypatch, "lines")
    file = Appending(tmp_path / "lines")
    file.append(b"one\n")
    disk.room = 3
    with pytest.raises(OSError, match="No space"):
        file.append(b"two\n")
    assert (tmp_path / "lines").read_bytes() == b"one\n"
    disk.room = 100
    file.append(b"three\n")
    file.close()
    assert (tmp_path / "lines").read_bytes() == b"one\nthree\n"


@pytest.mark.parametrize("name", ["results.ndjson", "failed.csv"])
@pytest.mark.parametrize("room", [0, 1, 150, 400])
async def test_a_full_disk_leaves_whole_lines_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, room: int
) -> None:
    disk = Refusal(monkeypatch, name)
    folder = RunFolder.create(tmp_path / "run")
    told: list[StoppedError] = []
    first_told = anyio.Event()

    def refused(error: StoppedError) -> None:
        told.append(error)
        first_told.set()

    results = opened(folder, refused)
    async with results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await put(results, [failed(1, {"Identity": "a"})])
        while not folder.results.stat().st_size:
            await anyio.lowlevel.checkpoint()
        disk.room = room
        await put(results, [failed(row, {"Identity": "b" * 50}) for row in range(2, 9)])
        await first_told.wait()
        assert rows_of(folder) == [1]
        assert [row["Identity"] for row in table(folder)] == ["a"]
        await put(results, [failed(9, {"Identity": "c"})])
        results.end()
    assert results.unwritten == 8
    assert rows_of(folder) == [1]
    assert [row["Identity"] for row in table(folder)] == ["a"]
    assert len(told) == 1
    assert "No space left on device" in str(told[0])


async def test_when_there_is_room_again_nothing_is_missing_or_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Refusal(monkeypatch, "results.ndjson")
    folder = RunFolder.create(tmp_path / "run")
    refused = anyio.Event()
    results = Results(
        folder, columns=["Identity"], secret_columns=(), on_failure=lambda _: refused.set(), wall=clock
    )
    async with results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        disk.room = 100
        await put(results, [failed(row, {"Identity": str(row)}) for row in (1, 2, 3)])
        await refused.wait()
        disk.room = 10**9
        await put(results, [outcome(4)])
        results.end()
    assert results.unwritten == 0
    assert rows_of(folder) == [1, 2, 3, 4]
    assert [row["Identity"] for row in table(folder)] == ["1", "2", "3"]


async def test_room_that_comes_back_at_the_very_end_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Refusal(monkeypatch, "results.ndjson")
    folder = RunFolder.create(tmp_path / "run")
    refused = anyio.Event()
    results = Results(
        folder, columns=["Identity"], secret_columns=(), on_failure=lambda _: refused.set(), wall=clock
    )
    async with results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        disk.room = 100
        await put(results, [failed(row, {"Identity": str(row)}) for row in (1, 2, 3)])
        await refused.wait()
        disk.room = 10**9
        results.end()
    assert results.unwritten == 0
    assert rows_of(folder) == [1, 2, 3]


async def test_put_waits_while_the_disk_is_far_behind(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run")
    results = opened(folder, never)
    taken = 0

    async def feed() -> None:
        nonlocal taken
        for row in range(1, 1001):
            await put(results, [outcome(row)])
            taken += 1
        results.end()

    async with results, anyio.create_task_group() as group:
        group.start_soon(feed)
        await anyio.wait_all_tasks_blocked()
        assert 0 < taken < 1000
        group.start_soon(results.write_all)
    assert rows_of(folder) == list(range(1, 1001))


async def test_a_text_that_is_no_unicode_does_not_break_the_record(tmp_path: Path) -> None:
    """A lone surrogate: half a letter, as a header of other bytes or a torn name can bring it."""
    torn = replace(failed(1, {"Identity": "a\ud83db"}), warnings=["x\udce4y"], request_id="\udcff")
    folder = await written(tmp_path, [torn, outcome(2)])
    assert rows_of(folder) == [1, 2]
    assert table(folder)[0]["Identity"] == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.skipif(os.name == "nt", reason="limits of processes are POSIX")
async def test_a_true_limit_of_the_file_size(tmp_path: Path) -> None:
    """The kernel itself refuses: in a process of its own, which tells what it saw."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    done = await anyio.run_process([sys.executable, str(script), str(tmp_path / "run")])
    seen = json.loads(done.stdout)
    lines = (tmp_path / "run" / "results.ndjson").read_bytes()
    assert len(lines) <= 4096
    assert lines.endswith(b"\n")
    assert len(lines.splitlines()) + seen["unwritten"] == 100
    assert len(seen["told"]) == 1


CHILD = """
import json, resource, signal, sys
from pathlib import Path
import anyio
from bulkexo.journal import Results, RunFolder
from bulkexo.model import Item, Outcome, Status

def outcome(row):
    item = Item(row, 1, "Set-Mailbox", "ada", {}, {})
    return Outcome(item, Status.SUCCEEDED, 1, 200, 0.0, 0.0, None)

async def main():
    told = []
    folder = RunFolder.create(Path(sys.argv[1]))
    results = Results(
        folder, columns=["A"], secret_columns=(), on_failure=lambda e: told.append(str(e)), wall=lambda: 0.0
    )
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    async with results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        for row in range(1, 101):
            results.put([outcome(row)])
            await anyio.lowlevel.checkpoint()
        results.end()
    print(json.dumps({"told": told, "unwritten": results.unwritten}))

anyio.run(main)
"""
