"""How well bulkexo paces itself: simulated tenants on a virtual clock, against what others do.

    python benchmarks/pace.py                      every tenant, 5 seeds, half a minute
    python benchmarks/pace.py --seeds 100          the targets, ten minutes; --jobs 2 halves them
    python benchmarks/pace.py --first-seed 100     other seeds than the rule was made with
    python benchmarks/pace.py --all                with the control laws that were not kept
    python benchmarks/pace.py --svg FILE           rate against allowance over time

Prints the worst over the seeds. Steady state is everything after the first 30 s. Jobs are of ten minutes at
the allowance. The exit code is 1 if bulkexo missed a target, with any tenant.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pacing.compare import MODULE, ORACLE, PACER, WORKERS, Row, rows, trace
from pacing.picture import picture
from pacing.rivals import LAWS
from pacing.tenants import tenants

SHOWN = ("40/s, halved, doubled", "400/s, large burst", "80/s, half of it another's", "server time")
HEAD = (
    "| tenant | client | goodput ÷ allowance | refused ÷ sent | settles in | regains in (of what is granted) "
    "| largest swing | total ÷ oracle's | later than (a), (b) at all | missed in seeds |"
)


def line(row: Row) -> str:
    """A row of the table, in Markdown."""
    regain = "" if row.regain is None else f"{row.regain:.2f}"
    cells = (
        row.tenant.name,
        row.client,
        f"{row.goodput:.3f}",
        f"{row.refused:.2%}",
        f"{row.settle:.0f} s",
        regain,
        f"{row.swing:.0%}",
        f"{row.share:.3f}",
        f"{row.at_all}",
        ", ".join(f"{name} {count}" for name, count in row.missed.items() if count),
    )
    return "| " + " | ".join(cells) + " |"


def main(arguments: list[str]) -> int:
    """Print the table; draw the picture if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="runs of each client against each tenant")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes to share the runs among")
    parser.add_argument("--tenant", default="", help="only tenants whose name contains this")
    parser.add_argument("--all", action="store_true", help="all clients, not bulkexo alone")
    parser.add_argument("--svg", type=Path, help="draw bulkexo's rate against the allowance here, no table")
    options = parser.parse_args(arguments)
    if options.svg:
        shown = [t for t in tenants() if t.name.startswith(SHOWN)]
        options.svg.write_text(picture([(t, trace(t, PACER, 1)) for t in shown]), encoding="utf-8")
        return 0
    clients = [PACER, *LAWS, MODULE, WORKERS, ORACLE] if options.all else [PACER]
    print(HEAD)
    print("|---" * HEAD.count(" |") + "|")
    missed = further = False
    chosen = [tenant for tenant in tenants() if options.tenant in tenant.name]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for row in rows(chosen, clients, seeds, options.jobs):
        if row.tenant.further and not further:
            print("| **further tenants** |" + " |" * (HEAD.count(" |") - 1))
            further = True
        print(line(row), flush=True)
        missed |= row.client == PACER and any(row.missed.values())
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
