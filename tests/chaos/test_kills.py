"""SIGKILL at random moments: nothing lost, nothing done twice (POSIX and Windows alike)."""

from __future__ import annotations

import os
import random
from pathlib import Path

from .killing import Chaos
from .processes import tenant
from .rows import Writer, write

KILLS = 20
ROWS = 600


def test_twenty_kills(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when the test fails
    writer = Writer(ROWS, seed)
    rows = writer.rows()
    write(rows, tmp_path / "job.csv")
    with tenant(tmp_path, writer.mailboxes, "--latency", "0.1,0.5", "--speed", "4") as service:
        chaos = Chaos(
            rows,
            tmp_path / "job.csv",
            tmp_path / "run",
            service,
            random.Random(seed),
            step=ROWS // KILLS // 2,
        )
        found = chaos.go(KILLS)
    print(found, chaos.story.kills, chaos.story.torn, chaos.story.moments, chaos.story.seconds)  # noqa: T201
    assert not found.wrong, "\n".join(found.wrong)
    assert chaos.story.kills == KILLS
