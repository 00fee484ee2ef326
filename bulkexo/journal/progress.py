"""progress.ndjson: how a run stood, at the start and the end of each process, a second after the start, and
every 10 s from then on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from bulkexo.journal.files import Appending
from bulkexo.journal.lines import timestamp
from bulkexo.model import Status

BLOCK = 1 << 16
"""Bytes at the end of the file in which its last line is looked for: a hundred lines."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands. time: seconds since the epoch. state: running, complete or stopped. total: items of
    the run; by_status: those that ended, in whichever process. attempts: items sent, each sending counted;
    throttled: of these, refused for the pace. speed: items per second since the line before. allowed: items
    per second that the tenants take together, as far as is known; None while nothing is sent. batches: in
    flight, of `places` that may be. waiting: why nothing moves, "" if something does. pid: of the process."""

    time: float
    state: str
    total: int
    by_status: Mapping[Status, int] = field(default_factory=dict)
    attempts: int = 0
    throttled: int = 0
    speed: float = 0.0
    allowed: float | None = None
    batches: int = 0
    places: int = 0
    waiting: str = ""
    pid: int = 0

    def line(self) -> bytes:
        """As it stands in the file."""
        counts = {status.value: self.by_status.get(status, 0) for status in Status}
        document = {
            "time": timestamp(self.time),
            "state": self.state,
            "total": self.total,
            "done": sum(counts.values()),
            **counts,
            "attempts": self.attempts,
            "throttled": self.throttled,
            "items_per_second": round(self.speed, 2),
            "allowed_per_second": None if self.allowed is None else round(self.allowed, 2),
            "batches": self.batches,
            "places": self.places,
            "waiting": self.waiting,
            "pid": self.pid,
        }
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


class Progress:
    """Writes the file. That the disk refuses is no trouble of the run's: the line is left out.

    over, attempts, throttled: what an earlier process has left there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Appending | None = None
        before = last(path)
        self.over = before is not None and before.get("state") == "complete"
        self.attempts = _count(before, "attempts")
        self.throttled = _count(before, "throttled")

    def append(self, standing: Standing) -> None:
        """One more line; what a crash has torn before it is cut off."""
        with contextlib.suppress(OSError):
            if self._file is None:
                self._file = Appending(self._path, keep=_whole(self._path))
            self._file.append(standing.line())

    def close(self) -> None:
        """Close it."""
        if self._file is not None:
            self._file.close()


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of the file, the first one first, in flat memory; none if it is not there. What cannot be
    read is left out."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        for raw in file:
            if (entry := _parsed(raw)) is not None:
                yield entry


def last(path: Path) -> dict[str, Any] | None:
    """The last line that can be read, None if there is none; without reading the rest."""
    return next(iter(latest(path, 1)), None)


def latest(path: Path, count: int) -> list[dict[str, Any]]:
    """The last lines that can be read, the last one first, at most `count`; without reading the rest."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - BLOCK))
            lines = file.read().splitlines(keepends=True)
    except OSError:
        return []
    return list(islice((entry for raw in reversed(lines) if (entry := _parsed(raw)) is not None), count))


def _parsed(raw: bytes) -> dict[str, Any] | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        entry = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None


def _count(entry: Mapping[str, Any] | None, name: str) -> int:
    value = entry.get(name) if entry else 0
    return value if isinstance(value, int) else 0


def _whole(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - BLOCK)
            file.seek(start)
            tail = file.read()
    except FileNotFoundError:
        return 0
    return start + tail.rfind(b"\n") + 1
