"""One run, one writer: a lock on the run's folder, which a crash releases."""

from __future__ import annotations

import contextlib
import os
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
        raise UsageError(
            f"The run folder {folder} cannot be locked ({error.strerror}). Move it to a disk that "
            "knows locks, where "
            "you may write."
        ) from None
    try:
        yield
    finally:
        guard.release()
        with contextlib.suppress(OSError):
            if [file.name for file in folder.iterdir()] == [NAME]:
                (folder / NAME).unlink()
                folder.rmdir()


def held(folder: Path) -> bool | None:
    """Whether a process holds the folder's lock; None if that cannot be told. Asking changes nothing."""
    path = folder / NAME
    if not path.exists():
        return False
    try:
        return _held(path)
    except OSError:  # not ours to open, or a file system without locks
        return None


if os.name == "posix":
    import fcntl

    def _held(path: Path) -> bool:
        """FileLock takes this kind of lock here; a shared one is refused as long as it is held."""
        file = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

else:

    def _held(path: Path) -> bool:
        try:
            with FileLock(path).acquire(blocking=False):
                return False
        except Timeout:
            return True
