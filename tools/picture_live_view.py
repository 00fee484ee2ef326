"""Make a picture of the live view of a real run.

`picture_live_view.py OUT.svg COLUMNS ROWS PATTERN COMMAND…`: COMMAND runs in tmux, on a terminal of that
size, until PATTERN (a regular expression) stands on the screen; then the screen becomes an SVG, by rich, and
the command is ended.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.ansi import AnsiDecoder
from rich.console import Console

LIMIT = 300.0
"""Seconds to wait for the pattern."""
FOREIGN = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
"""Fonts that rich would have the picture fetch from elsewhere."""


def tmux(*words: str) -> str:
    """What tmux answers, of a server of this process alone."""
    done = subprocess.run(  # noqa: S603 (whatever it is told to)
        [shutil.which("tmux") or "tmux", "-L", f"picture{os.getpid()}", "-f", "/dev/null", *words],
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    return done.stdout


def screen(columns: int, rows: int, pattern: str, command: list[str]) -> str:
    """What stands on the screen, with its colours, once the pattern does."""
    typed = f"clear; {shlex.join(command)}; sleep {LIMIT:.0f}"
    tmux("-u", "new-session", "-d", "-s", "run", "-x", str(columns), "-y", str(rows), typed)
    try:
        end = time.monotonic() + LIMIT
        while not re.search(pattern, tmux("capture-pane", "-p", "-t", "run")):
            if time.monotonic() > end:
                sys.exit(f"{pattern} never came:\n{tmux('capture-pane', '-p', '-t', 'run')}")
            time.sleep(0.1)
        return tmux("capture-pane", "-e", "-p", "-t", "run")
    finally:
        tmux("kill-server")


def picture(shown: str, columns: int, title: str) -> str:
    """The screen as SVG."""
    console = Console(
        record=True, width=columns, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    for line in AnsiDecoder().decode(shown.rstrip()):  # a style goes on from one line to the next
        console.print(line, soft_wrap=True)
    return console.export_svg(title=title, code_format=FOREIGN.sub("", CONSOLE_SVG_FORMAT))


def main(arguments: list[str]) -> None:
    """Write the picture."""
    if len(arguments) < 5:
        sys.exit(__doc__)
    target, columns, rows, pattern, *command = arguments
    shown = screen(int(columns), int(rows), pattern, command)
    Path(target).write_text(picture(shown, int(columns), "bulkexo run"), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
