"""NDJSON jobs: a cmdlet a line, values as they are in JSON, and the lines of a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bulkexo.job import load
from bulkexo.model import JobError, Planned, Repeat
from tests.job.helpers import read, refused, save


def lines(folder: Path, *objects: Any, name: str = "job.ndjson") -> Path:
    """A file of these objects, one a line."""
    return save(folder, "".join(json.dumps(each) + "\n" for each in objects), name)


def line(
    cmdlet: str = "Set-Mailbox", more: dict[str, Any] | None = None, **parameters: Any
) -> dict[str, Any]:
    return {"cmdlet": cmdlet, "parameters": parameters, **(more or {})}


def test_each_line_is_an_item(tmp_path: Path) -> None:
    path = lines(
        tmp_path,
        line(identity="ada@contoso.com", Office="Room 1"),
        line("add-mailboxpermission", Identity="bob", User="ada", AccessRights=["FullAccess"]),
        line("Set-CASMailbox", Identity="carl", PopEnabled=False),
    )
    first, second, third = read(path)
    assert (first.row, first.step, first.cmdlet, first.identity) == (1, 1, "Set-Mailbox", "ada@contoso.com")
    assert first.parameters == {"Identity": "ada@contoso.com", "Office": "Room 1"}
    assert (second.row, second.cmdlet) == (2, "Add-MailboxPermission")
    assert second.parameters == {"Identity": "bob", "User": "ada", "AccessRights": ["FullAccess"]}
    assert third.parameters == {"Identity": "carl", "PopEnabled": False}
    assert [item.cells["Office"] for item in (first, second, third)] == ["Room 1", "", ""]


@pytest.mark.parametrize(
    "value", ["", "$null", "@{Add='a'}", "[1]", "00123", None, ["a", ""], {"Add": ["x"]}, 7]
)
def test_values_are_what_they_are(tmp_path: Path, value: Any) -> None:
    (item,) = read(lines(tmp_path, line(Identity="ada", CustomAttribute1=value)))
    assert item.parameters["CustomAttribute1"] == value


def test_further_keys(tmp_path: Path) -> None:
    more = {"repeat": "safe", "select": ["Name"], "secret": ["Office"]}
    path = lines(tmp_path, line(more=more, Identity="ada", Office="geheim"), line(Identity="bob", Office="x"))
    first, second = read(path)
    assert (first.repeat, first.select) == (Repeat.SAFE, ("Name",))
    assert (second.repeat, second.select) == (None, ())
    assert first.secrets == second.secrets == {"Office"}
    assert load(path).secret_columns == {"Office"}


def test_steps_of_a_row_follow_one_another(tmp_path: Path) -> None:
    rows = [
        line(more={"row": row, "step": step}, Identity=f"u{row}", Office=str(step))
        for row in (7, 9)
        for step in (1, 2)
    ]
    path = lines(tmp_path, *rows)
    assert [(item.row, item.step) for item in read(path)] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert load(path).steps == 2
    assert load(path).check().rows == 2


@pytest.mark.parametrize("left_out", range(4))
def test_half_a_row_is_refused(tmp_path: Path, left_out: int) -> None:
    rows = [line(more={"row": row, "step": step}, Identity=f"u{row}") for row in (7, 9) for step in (1, 2)]
    del rows[left_out]
    assert any("all steps of a row" in each.remedy.lower() for each in refused(lines(tmp_path, *rows), None))


def test_tenants_of_lines(tmp_path: Path) -> None:
    path = lines(
        tmp_path,
        line(more={"tenant": "contoso.onmicrosoft.com"}, Identity="ada"),
        line(more={"tenant": "fabrikam.onmicrosoft.com"}, Identity="bob", Office="2"),
        line(more={"tenant": "contoso.onmicrosoft.com", "row": 3, "step": 1}, Identity="carl"),
    )
    job = load(path)
    assert job.check().tenants == {"contoso.onmicrosoft.com": 2, "fabrikam.onmicrosoft.com": 1}
    with job.apart() as items_of:
        assert [(i.row, i.identity) for i in items_of("contoso.onmicrosoft.com")] == [(1, "ada"), (3, "carl")]
        assert [dict(i.parameters) for i in items_of("fabrikam.onmicrosoft.com")] == [
            {"Identity": "bob", "Office": "2"}
        ]


def test_a_plan_is_known_by_its_lines(tmp_path: Path) -> None:
    said = {
        "change": "change",
        "before": {"Office": "old"},
        "after": {"Office": "new"},
        "key": "x",
        "identity": "ada",
    }
    path = lines(tmp_path, line(more=said, Identity="ada", Office="new"))
    (item,) = read(path)
    assert item.planned == Planned("change", {"Office": "old"})
    assert load(path).planned
    with_set = load_problem(path, "Office=other")
    assert "run as it was made" in with_set


def load_problem(path: Path, text: str) -> str:
    return str(refused(path, None, [text])[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2]\n", "no JSON object"),
        ("{\n", "no JSON object"),
        ('{"parameters": {"Identity": "a"}}\n', "no cmdlet"),
        ('{"cmdlet": 7}\n', "no cmdlet"),
        ('{"cmdlet": "Set-Mailbox", "parameters": []}\n', "no parameters"),
        ('{"cmdlet": "Set-Mailbox", "paramters": {"Identity": "a"}}\n', "no key 'paramters'"),
        ('{"cmdlet": "Set-Mailbox", "parameters": {"Identity": "a", "identity": "b"}}\n', "given twice"),
        (
            '{"cmdlet": "Set-Mailbox", "parameters": {"Identity": "a", "Password": "<secret>"}}\n',
            "cannot be run",
        ),
        (
            '{"cmdlet": "Set-Mailbox", "parameters": {"Identity": "a"}, "only_in_job": "It waits."}\n',
            "It waits.",
        ),
        ('{"cmdlet": "Set-Mailbox", "parameters": {"Identity": "a"}, "repeat": "often"}\n', "neither safe"),
        ('{"cmdlet": "Set-Mailbox", "parameters": {"Identity": "a"}, "api": "v3"}\n', "no such interface"),
        ('{"cmdlet": "Set-Mailbox", "parameters": {"Office": "a"}}\n', "needs an Identity"),
        ("", "no rows"),
        ("\n\n", "no rows"),
    ],
)
def test_lines_that_cannot_be_run(tmp_path: Path, text: str, words: str) -> None:
    assert any(words in str(problem) for problem in refused(save(tmp_path, text, "job.ndjson"), None))


def test_every_bad_line_is_told_with_its_number(tmp_path: Path) -> None:
    good = json.dumps(line(Identity="ada")) + "\n"
    found = refused(save(tmp_path, good + "no\n" + good + "{}x\n", "job.ndjson"), None)
    assert [problem.where for problem in found] == ["job.ndjson, line 2", "job.ndjson, line 4"]


def test_a_cmdlet_on_the_command_line_has_no_place(tmp_path: Path) -> None:
    assert "Leave out --cmdlet" in str(refused(lines(tmp_path, line(Identity="ada")), "Get-Mailbox")[0])


def test_waves_and_window_of_the_job_stand_beside_a_plan(tmp_path: Path) -> None:
    content = """
