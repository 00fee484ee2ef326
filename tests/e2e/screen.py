"""bulkexo on a pseudo-terminal: what it writes there, typed at, resized, taken away."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.command import COMMAND, LIMIT, STARTED, environment

STEERING = frozenset({"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "COLORTERM"})
"""Variables by which a terminal would look otherwise."""


@dataclass
class Screen:
    """A process whose terminal we hold the other end of. seen: all that it has written there."""

    process: subprocess.Popen[str]
    end: int
    encoding: str
    seen: str = ""

    def until(self, words: str, since: int = 0) -> str:
        """Read on until these words are written, behind the first `since` characters; all up to then."""
        limit = time.monotonic() + LIMIT
        while words not in self.seen[since:]:
            assert time.monotonic() < limit, f"{words!r} never came:\n{self.seen}"
            assert self._more(), f"it ended without {words!r}:\n{self.seen}"
        return self.seen

    def rest(self) -> str:
        """Read to the end of the process; all that it has written."""
        while self._more():
            pass
        self.process.wait(LIMIT)
        return self.seen

    def type(self, text: str) -> None:
        """As from a keyboard."""
        os.write(self.end, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Another size, of which the process gets its signal."""
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def close(self) -> None:
        """Take the terminal away."""
        os.close(self.end)
        self.end = -1

    def _more(self) -> bool:
        if not select.select([self.end], [], [], 1.0)[0]:
            return True
        try:
            piece = os.read(self.end, 65536)
        except OSError:  # so Linux says that nobody holds the other end
            return False
        self.seen += piece.decode(self.encoding, "replace")
        return bool(piece)


@contextmanager
def screen(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    columns: int = 80,
    lines: int = 24,
    encoding: str = "utf-8",
    **more: Any,
) -> Iterator[Screen]:
    """Start the command on a terminal of this size."""
    ours, theirs = os.openpty()
    size = struct.pack("HHHH", lines, columns, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    kept = {name: value for name, value in environment().items() if name not in STEERING}
    kept |= {"TERM": "xterm-256color", "PYTHONIOENCODING": encoding, **(env or {})}
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=kept,
        stdin=theirs,
        stdout=more.pop("stdout", theirs),
        stderr=theirs,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (no threads here)
        **more,
    )
    STARTED.append(process)
    os.close(theirs)
    shown = Screen(process, ours, encoding)
    try:
        yield shown
    finally:
        process.kill()
        if shown.end >= 0:
            os.close(shown.end)
