"""A job as a whole: two passes over the same file, flat memory, and a file that changes in between."""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from bulkexo.job import load
from bulkexo.model import JobError
from tests.job.helpers import save

ROWS = "Identity,Office\n" + "".join(f"user{number},Room {number}\n" for number in range(100))


def test_checksums_of_all_inputs(tmp_path: Path) -> None:
    rows = save(tmp_path, ROWS, "rows.csv")
    path = save(tmp_path, "cmdlet: Set-Mailbox\nrows: rows.csv\n", "job.yaml")
    job = load(path)
    assert job.inputs == {}
    job.check()
    assert job.inputs == {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in (path, rows)}


def test_the_description_is_json_and_complete(tmp_path: Path) -> None:
    job = load(save(tmp_path, ROWS), cmdlet="set-mailbox", sets=["Notes=x"])
    job.check()
    found = json.loads(json.dumps(job.describe()))
    assert found["kind"] == "csv"
    assert found["rows"] == {"path": str(job.path), "encoding": "utf-8"}
    assert found["cmdlet_column"] is None
    assert found["steps"] == [
        {
            "cmdlet": "Set-Mailbox",
            "parameters": {"Identity": "${Identity}", "Office": "${Office}", "Notes": "x"},
        }
    ]
    assert found["set"] == {"Notes": "x"}
    assert list(found["inputs"]) == [str(job.path)]


def test_items_can_be_read_more_than_once(tmp_path: Path) -> None:
    job = load(save(tmp_path, ROWS), cmdlet="Set-Mailbox")
    first = list(job.items())
    assert list(job.items()) == first
    assert len(first) == 100


def test_a_file_touched_but_not_changed_is_the_same(tmp_path: Path) -> None:
    path = save(tmp_path, ROWS)
    job = load(path, cmdlet="Set-Mailbox")
    job.check()
    os.utime(path, (1, 1))
    assert len(list(job.items())) == 100


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"eve,1\n")


def _same_size(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"Room 1\n", b"Room 2\n"))


def _break(path: Path) -> None:
    path.write_bytes(b"Identity,Office\n\xff\xfe\x81,b,c\n")


@pytest.mark.parametrize("change", [_append, _same_size, _break, Path.unlink])
def test_a_file_changed_since_the_check_sends_nothing(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = save(tmp_path, ROWS)
    job = load(path, cmdlet="Set-Mailbox")
    job.check()
    change(path)
    if path.exists():
        os.utime(path, (1, 1))
    with pytest.raises(JobError):
        next(job.items())


@pytest.mark.parametrize("name", ["job.csv", "job.yaml"])
def test_a_file_changed_while_it_is_read_is_noticed(tmp_path: Path, name: str) -> None:
    line = "user{0},x\n" if name == "job.csv" else "- {{Identity: user{0}}}\n"
    head = "Identity,Office\n" if name == "job.csv" else "cmdlet: Set-Mailbox\nrows:\n"
    path = save(tmp_path, head + "".join(line.format(number) for number in range(100_000)), name)
    job = load(path, cmdlet="Set-Mailbox" if name == "job.csv" else None)
    job.check()
    items = job.items()
    next(items)
    with path.open("ab") as file:
        file.write(line.format(0).encode())
    with pytest.raises(JobError, match="has changed since it was read first"):
        for _ in items:
            pass


@pytest.mark.parametrize(
    ("name", "head", "line"),
    [
        ("job.csv", "Cmdlet,Identity,Office,CustomAttribute1\n", "Set-Mailbox,user{0},Room,{0:07}\n"),
        ("job.yaml", "cmdlet: Set-Mailbox\nrows:\n", "- {{Identity: user{0}, Office: Room}}\n"),
    ],
)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, name: str, head: str, line: str) -> None:
    def peak(rows: int) -> int:
        path = save(tmp_path, head + "".join(line.format(number) for number in range(rows)), name)
        tracemalloc.start()
        try:
            job = load(path)
            assert job.check().rows == rows
            assert sum(1 for _ in job.items()) == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(10_000) < peak(1_000) + (4 << 20)


def test_a_thousand_problems_are_counted(tmp_path: Path) -> None:
    path = save(tmp_path, "Identity,AuditEnabled\n" + "ada,x\n" * 1000)
    with pytest.raises(JobError) as caught:
        load(path, cmdlet="Set-Mailbox").check()
    assert (len(caught.value.problems), caught.value.total) == (20, 1000)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("job.csv", ROWS, ROWS.replace("Identity,Office", "Identity,Notes")),
        (
            "job.yaml",
            "cmdlet: Set-User\nrows: [{Identity: a}]\n",
            "cmdlet: Set-User\nrows: [{Identity: b}]\n",
        ),
        ("job.yaml", "cmdlet: Set-User\nrows: [{Identity: a}]\n", "cmdlet: Set-User\n"),
        ("job.yaml", "cmdlet: Set-User\nrows: [{Identity: a}]\n", "- a\n"),
    ],
)
def test_a_head_that_changes_before_the_check_is_noticed(
    tmp_path: Path, name: str, before: str, after: str
) -> None:
    job = load(save(tmp_path, before, name), cmdlet="Set-User")
    save(tmp_path, after, name)
    with pytest.raises(JobError, match="has changed since it was read first"):
        job.check()


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "job-\udcff\n.csv"
    try:
        path.write_text("Identity,AuditEnabled\nada,x\n", encoding="utf-8")
    except OSError:
        pytest.skip("this system has no such names")
    with pytest.raises(JobError) as caught:
        load(path, cmdlet="Set-Mailbox").check()
    assert str(caught.value).isprintable()
    json.dumps(load(path, cmdlet="Set-Mailbox").describe(), ensure_ascii=False).encode("utf-8")
