"""`select`: which properties of what a cmdlet returns are wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkexo.job import load
from tests.job.helpers import read, refused, save


def job(folder: Path, text: str) -> Path:
    return save(folder, f"rows: [{{Identity: ada}}]\n{text}", "job.yaml")


@pytest.mark.parametrize(
    "select", ["[Alias, Office]", "Alias, Office", "Alias,Office,", "[Alias, 'Office,alias']"]
)
def test_a_list_or_a_text(tmp_path: Path, select: str) -> None:
    (item,) = read(job(tmp_path, f"cmdlet: Get-Mailbox\nselect: {select}\n"))
    assert item.select == ("Alias", "Office")
    (step,) = load(tmp_path / "job.yaml").describe()["steps"]
    assert step["select"] == ["Alias", "Office"]


def test_each_step_has_its_own(tmp_path: Path) -> None:
    text = "steps:\n  - {cmdlet: Get-Mailbox, select: Alias}\n  - {cmdlet: Get-User}\n"
    assert [item.select for item in read(job(tmp_path, text))] == [("Alias",), ()]
    assert "select" not in load(tmp_path / "job.yaml").describe()["steps"][1]


def test_the_command_line_selects_for_a_csv(tmp_path: Path) -> None:
    path = save(tmp_path, "Identity\nada\n")
    assert [item.select for item in read(path, "Get-Mailbox", select="Alias,Office")] == [("Alias", "Office")]
    path = save(tmp_path, "Cmdlet,Identity\nGet-User,ada\nGet-Mailbox,ada\n")
    assert [item.select for item in read(path, select="Alias")] == [("Alias",)] * 2


def test_the_command_line_comes_first(tmp_path: Path) -> None:
    path = job(tmp_path, "cmdlet: Get-Mailbox\nselect: [Alias]\n")
    assert [item.select for item in read(path, select="Office")] == [("Office",)]


@pytest.mark.parametrize("name", ["A&B", "Ä", "$top=1", "a b", "x" * 201])
def test_what_cannot_be_a_property_is_told(tmp_path: Path, name: str) -> None:
    (problem,) = refused(job(tmp_path, f"cmdlet: Get-Mailbox\nselect: ['{name}']\n"), None)
    assert problem.where == "job.yaml, line 3"
    assert "name of a property" in problem.what


def test_steps_say_it_themselves(tmp_path: Path) -> None:
    path = job(tmp_path, "select: Alias\nsteps: [{cmdlet: Get-Mailbox}]\n")
    (problem,) = refused(path, None)
    assert "both steps: and select:" in problem.what
