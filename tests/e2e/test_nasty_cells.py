"""Cells that loaders spoil, through the whole house: each value arrives byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import bulkexo, document, statuses
from tests.e2e.files import people
from tests.e2e.pretend import Pretend, pretend
from tests.job import nasty

ROWS = 300


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant with a mailbox for each row."""
    with pretend(tmp_path_factory.mktemp("tenant"), f"--mailboxes {ROWS} --speed 50") as running:
        yield running


@pytest.mark.parametrize(("encoding", "delimiter"), nasty.FORMS)
def test_each_value_arrives_byte_for_byte(
    tmp_path: Path, tenant: Pretend, encoding: str, delimiter: str
) -> None:
    job = nasty.write(tmp_path, encoding, delimiter, rows=ROWS, identities=people(tenant))
    tenant.journal()
    arguments = ("run", job.path, "--cmdlet", nasty.CMDLET, "--out", "out")
    bulkexo(*arguments, cwd=tmp_path, env=tenant.env).check(0)
    assert set(statuses(tmp_path / "out")) == set(range(1, ROWS + 1))
    assert document(tmp_path / "out")["state"] == "complete"
    sent = {effect["identity"]: effect["parameters"] for effect in tenant.journal()}
    assert [sent[row["Identity"]] for row in job.expected] == list(job.expected)
    held = tenant.get([row["Identity"] for row in job.expected])
    for row, mailbox in zip(job.expected, held, strict=True):
        assert {name: mailbox[name] for name in row if name != "Identity"} == {
            name: value for name, value in row.items() if name != "Identity"
        }
