"""One run, one writer: a lock on the run's folder, which a crash releases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bulkexo.model import UsageError

NAME = "run.lock"


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises UsageError if another process holds it, or it cannot be made.

    A folder that then holds nothing but the lock is taken back: nothing happened in it.
    """
    guard = FileLock(folder / NAME)
    try:
        guard.acquire(blocking=False)
    except Timeout:
        raise UsageError(
            f"Another bulkexo is at work in {folder}. Wait for it, or stop it with Ctrl-C, then go on."
        ) from None
    except OSError as error:
        raise UsageError(f"The run folder {folder} cannot be locked ({error.strerror}).") from None
    try:
        yield
    finally:
        guard.release()
        with contextlib.suppress(OSError):
            if [file.name for file in folder.iterdir()] == [NAME]:
                (folder / NAME).unlink()
                folder.rmdir()
