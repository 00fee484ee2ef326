"""The language of `when:`: what it means, what it refuses, and that nothing breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.job.expression import BadExpression, Scene, parse
from bulkexo.job.loose import outside, truth
from bulkexo.job.template import Columns
from bulkexo.model import Ended, Status, UnboundError

STEPS = {"look": 1, "perms": 2, "gone": 3, "left": 4}
COLUMNS = Columns(["Id", "Cost Center"], typed=False)
LOOK = {
    "archivestatus": "None",
    "itemcount": 5,
    "size": "12",
    "deny": "False",
    "hidden": True,
    "owner": None,
    "emailaddresses": ["SMTP:ada@contoso.com", "smtp:a@contoso.com"],
    "nested": {"Name": "Ada", "Tags": ["x", "y"]},
    "whencreated": "2024-05-01T08:00:00Z",
}
SCENE = Scene(
    {
        1: Ended(Status.SUCCEEDED, [LOOK], 1),
        2: Ended(Status.UNCHANGED, [{"user": "bob"}, {"user": "eve"}, {}], 3),
        3: Ended(Status.FAILED),
        4: Ended(Status.SKIPPED, rule=True),
    },
    {"Id": "ada", "Cost Center": "4711"},
)


def value(text: str) -> Any:
    return parse(text, STEPS, COLUMNS).evaluate(SCENE)


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "not false",
        "not not true",
        "1 == 1.0",
        "'A' == 'a'",
        "steps.look.ArchiveStatus == 'none'",
        'steps.LOOK.archivestatus == "NONE"',
        "steps.look.ItemCount > 4 and steps.look.ItemCount <= 5",
        "steps.look.Size == 12",
        "steps.look.Size > 11.5",
        "steps.look.Deny == false",
        "not steps.look.Deny",
        "steps.look.Hidden",
        "steps.look.Hidden == 'True'",
        "steps.look.Owner == null",
        "steps.look.Nothing == null",
        "steps.gone.Anything == null",
        "steps.look.Owner != 'x'",
        "steps.look.EmailAddresses[0] == 'smtp:ADA@contoso.com'",
        "steps.look[0].Nested.name == 'ada'",
        "steps.look.Nested.Tags[1] == 'y'",
        "steps.look.Nested.Tags[2] == null",
        "'smtp:a@contoso.com' in steps.look.EmailAddresses",
        "'bob' in steps.perms.User",
        "steps.perms.User == ['BOB', 'eve']",
        "steps.perms[1].User == 'eve'",
        "'carl' not in steps.perms.User",
        "steps.look.ArchiveStatus in ['None', 'HostedPending']",
        "'x' not in steps.look.Owner",
        "steps.look.WhenCreated < '2025-01-01'",
        "row.Id == 'ADA'",
        "row['cost center'] == 4711",
        "succeeded(look) and succeeded(perms)",
        "failed(gone) and not failed(look) and skipped(left)",
        "count(perms) == 3 and count(gone) == 0",
        "false or true and true",
        "not (true and false)",
        "'it''s' == \"it's\"",
        "[] == [] and not []",
        "-1 < 0",
        "1 != '2' and '1' != 'one'",
    ],
)
def test_true(text: str) -> None:
    assert truth(value(text)) is True


@pytest.mark.parametrize(
    "text",
    [
        "false",
        "null",
        "''",
        "' False '",
        "0",
        "null == ''",
        "null == false",
        "true == 'yes'",
        "true == 1",
        "'5' == 'five'",
        "(true or true) and false",
        "not true or false",
        "['a'] == ['a', 'b']",
        "'a' in 'abc'",
    ],
)
def test_false(text: str) -> None:
    assert truth(value(text)) is False


def test_literals() -> None:
    assert value("[1, 2.5, 'a', true, null]") == [1, 2.5, "a", True, None]
    assert value("3 == 3") is True


def test_what_it_needs() -> None:
    found = parse("steps.look.A.B == steps.look[0].c or count(perms) > 1", STEPS, COLUMNS)
    assert found.needs == {1: {"a", "c"}, 2: set()}
    assert not found.of_ends
    assert parse("failed(look)", STEPS, COLUMNS).of_ends


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps.look.A = 1", "cannot be read at '= 1'"),
        ("steps.look.A ==", "a value is missing at its end"),
        ("steps.other.A == 1", "no earlier step 'other'"),
        ("steps.look == 1", "a member of steps.look is missing"),
        ("steps.look[0] == 1", "a member of steps.look[0] is missing"),
        ("steps.look[-1].A", "a member, or a number, is missing"),
        ("look.A == 1", "the word 'look'"),
        ("row.Office == 1", "no column 'Office'"),
        ("row[1]", "no column ''"),
        ("true false", "and, or, or a comparison is missing"),
        ("1 == 2 == 3", "and, or, or a comparison is missing"),
        ("(true", ") is missing at its end"),
        ("[1 2]", ", is missing"),
        ("1 not 2", "in is missing"),
        ("__import__('os')", "the word '__import__'"),
        ("succeeded(nobody)", "no earlier step 'nobody'"),
        ("steps.look.a.__class__()", "and, or, or a comparison is missing"),
        ("(" * 60 + "1" + ")" * 60, "deeper than"),
        ("[" * 60 + "]" * 60, "deeper than"),
        ("'" + "x" * 3000 + "'", "longer than"),
        ("", "a value is missing"),
    ],
)
def test_refused(text: str, told: str) -> None:
    with pytest.raises(BadExpression) as caught:
        parse(text, STEPS, COLUMNS)
    assert told in caught.value.what
    assert caught.value.what.endswith(".")
    assert caught.value.remedy.endswith(".")


@pytest.mark.parametrize(
    "text", ["steps.look.Owner < 5", "'a' < 5", "[1] < [2]", "true > 0", "steps.look.Nested >= 'a'"]
)
def test_what_has_no_order_is_told(text: str) -> None:
    with pytest.raises(UnboundError, match="cannot be compared by"):
        value(text)


def test_too_many_objects_are_told() -> None:
    scene = Scene({1: Ended(Status.SUCCEEDED, [{"a": 1}] * 1000, 20_000)}, {})
    expression = parse("1 in steps.look.A", STEPS, COLUMNS)
    with pytest.raises(UnboundError, match="returned 20,000 objects"):
        expression.evaluate(scene)
    assert parse("count(look) == 20000 and steps.look[3].A == 1", STEPS, COLUMNS).evaluate(scene) is True


OURS = ["contoso.com", ["contoso.onmicrosoft.com"]]


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("smtp:ada@example.net", True),
        ("ada@CONTOSO.com", False),
        ("SMTP:ada@mail.contoso.com", False),
        ("ada@notcontoso.com", True),
        ('"Ada" [SMTP:ada@example.net]', True),
        ('"Ada @ home" [EX:/o=ExchangeLabs/cn=ada]', False),
        ('"ada@example.net" [SMTP:ada@contoso.onmicrosoft.com]', False),
        (["x@contoso.com", "y@example.net"], True),
        ("x500:/o=a@b", False),
        ("", False),
        (None, False),
    ],
)
def test_what_leads_outside(text: Any, out: bool) -> None:
    assert outside(text, OURS) is out


def test_an_object_is_kept_by_its_members() -> None:
    keep = parse("value.Enabled and outside(value.ForwardTo, 'contoso.com')", {}, COLUMNS, of_value=True)
    assert keep.keeps({}, {"Enabled": True, "ForwardTo": ["smtp:a@example.net"]})
    assert not keep.keeps({}, {"Enabled": "False", "ForwardTo": ["smtp:a@example.net"]})
    assert not keep.keeps({}, {"Enabled": True})
    unsure = parse("value.Size > 5", {}, COLUMNS, of_value=True)
    assert unsure.keeps({}, {"Size": "much"})


def test_an_object_is_named_in_keep_alone() -> None:
    with pytest.raises(BadExpression):
        parse("value.Enabled", STEPS, COLUMNS)


SIGNS = "()[],.< "
WORDS = st.sampled_from(
    [*SIGNS, "==", "in", "not", "and", "or", "steps", "look", "row", "Id", "count", "'t'", "7", "null"]
)


@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=25).map(" ".join)))
def test_any_text_is_a_condition_or_a_sentence(text: str) -> None:
    try:
        expression = parse(text, STEPS, COLUMNS)
    except BadExpression as bad:
        assert bad.what.endswith(".")
        return
    try:
        expression.holds(SCENE.earlier, SCENE.cells)
    except UnboundError as error:
        assert str(error).endswith(".")
