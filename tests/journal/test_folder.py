"""The run's folder: for one run only, and run.json never half written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bulkexo.journal import RunFolder
from bulkexo.model import UsageError


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "runs" / "job")
    assert folder.path.is_dir()
    assert [file.name for file in (folder.run_json, folder.results, folder.failed)] == [
        "run.json",
        "results.ndjson",
        "failed.csv",
    ]


def test_an_empty_folder_or_one_of_other_things_serves(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert RunFolder.create(tmp_path).path == tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "run.json",
            "holds a run already, and a run is never written over. Go on with it by `bulkexo resume {}`",
        ),
        ("results.ndjson", "holds results.ndjson, which belongs to no run"),
        ("failed.csv", "holds failed.csv, which belongs to no run"),
        ("announced.ndjson", "holds announced.ndjson, which belongs to no run"),
        ("progress.ndjson", "holds progress.ndjson, which belongs to no run"),
    ],
)
def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(UsageError) as caught:
        RunFolder.create(tmp_path)
    assert words.format(tmp_path) in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["file/run", "file", "x" * 300])
def test_a_folder_that_cannot_be_made_is_refused_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--out"):
        RunFolder.create(tmp_path / name)


def test_run_json_is_read_back(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path)
    folder.write({"state": "running", "name": "Grüße", "none": None})
    assert json.loads(folder.run_json.read_bytes()) == {"state": "running", "name": "Grüße", "none": None}
    assert folder.run_json.read_bytes().endswith(b"}\n")


def test_run_json_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads it at any moment sees the old one or the new one; what fails leaves the old one."""
    folder = RunFolder.create(tmp_path)
    folder.write({"state": "running"})
    seen: list[object] = []
    true_fsync = os.fsync

    def look(number: int) -> None:
        true_fsync(number)
        seen.append(json.loads(folder.run_json.read_bytes()))

    monkeypatch.setattr(os, "fsync", look)
    with folder.run_json.open("rb") as reader:
        folder.write({"state": "complete"})
        assert json.loads(reader.read()) == {"state": "running"}
    # the new one is on disk before it takes the old one's name; then the folder, which knows it by that
    assert seen == [{"state": "running"}, {"state": "complete"}][: 2 if os.name == "posix" else 1]
    assert json.loads(folder.run_json.read_bytes()) == {"state": "complete"}

    def refuse(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        folder.write({"state": "stopped"})
    assert json.loads(folder.run_json.read_bytes()) == {"state": "complete"}
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_discard_takes_back_a_run_that_did_not_begin(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run")
    folder.write({"state": "running"})
    folder.results.touch()
    folder.failed.touch()
    folder.announced.touch()
    folder.discard()
    assert not folder.path.exists()
    RunFolder.create(tmp_path / "run")


def test_discard_leaves_what_is_not_the_runs(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    folder = RunFolder.create(tmp_path)
    folder.write({"state": "running"})
    folder.discard()
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
