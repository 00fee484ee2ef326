"""Files that are there as a whole or not at all. Floor 0."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

FRESH = ".new"


@contextmanager
def whole(path: Path, ending: str = FRESH) -> Iterator[BinaryIO]:
    """A file for as long as it is written; when the block ends well, the disk has it, and it takes the name
    and the place of what was there. Otherwise nothing is left of it. Raises OSError.

    ending: of its name until then. What dies on the way leaves a file of that name, which the next one writes
    over.
    """
    fresh = path.with_name(path.name + ending)
    try:
        with fresh.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong before is what is told
            fresh.unlink(missing_ok=True)
        raise


@contextmanager
def whole_text(path: Path, encoding: str = "utf-8", errors: str = "strict") -> Iterator[TextIO]:
    """The same of text, whose line breaks stay as they are."""
    with whole(path) as file:
        text = io.TextIOWrapper(file, encoding, errors, newline="", write_through=True)
        yield text
        text.detach()


def rewrite(path: Path, content: bytes) -> None:
    """A file that several processes may write at a time, each all of it: the last one counts. Its folder is
    made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path, f".{os.getpid()}") as file:
        file.write(content)
