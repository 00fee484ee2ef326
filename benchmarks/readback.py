"""Reading a run back: seconds and peak memory for so many lines of results.ndjson.

python benchmarks/readback.py --lines 1000000
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import bulkexo
from bulkexo.journal import RunFolder
from bulkexo.journal.lines import announcement, line
from bulkexo.journal.past import recall
from bulkexo.model import Failure, Item, Outcome, Status

FAILED_EVERY = 50
ANNOUNCED_EVERY = 2
PIECE = 10_000


def outcomes(count: int) -> Iterator[Outcome]:
    """As a run of Set-Mailbox and New-Mailbox leaves them: one in 50 has failed."""
    broken = Failure(
        "NotFound", "Some.ManagementObjectNotFoundException", "The operation couldn't be performed."
    )
    for row in range(1, count + 1):
        cmdlet = "New-Mailbox" if row % ANNOUNCED_EVERY == 0 else "Set-Mailbox"
        name = f"mailbox{row}@contoso.onmicrosoft.com"
        item = Item(row, 1, cmdlet, name, {"Identity": name, "Department": f"Department {row}"}, {})
        failed = row % FAILED_EVERY == 0
        yield Outcome(
            item,
            Status.FAILED if failed else Status.SUCCEEDED,
            1,
            404 if failed else 200,
            1_800_000_000.0 + row,
            0.8,
            "2d0d1c4e-5c53-4f1c-9d6a-0f3a5a1f2b3c",
            error=broken if failed else None,
        )


def fill(folder: RunFolder, count: int) -> None:
    """Write the files of such a run, the last ten items in flight."""
    with folder.results.open("wb") as results, folder.announced.open("wb") as announced:
        made = outcomes(count)
        while piece := list(islice(made, PIECE)):
            results.write(b"".join(line(each) for each in piece if each.item.row <= count - 10))
            unsafe = [each.item for each in piece if each.item.cmdlet == "New-Mailbox"]
            announced.writelines(
                announcement(unsafe[place : place + 10], 0.0) for place in range(0, len(unsafe), 10)
            )


def read(folder: RunFolder, count: int) -> None:
    """In a process of its own: the figures of one reading."""
    before, begun = peak(), time.perf_counter()
    past = recall(folder, count, 1)
    seconds = time.perf_counter() - begun
    found = f"{sum(past.counts.values()):,} ended, {past.in_doubt} in doubt"
    grown = f"peak RSS {peak():.0f} MiB ({peak() - before:+.0f} MiB)"
    size = past.results_size + past.announced_size
    print(f"{count:>9,} lines, {size / 2**20:.0f} MiB: {seconds:.2f} s, {grown}; {found}")


def peak() -> float:
    """MiB that this process has held at most; nan where the platform does not say.

    Linux's ru_maxrss begins with what the parent held; its VmHWM is this process's own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return float("nan")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Make the files, and read them in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, action="append")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        read(RunFolder(asked.read), asked.lines[0])
        return
    print(f"bulkexo {bulkexo.__version__}, Python {sys.version.split()[0]}", flush=True)
    for count in asked.lines or [10_000, 100_000, 1_000_000]:
        with tempfile.TemporaryDirectory() as name:
            fill(RunFolder(Path(name)), count)
            subprocess.run([sys.executable, __file__, "--read", name, "--lines", str(count)], check=True)


if __name__ == "__main__":
    main()
