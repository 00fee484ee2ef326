"""All benchmarks of speed in one run: `make bench`. With --quick, that they work at all, in a minute.

Each prints its own part of the table, in which every figure stands beside its reference of the same run, and
can be repeated alone by the command above it. The exit code is 1 if a target is missed.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PARTS = {
    "start.py": ("", "--times 1"),
    "loader.py": ("", "--rows 1000 --times 1"),
    "memory.py": ("", "--rows 1000 --rows 3000"),
    "engine.py": ("", "--rows 1000 --times 1"),
    "engine.py --reply 100000": ("--rows 20000", "--rows 500 --times 1"),
    "tenant.py": ("", "--seconds 4"),
}
"""Benchmark → further words, and those that make it quick."""


def main() -> int:
    """Run them one after another."""
    quick = "--quick" in sys.argv[1:]
    version = f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}"
    print(f"{time.strftime('%Y-%m-%d')}, {version}")
    missed = []
    for part, words in PARTS.items():
        command = f"{part} {words[quick]}".split()
        print(f"\n$ python benchmarks/{' '.join(command)}", flush=True)
        code = subprocess.run([sys.executable, str(HERE / command[0]), *command[1:]], check=False).returncode
        if code:
            missed.append(part)
    if missed:
        print(f"\nTargets missed: {', '.join(missed)}.")
    return 0 if quick else int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
