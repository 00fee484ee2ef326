"""Disks that are full: no loss, a sentence, exit code 3, and on with it once there is room."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .killing import OPTIONS, Chaos
from .processes import Ended, lines, run, tenant
from .rows import Writer, write

ROWS = 150
LIMIT = 20_000
QUICK = ("--latency", "0.02", "--speed", "10")
FEW_FAULTS = {"cut-after": 30, "missing": 20, "504": 20}


def full(
    tmp_path: Path, folder: Path, room: Callable[[], object], **popen: Any
) -> tuple[Ended, list[dict[str, Any]]]:
    """Run a job into a folder that will be full; make room; go on; compare. Returns how the first process
    ended, and the lines that it had left."""
    writer = Writer(ROWS, 5)
    rows = writer.rows()
    write(rows, tmp_path / "job.csv")
    with tenant(tmp_path, writer.mailboxes, *QUICK, faults=FEW_FAULTS) as service:
        chaos = Chaos(rows, tmp_path / "job.csv", folder, service, random.Random(5), step=1)
        first = run(
            ["run", str(tmp_path / "job.csv"), "--out", str(folder), *OPTIONS],
            service.environment(),
            **popen,
        )
        left = lines(folder / "results.ndjson")
        again = run(["resume", str(folder), *OPTIONS], service.environment(), **popen)
        assert again.code in (2, 3), again
        assert lines(folder / "results.ndjson")[: len(left)] == left
        room()
        found = chaos.go(0)
    assert not found.wrong, "\n".join(found.wrong)
    assert lines(folder / "results.ndjson")[: len(left)] == left
    return first, left


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_limit_of_the_size_of_files(tmp_path: Path) -> None:
    import resource  # noqa: PLC0415 - POSIX only

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

    first, left = full(tmp_path, tmp_path / "run", lambda: None, preexec_fn=limited)
    assert first.code == 3
    assert "The results cannot be written (File too large). Make room, then go on." in first.words
    assert "Go on with it:   bulkexo resume" in first.words
    assert 0 < len(left) < ROWS


@contextmanager
def small(where: Path) -> Iterator[None]:
    """A file system of 64 KiB; skips the test where none can be made."""
    where.mkdir()
    try:
        mount("-t", "tmpfs", "-o", "size=64k", "none", str(where))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(where)], check=True)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root mounts file systems")
def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small(disk):
        first, left = full(tmp_path, disk / "run", lambda: mount("-o", "remount,size=10m", "none", str(disk)))
    assert first.code == 3
    assert "The results cannot be written (No space left on device). Make room, then go on." in first.words
    assert 0 < len(left) < ROWS
