"""What no cmdlet takes back needs somebody who says that it is meant."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import pytest

from tests.e2e.command import bulkexo, ended, start
from tests.e2e.files import document, table
from tests.e2e.pretend import Pretend

LOST = (
    "2 × Remove-Mailbox: it deletes the mailbox, which can be restored for 30 days; "
    "no cmdlet takes that back."
)


def job(folder: Path, names: list[str]) -> Path:
    rows = [
        ["Remove-Mailbox", names[0], ""],
        ["Remove-Mailbox", names[1], ""],
        ["Set-Mailbox", names[2], "x"],
    ]
    return table(folder / "job.csv", ["Cmdlet", "Identity", "CustomAttribute1"], rows)


def test_without_a_terminal_nothing_is_sent_unless_it_is_said(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    file = job(tmp_path, names)
    tenant.journal()
    refused = bulkexo("run", file, "--out", "out", cwd=tmp_path, env=tenant.env).check(2)
    assert refused.stderr == f"{LOST} Nobody is there to answer for it: give --yes if it is meant.\n"
    assert not (tmp_path / "out").exists()
    noted = bulkexo("check", file, cwd=tmp_path, env=tenant.env).check(0)
    assert f"Note: {LOST} `run` asks first, and needs --yes where nobody can answer." in noted.stderr
    assert not tenant.journal()
    bulkexo("run", file, "--out", "out", "--yes", cwd=tmp_path, env=tenant.env).check(0)
    assert len(tenant.journal()) == 3


def test_in_the_sandbox_nobody_has_to_answer(tmp_path: Path) -> None:
    rows = [["Remove-Mailbox", "nobody@contoso.com", ""]]
    file = table(tmp_path / "job.csv", ["Cmdlet", "Identity", "CustomAttribute1"], rows)
    options = ("--sandbox", "--sandbox-options", "--mailboxes 5 --speed 50")
    bulkexo("run", file, "--out", "out", *options, cwd=tmp_path).check(1)


def test_rows_that_were_asked_for_leave_no_run_behind(tmp_path: Path, tenant: Pretend) -> None:
    file = document(
        tmp_path / "job.yaml",
        {
            "rows": {"cmdlet": "Get-Mailbox", "parameters": {"RecipientTypeDetails": "RoomMailbox"},
                     "select": ["UserPrincipalName"]},
            "cmdlet": "Remove-Mailbox",
            "parameters": {"Identity": "${UserPrincipalName}"},
        },
    )  # fmt: skip
    refused = bulkexo("run", file, "--out", "out", cwd=tmp_path, env=tenant.env).check(2)
    assert "give --yes if it is meant." in refused.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
def test_a_person_is_told_what_is_lost_and_asked(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    tenant.journal()
    ours, theirs = os.openpty()
    arguments = ("run", job(tmp_path, names[10:]), "--out", "out", "--no-progress")
    process = start(*arguments, cwd=tmp_path, env=tenant.env, stdin=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while b"Go on?" not in said:
        said += os.read(ours, 1000)
    assert LOST in said.decode()
    os.write(ours, b"n\n")
    with contextlib.suppress(OSError):  # what Linux says at the end
        while os.read(ours, 1000):
            pass
    os.close(ours)
    assert ended(process).code == 2
    assert not tenant.journal()
