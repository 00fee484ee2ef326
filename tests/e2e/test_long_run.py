"""Runs that outlive their tokens, and the secret with which they were begun."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from tests.e2e.command import bulkexo, document, lines, statuses
from tests.e2e.files import table
from tests.e2e.pretend import Pretend, pretend

SET = ("--cmdlet", "Set-Mailbox", "--out", "out", "--concurrency", "2", "--batch-size", "5")
SPEED = 5400
HOURS = 30
ADA = "ada@contoso.onmicrosoft.com"


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


def test_thirty_hours_twenty_expiries_and_a_claims_challenge(tmp_path: Path) -> None:
    """A token lives a second, which are 90 minutes here, and is refused after it."""
    seconds = HOURS * 3600 / SPEED
    options = f"--mailboxes 200 --speed {SPEED} --token-lifetime 1 --claims-challenge-after {seconds / 2}"
    rows = round(seconds * 50)
    with pretend(tmp_path / "tenant", options) as tenant:
        file, began, old = job(tmp_path, everybody(tenant), rows), time.monotonic(), tenant.token()
        bulkexo("run", file, *SET, "--rate", "48", cwd=tmp_path, env=tenant.env).check(0)
        assert time.monotonic() - began > seconds
        assert statuses(tmp_path / "out") == dict.fromkeys(range(1, rows + 1), "succeeded")
        assert {line["attempts"] for line in lines(tmp_path / "out")} == {1}
        once_each(tenant, rows)
        stats = tenant.stats()
        assert stats["tokens_by_client_secret"] >= 20
        assert stats["unauthorized"] >= 1  # the challenge
        assert tenant.lets_in(old) == 401  # what has ended is refused


def test_a_secret_that_is_revoked_stops_the_run_and_another_identity_ends_it(tmp_path: Path) -> None:
    """What ended while the old token served has ended; then somebody resumes it as themselves."""
    options = "--mailboxes 100 --speed 50 --token-lifetime 1 --credentials-revoked-after 4"
    people = f"--device-interval 1 --approve-devices {ADA}"
    rows = 500
    with pretend(tmp_path / "tenant", f"{options} {people}") as tenant:
        file = job(tmp_path, everybody(tenant), rows)
        env = {**tenant.env, "XDG_DATA_HOME": str(tmp_path / "home"), "HOME": str(tmp_path / "home")}
        done = bulkexo("run", file, *SET, "--rate", "40", cwd=tmp_path, env=env).check(4)
        assert "AADSTS7000215" in done.stderr
        assert "bulkexo resume out" in done.stderr
        assert tenant.said["client_secret"] not in done.stderr
        stopped = document(tmp_path / "out")
        assert stopped["state"] == "stopped"
        assert 0 < stopped["counts"]["ended"] < rows
        bulkexo("resume", "out", cwd=tmp_path, env=env).check(4)
        env["BULKEXO_CLIENT_ID"] = ""
        bulkexo("login", "--device-code", "--insecure-cache", cwd=tmp_path, env=env).check(0)
        more = ("--auth", "device-code", "--client-id", tenant.said["public_client_id"], "--rate", "1000")
        bulkexo("resume", "out", *more, cwd=tmp_path, env=env).check(0)
        assert statuses(tmp_path / "out") == dict.fromkeys(range(1, rows + 1), "succeeded")
        once_each(tenant, rows)
