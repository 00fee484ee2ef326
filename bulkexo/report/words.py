"""Words that reports share: lengths of time, commands as they are typed, names as they can be written."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def readable(text: str) -> str:
    r"""A text that can be written as UTF-8; bytes of a name that are no text stand as `\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()


def duration(seconds: float) -> str:
    """`42 s`, `3 min 5 s`, `2 h 4 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def many(number: int, one: str, more: str = "") -> str:
    """`1 item`, `2,000 items`. more: where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def command(name: str, folder: Path) -> str:
    """What to type to do something with a run."""
    return line_of(["bulkexo", name, str(folder)])


def line_of(words: Sequence[str]) -> str:
    """Words as they are typed."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
