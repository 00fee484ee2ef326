"""A run that tells how much memory it took at its most; where /proc tells it (Linux)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.command import LIMIT, environment

STATUS = Path("/proc/self/status")
TELLING = """
import atexit, shutil, sys
atexit.register(shutil.copyfile, "/proc/self/status", sys.argv.pop(1))
from bulkexo.cli import main
main()
"""


def peak(*arguments: str | Path, cwd: Path, env: Mapping[str, str], limit: float = LIMIT) -> float:
    """Megabytes of a `bulkexo` that ends well and in so many seconds; getrusage would count its parent."""
    told = cwd / "status.txt"
    command = [sys.executable, "-c", TELLING, str(told), *map(str, arguments)]
    subprocess.run(command, cwd=cwd, env=environment(env), check=True, timeout=limit, capture_output=True)
    found = re.search(r"VmHWM:\s*(\d+) kB", told.read_text())
    assert found is not None
    return int(found[1]) / 1024