rows: [{Who: a}, {Who: b}, {Who: c}]
waves: [1, 40%, rest]
gate: {failures: 2%, pause: 10m, approve: true}
window: {from: "20:00", to: "06:00", tz: Europe/Zurich, days: mon-fri}
cmdlet: Set-Mailbox
parameters: {Identity: "${Who}", Office: x}
"""
    job = load(save(tmp_path, content, "job.yaml"))
    said = {"change": "change", "before": {"Office": ""}}
    plan = lines(tmp_path, *(line(more=said, Identity=who, Office="x") for who in "abc"), name="plan.ndjson")
    alone = load(plan)
    assert "plan.json is not beside" in alone.check().warnings[0]
    assert alone.course.waves == ()
    made = save(tmp_path, json.dumps({"course": job.course.written(), "options": {}}), "plan.json")
    beside = load(plan)
    assert beside.check().warnings == ()
    assert beside.course == job.course
    assert len(list(beside.items())) == 3
    assert beside.inputs.keys() == {plan, made}
    save(tmp_path, "{}", "plan.json")
    with pytest.raises(JobError):
        list(beside.items())


class TestRows:
    """`rows:` of a YAML job that names a file of objects."""

    def rows(
        self, tmp_path: Path, lines: str, parameters: str = "{Identity: '${Name}', Office: '${Office}'}"
    ) -> Any:
        save(tmp_path, lines, "people.ndjson")
        text = f"cmdlet: Set-Mailbox\nrows: people.ndjson\nparameters: {parameters}\n"
        return save(tmp_path, text, "job.yaml")

    def test_their_members_are_the_cells(self, tmp_path: Path) -> None:
        lines = '{"Name":"ada","Office":"1"}\n\n{"name":"bob","Office":null}\n{"Name":"eve","Extra":[1]}\n'
        items = read(self.rows(tmp_path, lines))
        assert [dict(item.parameters) for item in items] == [
            {"Identity": "ada", "Office": "1"},
            {"Identity": "bob"},
            {"Identity": "eve"},
        ]
        assert dict(items[2].cells) == {"Name": "eve", "Office": "", "Extra": [1]}

    def test_values_keep_their_types(self, tmp_path: Path) -> None:
        lines = '{"Name":"ada","On":true,"Add":{"Add":["smtp:a@contoso.com"]}}\n'
        parameters = "{Identity: '${Name}', HiddenFromAddressListsEnabled: '${On}', EmailAddresses: '${Add}'}"
        (item,) = read(self.rows(tmp_path, lines, parameters))
        assert item.parameters["HiddenFromAddressListsEnabled"] is True
        assert item.parameters["EmailAddresses"] == {"Add": ["smtp:a@contoso.com"]}

    def test_what_is_no_object_is_told(self, tmp_path: Path) -> None:
        (problem,) = refused(self.rows(tmp_path, '{"Name":"ada","Office":"1"}\n[1]\n'), None)
        assert problem.where == "people.ndjson, line 2"
        (problem,) = refused(self.rows(tmp_path, '{"Name":"ada","Office":"<secret>"}\n'), None)
        assert "left out a secret" in problem.what
