"""The pace on real sockets: `bulkexo run` against `bulkexo sandbox`, beside a simulation of the same tenant.

    python benchmarks/pace_sockets.py              three tenants, two minutes each

The whole command runs, sign-in, TLS and journal included; only its Pacer notes what it is told. Both are
measured by the same rules (`pacing.measure`); the target is within 5 points of each other. The exit code
is 1 if they are not.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pacing.compare import PACER, trace
from pacing.drive import Trace
from pacing.measure import Result, measure
from pacing.services import Answer, Latency
from pacing.tenants import Tenant, bucket, slots

import bulkexo.tenancy
from bulkexo.cli import root
from bulkexo.pace import Pacer, Sighting

LATENCY = Latency(0.5, 0.5)
WITHIN = 0.05
LOOPBACK = 0.01
"""Seconds there and back on one machine, TLS and JSON included."""


@dataclass(frozen=True, slots=True)
class Case:
    """options: of the sandbox. tenant: the same, simulated. real: the same without the way to Microsoft."""

    options: str
    tenant: Tenant
    real: Tenant


def cases() -> list[Case]:
    """A count whole, a count inside batches, a limit on requests in flight."""
    whole = bucket("40/s", 40, 40, latency=LATENCY)
    inside = bucket("100/s, refused inside batches", 100, 100, inside=1.0, latency=LATENCY)
    few = slots("8 batches in flight", 8, LATENCY)
    return [
        Case("--allowance 40/s --throttle-style whole", whole, whole),
        Case("--allowance 100/s --throttle-style inside", inside, inside),
        Case("--max-concurrent 8", few, slots(few.name, 8, LATENCY, LOOPBACK)),
    ]


class Noting(Pacer):
    """A Pacer that notes what it is told, on a clock that starts with the first batch."""

    def __init__(self, noted: Trace, **settings: Any) -> None:
        super().__init__(**settings)
        self._noted = noted
        self._first: float | None = None

    def sent(self, now: float, items: int) -> None:
        """A batch goes."""
        self._first = now if self._first is None else self._first
        self._noted.last = now - self._first
        super().sent(now, items)

    def saw(self, sighting: Sighting) -> None:
        """Its reply came."""
        first = self._first or 0.0
        self._noted.count(sighting.started - first, sighting.sent, Answer(0.0, sighting.refused))
        self._noted.end = sighting.ended - first
        super().saw(sighting)


def on_sockets(case: Case, seconds: float) -> tuple[Trace, str]:
    """Run `bulkexo run` for about `seconds`; what its pacer was told, and how it ended if not well."""
    noted, items = Trace(), case.real.items(seconds)
    common = f"--mailboxes {items} --latency {LATENCY.median},{LATENCY.sigma} --retry-after fraction"
    with tempfile.TemporaryDirectory() as folder:
        rows, job = Path(folder, "rows.csv"), Path(folder, "job.yaml")
        command = [sys.executable, "-m", "bulkexo", "sandbox", *common.split(), "--list-mailboxes", str(rows)]
        subprocess.run(command, check=True)
        trim(rows, items)
        job.write_text(
            "cmdlet: Set-Mailbox\nrows: rows.csv\n"
            "parameters:\n  Identity: ${UserPrincipalName}\n  CustomAttribute1: paced\n",
            encoding="utf-8",
        )
        words = ["run", str(job), "--sandbox", "--sandbox-options", f"{common} {case.options}"]
        words += ["--concurrency", "64", "--out", str(Path(folder, "out")), "--no-progress"]
        code: Any = 0
        with (
            patch.object(bulkexo.tenancy, "Pacer", lambda **settings: Noting(noted, **settings)),
            Path(os.devnull).open("w", encoding="utf-8") as nowhere,
            contextlib.redirect_stderr(nowhere),
        ):
            try:
                root.main(words, standalone_mode=False)
            except SystemExit as end:
                code = end.code
    return noted, f" exit code {code}" if code else ""


def trim(rows: Path, items: int) -> None:
    """Keep `items` rows, one for each mailbox."""
    with rows.open(newline="", encoding="utf-8") as file:
        kept = [row for _, row in zip(range(items + 1), csv.reader(file), strict=False)]
    with rows.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(kept)


def simulated(case: Case, seconds: float) -> Result:
    """The simulation of a job of the same length."""
    return measure(case.tenant, trace(case.tenant, PACER, 1, seconds))


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=100.0, help="length of each job at the allowance")
    parser.add_argument("--tenant", default="", help="only tenants whose name contains this")
    options = parser.parse_args(arguments)
    print(
        "| tenant | goodput ÷ allowance: sockets | simulated | refused ÷ sent: sockets | simulated | time |"
    )
    print("|---|---|---|---|---|---|")
    apart = False
    for case in (case for case in cases() if options.tenant in case.tenant.name):
        began = time.monotonic()
        noted, trouble = on_sockets(case, options.seconds)
        real, virtual = measure(case.real, noted), simulated(case, options.seconds)
        apart |= abs(real.goodput - virtual.goodput) > WITHIN or abs(real.refused - virtual.refused) > WITHIN
        cells = (
            case.tenant.name,
            f"{real.goodput:.3f}",
            f"{virtual.goodput:.3f}",
            f"{real.refused:.2%}",
            f"{virtual.refused:.2%}",
            f"{time.monotonic() - began:.0f} s{trouble}",
        )
        print("| " + " | ".join(cells) + " |", flush=True)
    return 1 if apart else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
