"""What an earlier step of a row returned, read back from its line or from the pages that this points to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from bulkexo.model import KEPT, Ended, Failure, Item, Outcome, Status, UsageError, trimmed


def read_ended(lines: Path, offset: int, status: Status, names: frozenset[str]) -> Ended:
    """How the item whose line begins at `offset` ended, with these members of what it returned. Raises
    UsageError."""
    try:
        with lines.open("rb") as file:
            file.seek(offset)
            line = orjson.loads(file.readline())
        objects = trimmed(_objects(lines.parent, line), names)
        pages = line.get("pages")
        count = int(pages["objects"]) if pages else len(line["value"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"What an earlier step returned cannot be read from {lines} at byte {offset} ({error})."
        ) from None
    return Ended(status, objects, count)


def _objects(folder: Path, line: Mapping[str, Any]) -> Iterator[Any]:
    """The first objects of a line."""
    path = (line.get("pages") or {}).get("path")
    if path is None:
        yield from line["value"]
        return
    with (folder / path).open("rb") as file:
        for raw in islice(file, KEPT):
            yield orjson.loads(raw)


def read_outcomes(lines: Path, offsets: Iterable[int]) -> Iterator[Outcome]:
    """How the items ended whose lines begin at `offsets`, in ascending order: status and error. Raises
    UsageError."""
    try:
        with lines.open("rb") as file:
            for offset in offsets:
                file.seek(offset)
                yield _outcome(orjson.loads(file.readline()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{lines} cannot be read ({error}). Restore it from a copy.") from None


def _outcome(line: Mapping[str, Any]) -> Outcome:
    error = line.get("error") or {}
    texts = [str(error.get(name) or "") for name in ("code", "type", "message", "target")]
    item = Item(line["row"], line["step"], str(line.get("cmdlet")), str(line.get("identity") or ""), {}, {})
    return Outcome(item, Status(line["status"]), 0, None, None, 0.0, None, error=Failure(*texts))


def copy_lines(wanted: Iterable[tuple[int, int, Path, int]], target: Path) -> None:
    """Write lines of another run to a file of the one that goes on from it. wanted: row and step in this one,
    the file and the offset. Pages, as far as later steps can use them, go into the lines. Raises OSError."""
    with target.open("wb") as file:
        for row, step, lines, offset in wanted:
            with lines.open("rb") as source:
                source.seek(offset)
                line = orjson.loads(source.readline())
            line |= {"row": row, "step": step}
            if pages := line.get("pages"):
                line["value"] = list(_objects(lines.parent, line))
                line["pages"] = {"objects": pages["objects"]}
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        file.flush()
        os.fsync(file.fileno())
