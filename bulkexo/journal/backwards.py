"""The lines of an NDJSON file from the last to the first, in memory that does not grow with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from bulkexo.model import UsageError

BLOCK = 1 << 18


def backwards(path: Path, block: int = BLOCK) -> Iterator[dict[str, Any]]:
    """Each object, the last first. What a crash has torn at the end is left out, as by `past.Lines`. block:
    bytes read at once. Raises OSError, and UsageError where the file was damaged."""
    whole = False
    with path.open("rb") as file:
        for number, raw in enumerate(_lines(file, block)):
            found = _parsed(raw) if number else None  # without its line break it was never acknowledged
            if found is not None:
                whole = True
                yield found
            elif whole:
                raise UsageError(
                    f"{path} was damaged: a line that cannot be read is followed by others. Restore it "
                    "from a copy."
                )


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _lines(file: BinaryIO, block: int) -> Iterator[bytes]:
    """What stands between line breaks, the last first: of a whole file that is nothing. The parts of a line
    that is longer than a block are joined once."""
    position = file.seek(0, os.SEEK_END)
    parts: list[bytes] = []
    while position:
        size = min(block, position)
        position -= size
        file.seek(position)
        pieces = file.read(size).split(b"\n")
        if len(pieces) > 1:
            yield b"".join([pieces[-1], *reversed(parts)])
            yield from reversed(pieces[1:-1])
            parts = [pieces[0]]
        else:
            parts.append(pieces[0])
    if parts:
        yield b"".join(reversed(parts))
