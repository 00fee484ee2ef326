"""A run that is killed so many times and gone on with until it is done, and what three records say of it.

    python benchmarks/chaos.py --kills 1000 --rows 10000

Prints one table; ends with 1 if anything was lost or done twice.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.chaos.compare import Figures
from tests.chaos.killing import Chaos
from tests.chaos.processes import tenant
from tests.chaos.rows import Writer, write


def table(chaos: Chaos, found: Figures) -> str:
    """The figures, one a line."""
    story = chaos.story
    statuses = ", ".join(f"{number:,} {status}" for status, number in sorted(found.statuses.items()))
    rows = (
        ("kills", f"{story.kills:,} ({', '.join(f'{n:,} by {kind}' for kind, n in story.moments.items())})"),
        ("rows", f"{found.rows:,}: {statuses}"),
        ("effects in the sandbox", f"{found.effects:,}"),
        ("unsafe effects that happened twice", f"{found.doubles:,}"),
        ("sent again though recorded as ended", f"{found.late:,}"),
        ("sendings", f"{found.sendings:,}"),
        ("safe items sent again by a later process", f"{chaos.resent(safe=True):,}"),
        ("unsafe items sent again to settle them", f"{chaos.resent(safe=False):,}"),
        ("unknown", f"{found.statuses['unknown']:,}"),
        ("failed safe items with an effect", f"{found.failed_safe:,}"),
        ("torn lines", f"{story.torn:,} (the harness's own {story.own_torn:,} among them)"),
        ("seconds", f"{story.seconds:,.0f}"),
        ("what is wrong", f"{len(found.wrong):,}"),
    )
    return "\n".join(f"{name:<42}{text}" for name, text in rows)


def main() -> int:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1, 1 << 32))
    parser.add_argument("--latency", default="0.05,0.5")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    writer = Writer(asked.rows, asked.seed)
    rows = writer.rows()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(rows, folder / "job.csv")
        with tenant(folder, writer.mailboxes, "--latency", asked.latency) as service:
            chaos = Chaos(
                rows,
                folder / "job.csv",
                folder / "run",
                service,
                random.Random(asked.seed),
                step=max(2, asked.rows // asked.kills),
            )
            found = chaos.go(asked.kills)
        print(table(chaos, found))
    print(*found.wrong[:20], sep="\n")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
