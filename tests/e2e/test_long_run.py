"""Runs that outlive their tokens, and the secret with which they were begun."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from pathlib import Path

from tests.e2e.command import bulkexo, document, ended, lines, start, statuses, until
from tests.e2e.files import table
from tests.e2e.pretend import Pretend, pretend

SET = ("--cmdlet", "Set-Mailbox", "--out", "out", "--concurrency", "2", "--batch-size", "5")
SPEED = 5400
HOURS = 30


def job(folder: Path, names: list[str], rows: int) -> Path:
    """Rows of their own value each, over the mailboxes in turn."""
    given = [[names[row % len(names)], f"value {row}"] for row in range(rows)]
    return table(folder / "job.csv", ["Identity", "CustomAttribute2"], given)


def everybody(tenant: Pretend) -> list[str]:
    """The mailboxes."""
    return [str(mailbox["UserPrincipalName"]) for mailbox in tenant.everything()]


def once_each(tenant: Pretend, rows: int) -> None:
    """Every row took effect, and none of them twice."""
    effects = Counter(str(effect["parameters"].get("CustomAttribute2")) for effect in tenant.journal())
    assert effects == Counter(f"value {row}" for row in range(rows))


def have_ended(folder: Path, rows: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many rows of the run have."""
    path = folder / "out" / "results.ndjson"
    until(lambda: path.exists() and path.read_bytes().count(b"\n") >= rows, process)


def test_thirty_hours_twenty_expiries_and_a_claims_challenge(tmp_path: Path) -> None:
    """A token lives a second, which are 90 minutes here, and is refused after it."""
    seconds = HOURS * 3600 / SPEED
    rows = round(seconds * 50)
    with pretend(tmp_path / "tenant", f"--mailboxes 200 --speed {SPEED} --token-lifetime 1") as tenant:
        file, old = job(tmp_path, everybody(tenant), rows), tenant.token()
        before, began = tenant.stats()["tokens_by_client_secret"], time.monotonic()
        process = start("run", file, *SET, "--rate", "48", cwd=tmp_path, env=tenant.env)
        have_ended(tmp_path, rows // 2, process)
        tenant.steer("tokens/revoke")
        ended(process).check(0)
        assert time.monotonic() - began > seconds
        assert statuses(tmp_path / "out") == dict.fromkeys(range(1, rows + 1), "succeeded")
        assert {line["attempts"] for line in lines(tmp_path / "out")} == {1}
        once_each(tenant, rows)
        stats = tenant.stats()
        assert stats["tokens_by_client_secret"] - before >= 20
        assert stats["unauthorized"] >= 1  # the challenge
        assert tenant.lets_in(old) == 401  # what has ended is refused


def test_a_secret_that_is_revoked_stops_the_run_which_goes_on_with_a_good_one(tmp_path: Path) -> None:
    """What could be done with the old token is done; nothing is done twice."""
    rows = 300
    with pretend(tmp_path / "tenant", "--mailboxes 200 --speed 50 --token-lifetime 1") as tenant:
        file = job(tmp_path, everybody(tenant), rows)
        process = start("run", file, *SET, "--rate", "20", cwd=tmp_path, env=tenant.env)
        have_ended(tmp_path, 20, process)
        tenant.steer("credentials", secret="expired")
        done = ended(process).check(4)
        assert "AADSTS7000222" in done.stderr
        assert "create a new one for the app" in done.stderr
        assert "bulkexo resume out" in done.stderr
        assert tenant.said["client_secret"] not in done.stderr
        stopped = document(tmp_path / "out")
        assert stopped["state"] == "stopped"
        assert 20 <= stopped["counts"]["ended"] < rows
        bulkexo("resume", "out", cwd=tmp_path, env=tenant.env).check(4)
        assert document(tmp_path / "out")["counts"]["ended"] == stopped["counts"]["ended"]
        tenant.steer("credentials", secret="valid")
        bulkexo("resume", "out", "--rate", "1000", cwd=tmp_path, env=tenant.env).check(0)
        assert statuses(tmp_path / "out") == dict.fromkeys(range(1, rows + 1), "succeeded")
        once_each(tenant, rows)
