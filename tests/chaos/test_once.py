"""Steps that the job calls unsafe to repeat, under kills and lost replies: each is sent once at most."""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from pathlib import Path

from .compare import arrived, item_of, late
from .killing import Chaos
from .processes import Tenant, lines, tenant
from .rows import mailbox

ROWS = 200
KILLS = 10
STATUSES = ("succeeded", "unchanged", "failed", "skipped", "unknown")
JOB = """\
rows: rows.csv
repeat: unsafe
steps:
  - cmdlet: Add-MailboxPermission
    parameters: {Identity: "${Mailbox}", User: "NT AUTHORITY\\\\SYSTEM", AccessRights: ChangeOwner}
  - cmdlet: Remove-MailboxPermission
    parameters: {Identity: "${Mailbox}", User: "NT AUTHORITY\\\\SYSTEM", AccessRights: ChangeOwner}
"""
LOSSES = {
    "cut-before": 20,
    "cut-after": 40,
    "504": 20,
    "missing": 20,
    "500": 20,
    "slow": 5,
    "slow-seconds": 1,
}


def write(folder: Path) -> Path:
    """The job and its rows."""
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["Mailbox"], *([mailbox(number)] for number in range(1, ROWS + 1))])
    (folder / "job.yaml").write_text(JOB, encoding="utf-8")
    return folder / "job.yaml"


def test_sent_once_at_most(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when the test fails
    with tenant(tmp_path, ROWS, "--latency", "0.05", faults=LOSSES) as service:
        chaos = Chaos([], write(tmp_path), tmp_path / "run", service, random.Random(seed), step=15)
        chaos.play(KILLS)
    statuses = ended(tmp_path / "run" / "results.ndjson")
    check(statuses, service)
    assert not late(arrived(service), chaos.story.ended)
    found = Counter(statuses.values())
    print(found)  # noqa: T201
    assert chaos.story.kills == KILLS
    assert found["unknown"] > 0


def ended(results: Path) -> dict[int, str]:
    """Item → status; each has one line."""
    found: dict[int, str] = {}
    for line in lines(results):
        item = line["row"] << 8 | line["step"]
        assert item not in found, line
        found[item] = line["status"]
    assert found.keys() == {row << 8 | step for row in range(1, ROWS + 1) for step in (1, 2)}
    return found


def check(statuses: dict[int, str], service: Tenant) -> None:
    """What every line must be worth."""
    sent = Counter(arrived(service))
    effects = Counter(item_of(line["client_request_id"]) for line in lines(service.journal))
    for item, status in statuses.items():
        first = statuses[item & ~0xFF | 1]
        case = (item >> 8, item & 0xFF, status, sent[item], effects[item])
        assert status in STATUSES, case
        assert sent[item] <= 1, case
        assert effects[item] == 1 if status in ("succeeded", "unchanged") else effects[item] <= 1, case
        assert not effects[item] or status in ("succeeded", "unchanged", "unknown"), case
        if item & 0xFF == 2:
            assert (status == "skipped") == (first not in ("succeeded", "unchanged")), case
