"""Jobs that read: what the cmdlets returned stands in the results, whole and without type notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, lines, value
from tests.e2e.files import table
from tests.e2e.pretend import Pretend, pretend

BOXES = 2300


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant of three pages."""
    with pretend(tmp_path_factory.mktemp("large"), f"--mailboxes {BOXES} --speed 50") as running:
        yield running


def members(value: Any) -> Iterator[str]:
    """The names of all members, at every depth."""
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner)


def test_a_report_holds_the_objects_without_type_notes(tmp_path: Path, large: Pretend) -> None:
    names = [str(box["UserPrincipalName"]) for box in large.everything()[:30]]
    job = table(tmp_path / "job.csv", ["Identity"], [[name] for name in names])
    arguments = ("--cmdlet", "Get-MailboxStatistics", "--out", "out")
    bulkexo("run", job, *arguments, cwd=tmp_path, env=large.env).check(0)
    found = {line["identity"]: line["value"] for line in lines(tmp_path / "out")}
    assert set(found) == set(names)
    assert {len(value) for value in found.values()} == {1}
    assert all(value[0]["TotalItemSize"] for value in found.values())
    assert any("@" in name for name in members(large.get(names[:1], "Get-MailboxStatistics")))
    assert not [name for name in members(list(found.values())) if "@" in name]


@pytest.mark.parametrize("size", ["", "Unlimited"])
def test_a_list_of_many_pages_holds_every_object_once(tmp_path: Path, large: Pretend, size: str) -> None:
    job = table(
        tmp_path / "job.csv", ["Cmdlet", "ResultSize"], [["Get-Mailbox", size], ["Get-Mailbox", size]]
    )
    before = large.stats()["requests"]
    bulkexo("run", job, "--out", "out", cwd=tmp_path, env=large.env).check(0)
    assert large.stats()["requests"] - before > 1
    everybody = sorted(str(box["UserPrincipalName"]) for box in large.everything())
    assert len(everybody) == BOXES
    for line in lines(tmp_path / "out"):
        assert sorted(box["UserPrincipalName"] for box in value(tmp_path / "out", line)) == everybody
        assert line["attempts"] == 1
