"""What a long list costs in memory: one Get-Mailbox of 200,000 mailboxes beside one of 1,000.

    python benchmarks/paging.py

Peak resident memory of the run's process, against a sandbox in a process of its own. Target: at most 25 MB
more for the long list. Linux only, where /proc tells it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.e2e.command import lines
from tests.e2e.files import table
from tests.e2e.memory import peak
from tests.e2e.pretend import pretend

TARGET = 25.0


def measure(folder: Path, mailboxes: int) -> float:
    """Megabytes at the most; prints a line."""
    with pretend(folder, f"--mailboxes {mailboxes} --speed 1000") as tenant:
        job = table(folder / "job.csv", ["Cmdlet", "ResultSize"], [["Get-Mailbox", "Unlimited"]])
        began = time.monotonic()
        taken = peak("run", job, "--out", "out", cwd=folder, env=tenant.env)
        seconds = time.monotonic() - began
    (line,) = lines(folder / "out")
    objects = line["pages"]["objects"] if "pages" in line else len(line["value"])
    size = line["pages"]["bytes"] if "pages" in line else len(str(line["value"]))
    print(f"{objects:>10,}{size / 1e6:>12,.1f}{taken:>12,.1f}{seconds:>10,.1f}")
    return taken


def main() -> int:
    """Run it as the command line says; 1 if the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=200_000)
    asked = parser.parse_args()
    print(f"{'objects':>10}{'MB of JSON':>12}{'MB at most':>12}{'seconds':>10}")
    with tempfile.TemporaryDirectory() as name:
        few, many = (measure(Path(name) / str(number), number) for number in (1000, asked.mailboxes))
    print(f"{many - few:.1f} MB more; the target is {TARGET:.0f}.")
    return 0 if many - few <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
