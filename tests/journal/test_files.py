"""Files that only grow by whole pieces, on disks that refuse; and what a start leaves when it dies."""

from __future__ import annotations

import csv
import errno
from pathlib import Path
from typing import Any

import pytest

from bulkexo.journal import RunFolder
from bulkexo.journal.files import Appending, rewrite_failed
from bulkexo.journal.past import recall
from bulkexo.model import Item, Status, UsageError

from .helpers import folder, item, outcome


class Refusing:
    """A file below an Appending that takes `room` more bytes, and then not even a truncation."""

    def __init__(self, file: Any, room: int) -> None:
        self.file = file
        self.room = room
        self.broken = False

    def write(self, data: Any) -> int:
        taken = bytes(data)[: self.room]
        self.room -= len(taken)
        if not taken:
            self.broken = True
            raise OSError(errno.EIO, "Input/output error")
        return int(self.file.write(taken))

    def truncate(self, size: int) -> int:
        if self.broken:
            raise OSError(errno.EIO, "Input/output error")
        return int(self.file.truncate(size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def test_what_a_disk_did_not_let_us_take_back_is_taken_back_before_the_next_piece(tmp_path: Path) -> None:
    file = Appending(tmp_path / "file")
    file.append(b"one\n")
    below = Refusing(file._file, room=2)
    file._file = below  # type: ignore[assignment]
    with pytest.raises(OSError, match="Input/output error"):
        file.append(b"two\n")
    assert (tmp_path / "file").read_bytes() == b"one\ntw"
    with pytest.raises(OSError, match="Input/output error"):
        file.append(b"two\n")  # still broken: nothing goes behind the half piece
    below.broken, below.room = False, 100
    file.append(b"two\n")
    file.close()
    assert (tmp_path / "file").read_bytes() == b"one\ntwo\n"


def test_a_run_that_died_before_its_files_were_made_goes_on(tmp_path: Path) -> None:
    started = RunFolder.create(tmp_path / "run")
    started.write({"state": "running"})
    past = recall(started, 3, 1)
    assert (past.counts, past.in_doubt, past.results_size) == ({}, 0, 0)
    rewrite_failed(started, past, [item(1)], ["Name"], ())
    for path, size in ((started.results, past.results_size), (started.announced, past.announced_size)):
        file = Appending(path, size)
        file.close()
        assert path.read_bytes() == b""


def test_a_start_that_died_before_run_json_does_not_stand_in_the_way(tmp_path: Path) -> None:
    started = RunFolder.create(tmp_path / "run")
    started.choose(b"\1\0")
    again = RunFolder.create(tmp_path / "run")
    again.choose(None)
    assert again.read_chosen(2) is None


@pytest.mark.parametrize("name", ["run.json", "results.ndjson", "failed.csv", "announced.ndjson"])
def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("the user's")
    with pytest.raises(UsageError, match=r"nother folder with --out\.$"):
        RunFolder.create(tmp_path)
    assert (tmp_path / name).read_text() == "the user's"


def test_chosen_items_of_another_job_are_refused(tmp_path: Path) -> None:
    started = RunFolder.create(tmp_path / "run")
    started.choose(b"\1\0")
    with pytest.raises(UsageError, match="for 2 items, and the job has 3"):
        started.read_chosen(3)


def test_a_failed_csv_that_is_run_again_keeps_one_error_column(tmp_path: Path) -> None:
    failed = Item(1, 1, "New-Mailbox", "ada", {"Name": "ada"}, {"Name": "ada", "Error": "from before"})
    run = folder(tmp_path / "run", [outcome(failed, Status.FAILED)])
    rewrite_failed(run, recall(run, 1, 1), [failed], ["Name", "Error"], ())
    rows = list(csv.reader(run.failed.read_text("utf-8-sig").splitlines()))
    assert rows == [["Name", "Error"], ["ada", "It went wrong."]]
