"""Cells that loaders spoil, through the whole house: each value arrives byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Ended, document, ended, start, statuses
from tests.e2e.files import people
from tests.e2e.pretend import pretend
from tests.job import nasty

ROWS = 300


@dataclass(frozen=True)
class Sent:
    """A file that was run. arrived: identity → parameters, as the service had them; held: its mailboxes."""

    job: nasty.Nasty
    done: Ended
    run: Path
    arrived: dict[str, dict[str, str]]
    held: list[dict[str, Any]]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Sent]:
    """Every form of the file, run at the same time, each on mailboxes of its own."""
    folder = tmp_path_factory.mktemp("nasty")
    with pretend(folder, f"--mailboxes {ROWS * len(nasty.FORMS)} --speed 50") as tenant:
        names = people(tenant)
        started = {}
        for number, form in enumerate(nasty.FORMS):
            own = names[number * ROWS :][:ROWS]
            job = nasty.write(folder, *form, rows=ROWS, identities=own)
            arguments = ("run", job.path, "--cmdlet", nasty.CMDLET, "--out", f"out{number}")
            started[form] = job, own, start(*arguments, cwd=folder, env=tenant.env)
        ends = {form: ended(process) for form, (_, _, process) in started.items()}
        arrived = {effect["identity"]: effect["parameters"] for effect in tenant.journal()}
        return {
            form: Sent(job, ends[form], folder / f"out{number}", arrived, tenant.get(own))
            for number, (form, (job, own, _)) in enumerate(started.items())
        }


@pytest.mark.parametrize("form", nasty.FORMS, ids=str)
def test_each_value_arrives_byte_for_byte(sent: dict[tuple[str, str], Sent], form: tuple[str, str]) -> None:
    this = sent[form]
    this.done.check(0)
    assert set(statuses(this.run)) == set(range(1, ROWS + 1))
    assert document(this.run)["state"] == "complete"
    assert len(this.job.expected) == ROWS
    for row, mailbox in zip(this.job.expected, this.held, strict=True):
        assert this.arrived[row["Identity"]] == row
        assert mailbox["UserPrincipalName"] == row["Identity"]
        assert {**mailbox, **row} == {**mailbox, "Identity": row["Identity"]}
