"""What a run keeps of the secrets that it has sent, and where it finds them again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.confidant import START, Confidant
from bulkexo.model import Failure, Item, Outcome, Page, Status
from bulkexo.redact import blot, disguises

ITEM = Item(1, 1, "Get-Mailbox", "ada", {}, {})


def knowing(*texts: str, most: int = 1000, letters: int = 100_000) -> Confidant:
    confidant = Confidant(most=most, letters=letters)
    for text in texts:
        confidant.note([text])
    return confidant


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("hunter22", "***"),
        ("it was hunter22, and hunter22", "it was ***, and ***"),
        ({"hunter22": [{"A": ("x hunter22",)}]}, {"***": [{"A": ["x ***"]}]}),
        ("hunter2", "hunter2"),
        (None, None),
        (True, True),
        ([1234, 12345, 1234.0], ["***", 12345, 1234.0]),
        ("1234", "***"),
        ("a 1234", "a 1234"),
        ("2026-11-24T12:34:00Z", "2026-11-24T12:34:00Z"),
        ("77b1234f-cafe", "77b1234f-cafe"),
        ("cafe", "***"),
    ],
)
def test_where_it_finds_them(value: object, hidden: object) -> None:
    assert knowing("hunter22", "1234", "cafe").hide(value) == hidden


def test_of_two_that_begin_alike_the_longer_is_found() -> None:
    confidant = knowing("Winter-2026", "Winter-2026-more", "Winter-1")
    assert confidant.hide("Winter-2026-more Winter-2026 Winter-1 Winter-3") == "*** *** *** Winter-3"


def test_the_oldest_give_way() -> None:
    confidant = knowing("first-secret", "second-secret", most=2)
    confidant.note(["first-secret"])  # told again: the other one is the oldest now
    confidant.note(["third-secret"])
    text = "first-secret second-secret third-secret"
    assert confidant.hide(text) == "*** second-secret ***"


def test_of_long_ones_fewer_are_kept() -> None:
    confidant = knowing("a" * 400 + "-", "b" * 400 + "-", "c" * 400 + "-", letters=1000)
    assert confidant.hide(["a" * 400 + "-", "c" * 400 + "-"]) == ["a" * 400 + "-", "***"]


def test_what_has_given_way_leaves_nothing_behind() -> None:
    """Memory does not grow with the job."""
    confidant = knowing(*(f"secret of {row}" for row in range(100)), most=10)
    confidant.note(["another one"])
    assert len(confidant._latest) == 10
    assert sum(map(len, confidant._starts.values())) == 2
    confidant.note(f"{row:08}" for row in range(10))
    assert len(confidant._latest) == 10
    assert confidant._held == sum(map(len, confidant._latest))
    assert "secre" not in confidant._starts


def test_constants_are_kept_to_the_end() -> None:
    confidant = Confidant(["Winter-2026", "blue"], most=1)
    confidant.note(["Winter-2026"])
    confidant.note(["other-one"])
    confidant.note(["last-one"])
    hidden = ["*** other-one ***", "***", "blues"]
    assert confidant.hide(["Winter-2026 other-one last-one", "blue", "blues"]) == hidden


def test_outcomes_and_pages() -> None:
    confidant = knowing("hunter22")
    error = Failure("code hunter22", "Type.hunter22", "It was hunter22.", "of hunter22")
    told = Outcome(ITEM, Status.FAILED, 1, 400, 0.0, 0.0, "id", ["hunter22"], ["no hunter22"], error)
    (found,) = confidant.outcomes([told])
    assert (found.value, found.warnings) == (["***"], ["no ***"])
    assert found.error == Failure("code ***", "Type.***", "It was ***.", "of ***")
    assert confidant.pages([Page(ITEM, [{"A": "hunter22"}], first=True)]) == [
        Page(ITEM, [{"A": "***"}], first=True)
    ]


def test_nothing_is_copied_where_there_is_nothing_to_hide() -> None:
    outcomes = [Outcome(ITEM, Status.SUCCEEDED, 1, 200, 0.0, 0.0, "id", ["a text"])]
    pages = [Page(ITEM, ["a text"], first=True)]
    assert Confidant().outcomes(outcomes) is outcomes
    assert Confidant().pages(pages) is pages


@given(st.lists(st.text(min_size=START).filter(lambda text: not text.isalnum())), st.text(), st.text())
def test_no_disguise_is_left(secrets: list[str], before: str, after: str) -> None:
    """What is long enough is found wherever it stands, as `blot` finds it."""
    confidant = Confidant()
    forms = disguises(secrets)
    confidant.note(forms)
    text = before + after.join(forms)
    if not confidant._knows(text):
        assert confidant.hide(text) == blot(text, [form for form in forms if form in text])
