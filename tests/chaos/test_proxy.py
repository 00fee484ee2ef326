"""A mixed job through a relay that cuts, delays and truncates connections at chosen bytes."""

from __future__ import annotations

import os
import random
from pathlib import Path

from .killing import Chaos
from .processes import tenant
from .proxy import proxy
from .rows import Writer, write

ROWS = 300
KILLS = 5


def test_through_a_bad_line(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when the test fails
    writer = Writer(ROWS, seed)
    rows = writer.rows()
    write(rows, tmp_path / "job.csv")
    with tenant(tmp_path, writer.mailboxes, "--latency", "0.02", faults={}) as service:
        port = int(service.endpoint.rpartition(":")[2])
        with proxy(port, seed) as relay:
            chaos = Chaos(
                rows,
                tmp_path / "job.csv",
                tmp_path / "run",
                service,
                random.Random(seed),
                step=20,
                endpoint=f"https://localhost:{relay.port}",
            )
            found = chaos.go(KILLS)
    print(found, relay.plans, chaos.story.seconds)  # noqa: T201
    assert not found.wrong, "\n".join(found.wrong)
    assert relay.plans["cut"] > 3
    assert chaos.story.kills == KILLS
