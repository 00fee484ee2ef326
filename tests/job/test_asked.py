"""Rows that are asked of the tenant: what a job says of them, and how they are read once they are there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bulkexo.job import Job, load
from bulkexo.model import Item, JobError
from tests.job.helpers import refused, save

SHARED = "cmdlet: get-mailbox, parameters: {RecipientTypeDetails: SharedMailbox}"
SELECTED = f"{{{SHARED}, select: [UserPrincipalName, Alias]}}"
SET = "cmdlet: Set-Mailbox\nparameters: {Identity: '${userprincipalname}', Notes: '${Alias}'}\n"


def job(folder: Path, rows: str = SELECTED, rest: str = SET) -> Path:
    return save(folder, f"rows: {rows}\n{rest}", "job.yaml")


def answered(path: Path, *answers: Sequence[Any]) -> Job:
    """The job, once its questions have these answers."""
    asking = load(path)
    asking.check()
    assert len(asking.questions) == len(answers)
    for question, objects in zip(asking.questions, answers, strict=True):
        text = "".join(json.dumps(each) + "\n" for each in objects)
        save(path.parent, text, question.name)
    found = asking.answered(path.parent)
    assert found.questions == []
    return found


def items(path: Path, *answers: Sequence[Any]) -> list[Item]:
    found = answered(path, *answers)
    found.check()
    return list(found.items())


def test_a_question_is_an_item_of_its_own(tmp_path: Path) -> None:
    asking = load(job(tmp_path))
    checked = asking.check()
    assert (checked.rows, checked.items, asking.columns) == (0, 0, ("UserPrincipalName", "Alias"))
    (question,) = asking.questions
    item = question.item
    assert (question.name, item.tenant, item.row) == ("rows.ndjson", "", 1)
    assert (item.cmdlet, item.select) == ("Get-Mailbox", ("UserPrincipalName", "Alias"))
    assert item.parameters == {"RecipientTypeDetails": "SharedMailbox"}
    described = asking.describe()["rows"]
    assert described["asked"]["cmdlet"] == "Get-Mailbox"
    assert described["sha256"] is None


def test_every_object_is_a_row(tmp_path: Path) -> None:
    found = items(
        job(tmp_path), [{"Alias": "ada", "UserPrincipalName": "ada@b.c"}, {"userprincipalname": "bob@b.c"}]
    )
    assert [(item.row, item.identity, dict(item.parameters)) for item in found] == [
        (1, "ada@b.c", {"Identity": "ada@b.c", "Notes": "ada"}),
        (2, "bob@b.c", {"Identity": "bob@b.c"}),  # a member that is missing leaves the parameter out
    ]
    assert found[0].cells == {"UserPrincipalName": "ada@b.c", "Alias": "ada"}


def test_values_keep_their_type(tmp_path: Path) -> None:
    given = "{Identity: '${Id}', EmailAddresses: '${Addresses}', Notes: 'x${Count}'}"
    rest = f"cmdlet: Set-Mailbox\nparameters: {given}\n"
    rows = "{cmdlet: Get-Mailbox, select: 'Id, Addresses, Count'}"
    objects = [
        {"Id": "a", "Addresses": ["smtp:a@b.c", "x"], "Count": 7},
        {"Id": "b", "Addresses": None, "Count": 0},
    ]
    first, second = items(job(tmp_path, rows, rest), objects)
    assert first.parameters == {"Identity": "a", "EmailAddresses": ["smtp:a@b.c", "x"], "Notes": "x7"}
    assert second.parameters == {"Identity": "b", "Notes": "x0"}  # null is an empty cell


def test_without_select_the_first_object_says_what_the_columns_are(tmp_path: Path) -> None:
    path = job(tmp_path, "{cmdlet: Get-Mailbox}")
    load(path).check()  # nobody knows yet
    objects = [{"UserPrincipalName": "a@b.c", "Alias": "a"}, {"UserPrincipalName": "b@b.c", "Later": 1}]
    found = answered(path, objects)
    assert found.columns == ("UserPrincipalName", "Alias")
    assert found.check().rows == 2
    with pytest.raises(JobError, match="no column 'Alias'"):
        answered(path, [{"UserPrincipalName": "a@b.c"}])


def test_selected_columns_are_parameters(tmp_path: Path) -> None:
    rows = "{cmdlet: Get-Mailbox, select: [Identity, Office]}"
    (item,) = items(job(tmp_path, rows, "cmdlet: Set-User\n"), [{"Identity": "ada", "Office": "12"}])
    assert item.parameters == {"Identity": "ada", "Office": "12"}


def test_what_is_no_object_is_the_column_value(tmp_path: Path) -> None:
    rest = "cmdlet: Set-User\nparameters: {Identity: '${Value}'}\n"
    assert [item.identity for item in items(job(tmp_path, "{cmdlet: Get-Mailbox}", rest), ["ada"])] == ["ada"]


def test_the_whole_answer_is_checked(tmp_path: Path) -> None:
    found = answered(job(tmp_path), [{"UserPrincipalName": "a@b.c"}, {"UserPrincipalName": None}, {}])
    with pytest.raises(JobError) as caught:
        found.check()
    assert [problem.where for problem in caught.value.problems] == [
        "rows.ndjson, line 2",
        "rows.ndjson, line 3",
    ]


def test_an_answer_that_changes_is_noticed(tmp_path: Path) -> None:
    found = answered(job(tmp_path), [{"UserPrincipalName": "a@b.c"}])
    found.check()
    (tmp_path / "rows.ndjson").write_text('{"UserPrincipalName": "evil@b.c"}\n')
    with pytest.raises(JobError, match="has changed"):
        list(found.items())


def test_run_json_tells_the_question_and_the_checksum_of_the_answer(tmp_path: Path) -> None:
    found = answered(job(tmp_path), [{"UserPrincipalName": "a@b.c"}])
    found.check()
    described = found.describe()
    assert described["rows"]["path"] == "rows.ndjson"  # the folder may be moved
    assert len(described["rows"]["sha256"]) == 64
    assert list(described["inputs"]) == [str(tmp_path / "job.yaml")]


def test_each_tenant_of_a_list_is_asked(tmp_path: Path) -> None:
    one, two = "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"
    path = job(tmp_path, SELECTED, SET + f"tenants: [{one}, {two}]\n")
    asking = load(path)
    assert list(asking.check().tenants) == [one, two]
    assert [(each.name, each.item.row, each.item.tenant) for each in asking.questions] == [
        ("rows.ndjson", 1, one),
        ("rows-2.ndjson", 2, two),
    ]
    found = items(
        path,
        [{"UserPrincipalName": "a@b.c"}],
        [{"UserPrincipalName": "b@b.c"}, {"UserPrincipalName": "c@b.c"}],
    )
    assert [(item.row, item.tenant, item.identity) for item in found] == [
        (1, one, "a@b.c"),
        (2, two, "b@b.c"),
        (3, two, "c@b.c"),
    ]


@pytest.mark.parametrize(
    ("rows", "rest", "where", "what"),
    [
        ("{cmdlet: Set-Mailbox}", SET, 1, "Set-Mailbox does not only read"),
        ("{cmdlet: Test-Message}", SET, 1, "Test-Message does not only read"),
        ("{parameters: {}}", SET, 1, "No cmdlet is named here."),
        ("{cmdlet: Get-Mailbox, paramters: {}}", SET, 1, "A question for rows has no key 'paramters'."),
        ("{cmdlet: Get-Mailbox, select: ['a b']}", SET, 1, "cannot be the name of a property"),
        ("{cmdlet: Get-Mailbox, parameters: {Identity: '${X}'}}", SET, 1, "names a column"),
        ("{cmdlet: Get-Mailbox, parameters: {Archive: perhaps}}", SET, 1, "perhaps"),
        ("{cmdlet: Get-Mailbox, select: Alias}", SET, 3, "no column 'userprincipalname'"),
        ("{cmdlet: Get-Mailbox}", "cmdlet: Set-Mailbox\n", 2, "Every member of every object"),
        ("{cmdlet: Get-Mailbox}", "rate: 5\n", 1, "The job names no cmdlet."),
        (SELECTED, SET + "tenants: [nowhere!]\n", 4, "names no tenant"),
        (SELECTED, SET + "columns: {Alias: {secret: true}}\n", 3, "kept in a file"),
        (SELECTED, SET.replace("${Alias}", "x") + "columns: {Alias: {secret: true}}\n", None, "kept in"),
        (SELECTED, SET.replace("Notes", "Password"), 3, "kept in a file"),
        (SELECTED, SET + "tenants: {column: Alias}\n", 4, "are that tenant's"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_asked(
    tmp_path: Path, rows: str, rest: str, where: int | None, what: str
) -> None:
    problems = refused(job(tmp_path, rows, rest), None, options=("rate",))
    assert problems[0].where == (f"job.yaml, line {where}" if where else "job.yaml")
    assert any(what in problem.what for problem in problems)
