"""Steps that depend on earlier ones: what the job may say of them, and what becomes of their items."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkexo.job import load
from bulkexo.journal.key import key
from bulkexo.model import Earlier, Ended, Item, Status, UnboundError, Value

from .helpers import read, refused, save

ROWS = "rows: [{Alias: ada, Quota: 5}, {Alias: bob, Quota: 7}]\n"
JOB = """
steps:
  - name: create
    cmdlet: New-Mailbox
    parameters: {Name: "${Alias}", Shared: true}
  - cmdlet: Set-Mailbox
    when: steps.create.RecipientTypeDetails == 'SharedMailbox'
    parameters:
      Identity: ${steps.create.ExternalDirectoryObjectId}
      EmailAddresses: {Add: ["smtp:${Alias}@${steps.create.Domain}", "${steps.create.Others}"]}
      HiddenFromAddressListsEnabled: ${steps.create.Hidden}
      CustomAttribute1: ${Alias}
"""
NEW = {
    "externaldirectoryobjectid": "5e-7",
    "domain": "contoso.com",
    "others": ["smtp:x@y.z", "smtp:q@y.z"],
    "hidden": "True",
    "recipienttypedetails": "SharedMailbox",
}


def steps(folder: Path, text: str = JOB) -> list[Item]:
    return [item for item in read(save(folder, ROWS + text, "job.yaml"), None) if item.row == 1]


def made(**members: Value) -> Earlier:
    whole: dict[str, Value] = {**NEW, **members}
    return {1: Ended(Status.SUCCEEDED, [whole], 1)}


def bound(item: Item, earlier: Earlier) -> Item:
    assert item.rule is not None
    return item.rule.bind(item, earlier)


def test_a_later_step_takes_what_the_earlier_returned(tmp_path: Path) -> None:
    first, second = steps(tmp_path)
    assert first.rule is not None
    assert first.rule.keeps == frozenset(NEW)
    assert (second.identity, first.pending) == ("", {})
    assert second.parameters["Identity"] == "${steps.create.ExternalDirectoryObjectId}"
    assert second.parameters["EmailAddresses"] == {
        "Add": ["smtp:ada@${steps.create.Domain}", "${steps.create.Others}"]
    }
    filled = bound(second, made())
    assert filled.identity == "5e-7"
    assert filled.parameters == {
        "Identity": "5e-7",
        "EmailAddresses": {"Add": ["smtp:ada@contoso.com", "smtp:x@y.z", "smtp:q@y.z"]},
        "HiddenFromAddressListsEnabled": True,
        "CustomAttribute1": "ada",
    }
    assert bound(second, made(hidden=False)).parameters["HiddenFromAddressListsEnabled"] is False


def test_it_is_known_by_what_the_job_says_whatever_fills_it_in(tmp_path: Path) -> None:
    _, second = steps(tmp_path)
    assert key(second) == key(bound(second, made())) == key(bound(second, made(hidden=False)))
    other = read(tmp_path / "job.yaml", None)[3]
    assert key(other) != key(second)


@pytest.mark.parametrize(
    ("earlier", "told"),
    [
        ({1: Ended(Status.SUCCEEDED, [{}], 1)}, "has no member ExternalDirectoryObjectId"),
        ({1: Ended(Status.SUCCEEDED)}, "The step create returned no object"),
        ({1: Ended(Status.SKIPPED, rule=True)}, "The step create was not sent"),
        (made(externaldirectoryobjectid=None), "names one object, and ${steps.create.External"),
        (made(externaldirectoryobjectid=""), "is empty"),
        (made(externaldirectoryobjectid=["a", "b"]), "is a list of 2 values"),
        (made(domain=None), "steps.create.Domain is null, and cannot be part of a text"),
        (made(domain=["a"]), "cannot be part of a text"),
        (made(externaldirectoryobjectid="***"), "holds ***, where a secret was left out"),
        (made(domain="a ***"), "holds ***, where a secret was left out"),
        (made(hidden="perhaps"), "'perhaps' is neither true nor false"),
        ({1: Ended(Status.SUCCEEDED, [NEW, NEW], 2)}, "is a list of 2 values"),
        ({1: Ended(Status.SUCCEEDED, [NEW] * 1000, 1001)}, "returned 1,001 objects"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_told(tmp_path: Path, earlier: Earlier, told: str) -> None:
    _, second = steps(tmp_path)
    with pytest.raises(UnboundError) as caught:
        bound(second, earlier)
    assert told in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_secret_that_does_not_fit_is_not_quoted(tmp_path: Path) -> None:
    more = "      SingleItemRecoveryEnabled: ${steps.create.Pin}\n      CustomAttribute1"
    step = JOB.replace("      CustomAttribute1", more)
    step = step.replace("    when: steps", "    secret: [SingleItemRecoveryEnabled]\n    when: steps")
    _, second = steps(tmp_path, step)
    with pytest.raises(UnboundError) as caught:
        bound(second, made(pin="pw-4711"))
    assert "4711" not in str(caught.value)
    assert "The value is neither true nor false." in str(caught.value)


GOOD = {1: Ended(Status.SUCCEEDED)}
BAD = {1: Ended(Status.SUCCEEDED), 2: Ended(Status.FAILED)}
DOOMED = {1: Ended(Status.FAILED), 2: Ended(Status.SKIPPED)}
LEFT = {1: Ended(Status.SUCCEEDED), 2: Ended(Status.SKIPPED, rule=True)}


@pytest.mark.parametrize(
    ("when", "goes"),
    [
        ("succeeded", [GOOD, LEFT]),
        ("Failed", [BAD, DOOMED]),
        ("always", [GOOD, BAD, DOOMED, LEFT]),
        ("row.Alias == 'ada'", [GOOD, LEFT]),
        ("row.Alias == 'bob'", []),
        ("failed(two)", [BAD]),
        ("skipped(two)", [DOOMED, LEFT]),
        ("succeeded(one) and row.Alias == 'ada'", [GOOD, BAD, LEFT]),
    ],
)
def test_which_rows_a_step_is_for(tmp_path: Path, when: str, goes: list[Earlier]) -> None:
    text = (
        "steps:\n  - {name: one, cmdlet: Get-Mailbox, parameters: {Identity: a}}\n"
        "  - {name: two, cmdlet: Get-Mailbox, parameters: {Identity: a}}\n"
        f'  - {{cmdlet: Get-Mailbox, retry_not_found: 1s, parameters: {{Identity: a}}, when: "{when}"}}\n'
    )
    third = steps(tmp_path, text)[2]
    assert third.rule is not None
    assert [each for each in (GOOD, BAD, DOOMED, LEFT) if not third.rule.against(third, each)] == goes


def test_steps_that_say_nothing_have_no_rule(tmp_path: Path) -> None:
    text = "steps:\n  - {name: a, cmdlet: Set-Mailbox, parameters: {Identity: '${Alias}'}}\n" * 1
    (item,) = steps(tmp_path, text)
    assert item.rule is None
    job = load(tmp_path / "job.yaml")
    assert not job.linked
    assert job.describe()["steps"] == [
        {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "${Alias}"}, "name": "a"}
    ]


def test_waiting_is_said_for_one_step_or_for_all(tmp_path: Path) -> None:
    text = (
        "retry_not_found: 90\nsteps:\n  - {cmdlet: Get-Mailbox, parameters: {Identity: a}}\n"
        "  - {cmdlet: Get-Mailbox, parameters: {Identity: a}, retry_not_found: 10m}\n"
    )
    assert [item.rule and item.rule.retry_not_found for item in steps(tmp_path, text)] == [90, 600]
    alone = "cmdlet: Get-Mailbox\nparameters: {Identity: a}\nretry_not_found: 1h\n"
    assert [item.rule and item.rule.retry_not_found for item in steps(tmp_path, alone)] == [3600]


def test_run_json_tells_them(tmp_path: Path) -> None:
    described = load(save(tmp_path, ROWS + JOB, "job.yaml")).describe()["steps"]
    assert [step.get("name") for step in described] == ["create", None]
    assert described[1]["when"] == "steps.create.RecipientTypeDetails == 'SharedMailbox'"
    assert described[1]["parameters"]["Identity"] == "${steps.create.ExternalDirectoryObjectId}"


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("parameters: {Identity: '${steps.creat.Id}'}", "There is no earlier step 'creat'."),
        ("parameters: {Identity: '${steps.create}'}", "${steps.create} names no value of that step."),
        ("parameters: {Identity: '${steps.create.a b}'}", "${steps.create.a b} names no value of that step."),
        ("parameters: {Identity: '${steps.own.Id}'}", "There is no earlier step 'own'."),
        ("parameters: {Identity: a}\n    when: steps.own.Id == 1", "There is no earlier step 'own'."),
        ("parameters: {Identity: a}\n    when: suceeded", "when: suceeded means nothing."),
        ("parameters: {Identity: a}\n    when: [a]", "when: is no condition."),
        (
            "parameters: {Identity: a}\n    when: steps.create.Id = 1",
            "The condition cannot be read at '= 1'.",
        ),
        ("parameters: {Identity: a}\n    retry_not_found: soon", "retry_not_found: is no time."),
    ],
)
def test_refused(tmp_path: Path, step: str, what: str) -> None:
    text = ROWS + (
        "steps:\n  - {name: create, cmdlet: New-Mailbox, parameters: {Name: '${Alias}'}}\n"
        f"  - name: own\n    cmdlet: Set-Mailbox\n    {step}\n"
    )
    problems = refused(save(tmp_path, text, "job.yaml"), None)
    assert [problem.what for problem in problems] == [what]
    assert problems[0].where.startswith("job.yaml, line ")


@pytest.mark.parametrize("name", ["two words", "1st", "[a]", "ünder"])
def test_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    text = ROWS + f"steps:\n  - {{name: {name}, cmdlet: Get-Mailbox, parameters: {{Identity: a}}}}\n"
    assert refused(save(tmp_path, text, "job.yaml"), None)[0].what == "name: is no name of a step."


def test_two_steps_of_one_name(tmp_path: Path) -> None:
    step = "  - {name: %s, cmdlet: Get-Mailbox, parameters: {Identity: a}}\n"
    text = ROWS + "steps:\n" + step % "a" + step % "A"
    assert refused(save(tmp_path, text, "job.yaml"), None)[0].what == "Two steps have the name A."


def test_a_column_may_have_such_a_name(tmp_path: Path) -> None:
    text = "rows: [{steps.x: ada}]\ncmdlet: Get-Mailbox\nparameters: {Identity: '${steps.x}'}\n"
    (item,) = read(save(tmp_path, text, "job.yaml"), None)
    assert item.parameters == {"Identity": "ada"}
