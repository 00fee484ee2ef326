"""`check --online`: what it finds, and that it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, statuses
from tests.e2e.files import document, people, read_back, table
from tests.e2e.pretend import Pretend, pretend


@pytest.fixture(scope="module")
def arrivals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arrivals") / "arrivals.ndjson"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory, arrivals: Path) -> Iterator[Pretend]:
    """A tenant that throttles, fails in passing and in no other way, and notes what comes."""
    faults = arrivals.with_name("faults.yaml")
    faults.write_text("{cut-before: 8, '503': 8, '504': 8, transient: 8}", encoding="utf-8")
    options = f"--mailboxes 300 --speed 50 --allowance 20/s --faults {faults} --arrivals {arrivals}"
    with pretend(tmp_path_factory.mktemp("tenant"), options) as running:
        yield running


@pytest.fixture(scope="module")
def names(tenant: Pretend) -> list[str]:
    return people(tenant)


def came(arrivals: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in arrivals.read_text(encoding="utf-8").splitlines()]


def test_it_finds_what_would_fail_and_sends_no_write(
    tmp_path: Path, tenant: Pretend, arrivals: Path, names: list[str]
) -> None:
    steps = [
        {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "${Who}", "CustomAttribute1": "x"}},
        {
            "cmdlet": "Add-MailboxPermission",
            "parameters": {"Identity": "${Who}", "User": names[0], "AccessRights": "FullAccess"},
        },
        {
            "cmdlet": "New-MailContact",
            "parameters": {"Name": "${New}", "ExternalEmailAddress": "x@y.z", "PrimarySmtpAddress": "${New}"},
        },
        {"cmdlet": "Remove-MailContact", "parameters": {"Identity": "${New}", "Confirm": True}},
        {"cmdlet": "Set-CASMailbox", "parameters": {"Identity": "${Who}", "PopEnabled": False}},
        {"cmdlet": "Disable-InboxRule", "parameters": {"Identity": "1", "Mailbox": "${Who}"}},
    ]
    rows = [{"Who": name, "New": f"new{number}@x.y"} for number, name in enumerate(names[:60])]
    rows += [{"Who": f"gone{number}@x.y", "New": names[number]} for number in range(30)]
    job = document(tmp_path / "job.yaml", {"rows": rows, "steps": steps})
    seen, effects = len(came(arrivals)), len(tenant.journal())
    done = bulkexo("check", job, "--online", "--out", "found", cwd=tmp_path, env=tenant.env).check(2)
    cmdlets = {each["cmdlet"] for each in came(arrivals)[seen:]}
    assert cmdlets == {"Get-Mailbox", "Get-Recipient", "Get-CASMailbox"}
    assert not tenant.journal()
    assert effects == 0
    problems = read_back(tmp_path / "found" / "check.csv")
    assert {each["Where"] for each in problems} == {f"job.yaml, row {row}" for row in range(61, 91)}
    gone = [each for each in problems if "is not in the tenant" in each["Problem"]]
    taken = [each for each in problems if "in the tenant has already" in each["Problem"]]
    assert (len(gone), len(taken)) == (60, 30)  # Get-Mailbox and Get-CASMailbox
    assert f"({len(problems)} problems)" in done.stderr
    assert "… and 70 more." in done.stderr
    assert "row 61: " in done.stderr
    assert "row 90: " not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_sound_job_can_run(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    file = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], [[name, "x"] for name in names[:25]])
    done = bulkexo("check", file, "--cmdlet", "Set-Mailbox", "--online", cwd=tmp_path, env=tenant.env).check(
        0
    )
    assert "asked 25 questions, none of which changes anything" in done.stderr
    assert "can run" in done.stderr


def test_in_the_sandbox(tmp_path: Path) -> None:
    file = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], [["nobody@x.y", "x"]])
    options = ("--online", "--sandbox", "--sandbox-options", "--mailboxes 20 --speed 50")
    done = bulkexo("check", file, "--cmdlet", "Set-Mailbox", *options, cwd=tmp_path).check(2)
    assert "'nobody@x.y', which is not in the tenant" in done.stderr


def test_without_a_way_to_sign_in(tmp_path: Path) -> None:
    file = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], [["nobody@x.y", "x"]])
    done = bulkexo("check", file, "--cmdlet", "Set-Mailbox", "--online", cwd=tmp_path).check(2)
    assert "There is no way to sign in" in done.stderr


def test_a_folder_that_cannot_be(tmp_path: Path, tenant: Pretend) -> None:
    file = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], [["nobody@x.y", "x"]])
    arguments = ("--cmdlet", "Set-Mailbox", "--online", "--out", "job.csv")
    done = bulkexo("check", file, *arguments, cwd=tmp_path, env=tenant.env).check(2)
    assert "cannot be written" in done.stderr


def test_what_it_says_of_synchronized_mailboxes_is_what_a_run_meets(tmp_path: Path) -> None:
    with pretend(tmp_path / "tenant", "--mailboxes 60 --speed 50 --synced 40") as tenant:
        names = people(tenant)
        for column, value in (("CustomAttribute1", "x"), ("AuditEnabled", "false")):
            file = table(tmp_path / f"{column}.csv", ["Identity", column], [[name, value] for name in names])
            arguments = (file, "--cmdlet", "Set-Mailbox", "--out", column)
            told = bulkexo("check", *arguments, "--online", cwd=tmp_path, env=tenant.env)
            problems = read_back(tmp_path / column / "check.csv")
            flagged = {int(each["Where"].rpartition(" ")[2]) for each in problems}
            bulkexo(
                "run", file, "--cmdlet", "Set-Mailbox", "--out", f"{column}-run", cwd=tmp_path, env=tenant.env
            )
            met = statuses(tmp_path / f"{column}-run")
            assert flagged == {row for row, status in met.items() if status == "failed"}
            assert all("is mastered on-premises" in each["Problem"] for each in problems)
            assert told.code == (2 if flagged else 0)
            assert bool(flagged) == (column == "CustomAttribute1")
