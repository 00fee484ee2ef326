"""Whether an item of a plan, or one that may be unchanged, is sent."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bulkexo.facts import Twin, twin
from bulkexo.judging import as_planned, settled, unless_same
from bulkexo.model import Item, Planned, Status
from bulkexo.schedule.before import Found

TWIN = cast(Twin, twin("Set-Mailbox"))


def item(planned: Planned | None = None, **parameters: Any) -> Item:
    return Item(1, 1, "Set-Mailbox", "ada", {"Identity": "ada", **parameters}, {}, planned=planned)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("none", Status.UNCHANGED),
        ("missing", Status.SKIPPED),
        ("on-premises", Status.SKIPPED),
        ("change", None),
        ("create", None),
        ("remove", None),
        ("unknown", None),
    ],
)
def test_what_a_plan_leaves_alone(change: str, status: Status | None) -> None:
    ending = settled(item(Planned(change)))
    assert (ending.status if ending else None) is status
    assert settled(item()) is None


def test_a_value_that_has_changed_since_is_refused() -> None:
    asked = item(Planned("change", {"Office": "1", "Title": "x"}), Office="2", Title="x")
    assert as_planned(asked, TWIN, Found(True, [{"Office": "1", "Title": "x"}])) is None
    ending = as_planned(asked, TWIN, Found(True, [{"Office": "3", "Title": "x"}]))
    assert ending is not None and ending.error is not None
    assert (ending.status, ending.error.code) == (Status.FAILED, "bulkexo:changed-since")
    assert 'Office was "1" and is "3" now' in ending.error.message
    gone = as_planned(asked, TWIN, Found(False))
    assert gone is not None and gone.error is not None
    assert "no longer there" in gone.error.message


def test_what_has_become_as_planned_is_no_failure() -> None:
    asked = item(Planned("change", {"Office": "1"}), Office="2")
    ending = as_planned(asked, TWIN, Found(True, [{"Office": "2"}]))
    assert ending is not None
    assert ending.status is Status.UNCHANGED


def test_only_what_differs_is_sent() -> None:
    assert unless_same(item(Office="1"), TWIN, Found(True, [{"Office": "2"}])) is None
    assert unless_same(item(Office="1"), TWIN, Found(False)) is None
    assert unless_same(item(Office="1"), TWIN, Found(True, [{}])) is None
    ending = unless_same(item(Office="1"), TWIN, Found(True, [{"Office": "1"}]))
    assert ending is not None
    assert ending.status is Status.UNCHANGED
