"""What there was before an item: on disk before it is announced, and the oldest of it is the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.journal import Past, Results, RunFolder
from bulkexo.journal.backwards import backwards
from bulkexo.journal.files import Appending
from bulkexo.journal.formers import Kept
from bulkexo.journal.key import key
from bulkexo.journal.lines import former, line
from bulkexo.journal.past import Lines, recall, recall_by_key
from bulkexo.model import StoppedError, UsageError

from .helpers import folder, item, outcome


def opened(path: Path, past: Past | None = None) -> Results:
    run = RunFolder(path) if past else RunFolder.create(path)
    if past:
        run.failed.touch()
    return Results(
        run, columns=["Name"], secret_columns=(), on_failure=lambda error: None, wall=lambda: 0.0,
        past=past, keep_before=True,
    )  # fmt: skip


def kept(path: Path) -> list[tuple[int, Any]]:
    found = [orjson.loads(each) for each in (path / "before.ndjson").read_bytes().splitlines()]
    return [(each["row"], each["before"]) for each in found]


@pytest.mark.anyio
async def test_it_is_on_disk_when_the_next_announcement_is_even_of_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        results.former(item(1, cmdlet="Set-Mailbox"), "Get-Mailbox", {"Office": "A"})
        await results.announce([])
        assert kept(tmp_path) == [(1, {"Office": "A"})]
        results.former(item(2), "Get-Mailbox", None)
        await results.announce([item(2)])
        assert kept(tmp_path) == [(1, {"Office": "A"}), (2, None)]
        results.end()


@pytest.mark.anyio
async def test_a_disk_that_refuses_it_lets_nothing_be_sent_and_gets_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, refusing = Appending.append, [False]

    def full(self: Appending, piece: bytes) -> None:
        if refusing[0]:
            raise OSError(28, "No space left on device")
        append(self, piece)

    monkeypatch.setattr(Appending, "append", full)
    async with opened(tmp_path) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        results.former(item(1), "Get-Mailbox", {"Office": "A"})
        refusing[0] = True
        with pytest.raises(StoppedError):
            await results.announce([item(1)])
        refusing[0] = False
        await results.announce([])
        assert kept(tmp_path) == [(1, {"Office": "A"})]
        results.end()


@pytest.mark.anyio
async def test_what_an_earlier_process_has_seen_stays(tmp_path: Path) -> None:
    run = folder(tmp_path, [outcome(item(2))])
    whole = former(item(1), "Get-Mailbox", {"Office": "first"})
    run.before.write_bytes(whole + b'{"row": 3, "st')
    past = recall(run, 4, 1)
    assert [past.kept(item(row)) for row in (1, 2, 3)] == [True, False, False]
    async with opened(tmp_path, past) as results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        for row in (1, 3):
            results.former(item(row), "Get-Mailbox", {"Office": "second"})
        await results.announce([])
        results.end()
    assert kept(tmp_path) == [(1, {"Office": "first"}), (3, {"Office": "second"})]


def test_in_a_job_that_has_changed_it_is_known_by_its_key(tmp_path: Path) -> None:
    run = folder(tmp_path)
    run.before.write_bytes(former(item(1, name="ada"), "Get-Mailbox", None))
    moved = [item(1, name="new"), item(2, name="ada")]
    past = recall_by_key(run, 2, 1, lambda: moved)
    assert [past.kept(each) for each in moved] == [False, True]


def test_no_secret_stands_in_it() -> None:
    secret = replace(
        item(1), parameters={"Name": "ada", "Password": "hunter22"}, secrets=frozenset({"Password"})
    )
    text = former(secret, "Get-Mailbox", {"Note": "it was hunter22"}).decode()
    assert "hunter22" not in text
    assert orjson.loads(text)["secrets"] == ["Password"]


def test_the_line_of_an_item_is_found_and_the_first_of_two_counts(tmp_path: Path) -> None:
    path = tmp_path / "before.ndjson"
    lines = [former(item(row, step), "Get-Mailbox", [row, step]) for row in (2, 1, 3) for step in (1, 2)]
    path.write_bytes(b"".join([*lines, former(item(1, 1), "Get-Mailbox", "later")]))
    found = Kept(path)
    named = {"row": 1, "step": 1, "key": key(item(1, 1))}
    assert (found.of(named) or {})["before"] == [1, 1]
    assert found.of({**named, "key": "another"}) is None
    assert found.of({**named, "row": 9}) is None
    assert [each["before"] for each in found.rest()] == [[2, 1], [2, 2], [1, 2], [3, 1], [3, 2]]


def test_of_a_renumbered_run_the_key_alone_tells(tmp_path: Path) -> None:
    path = tmp_path / "before.ndjson"
    path.write_bytes(former(item(1), "Get-Mailbox", "a"))
    found = Kept(path, renumbered=True)
    assert (found.of({"row": 7, "step": 1, "key": key(item(1))}) or {})["before"] == "a"


@given(
    st.lists(st.binary(max_size=40).map(bytes.hex), max_size=12), st.binary(max_size=9), st.integers(1, 50)
)
def test_backwards_is_forwards_turned_round(texts: list[str], torn: bytes, block: int) -> None:
    import tempfile  # noqa: PLC0415 - a folder for each example

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "results.ndjson"
        whole = b"".join(orjson.dumps({"text": text}) + b"\n" for text in texts)
        path.write_bytes(whole + torn.replace(b"\n", b""))
        forwards = [document for document, _ in Lines(path)]
        assert list(backwards(path, block)) == forwards[::-1]


def test_a_line_that_was_damaged_is_never_left_out_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "results.ndjson"
    path.write_bytes(line(outcome(item(1))) + b"\x00\x00\n" + line(outcome(item(2))))
    with pytest.raises(UsageError, match="damaged"):
        list(backwards(path))


def test_that_something_is_hidden_is_said() -> None:
    """Whoever puts the former values back is not to put the mark there."""
    before = {"Note": "it was hunter22", "Office": "A"}
    plain = former(item(1), "Get-Mailbox", before)
    hidden = former(item(1), "Get-Mailbox", before, hide=lambda value: {**value, "Note": "it was ***"})
    assert "hidden" not in orjson.loads(plain)
    assert orjson.loads(hidden)["hidden"] is True
    assert orjson.loads(hidden)["before"] == {"Note": "it was ***", "Office": "A"}
