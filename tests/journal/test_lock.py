"""One run, one writer: a second process is refused, and a process that dies holds nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bulkexo.journal.lock import lock
from bulkexo.model import UsageError

CHILD = """
import sys
from pathlib import Path
from bulkexo.journal.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its stdin ends."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        if process.poll() is None:
            process.kill()


def begun(path: Path) -> Path:
    path.mkdir()
    (path / "run.json").write_text("{}")
    return path


def test_a_second_process_is_refused_in_words(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    with holder(run), pytest.raises(UsageError) as caught, lock(run):
        raise AssertionError("It is held by another.")
    assert str(caught.value) == (
        f"Another bulkexo is at work in {run}. Wait for it, or stop it with Ctrl-C, then go on."
    )
    assert caught.value.exit_code == 2


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    with holder(run) as process:
        process.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        process.wait()
        with lock(run):
            assert (run / "run.json").exists()


def test_a_process_that_ends_holds_nothing(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    with holder(run) as process:
        process.communicate()
    for _ in range(3):
        with lock(run):
            pass


def test_within_one_process_too(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    with lock(run), pytest.raises(UsageError, match="Another bulkexo"), lock(run):
        raise AssertionError("It is held already.")
    with lock(run):
        pass


def test_another_folder_is_another_matter(tmp_path: Path) -> None:
    with lock(begun(tmp_path / "one")), lock(begun(tmp_path / "two")):
        pass


def test_an_error_lets_go_of_it(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    with pytest.raises(ZeroDivisionError), lock(run):
        raise ZeroDivisionError
    with lock(run):
        pass


def test_a_folder_in_which_nothing_happened_goes_with_its_lock(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with lock(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_but_not_what_the_user_has_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with lock(tmp_path):
        pass
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be locked"), lock(tmp_path / "file"):
        raise AssertionError("There is nothing to lock.")
