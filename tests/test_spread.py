"""What a run that goes on waits for where its tenants were on workers."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from bulkexo.spread import LONGEST, SLACK, EarlierWorkers


@pytest.mark.parametrize("first", [{}, {"cluster": {"lease": 10, "ended": True}}, {"cluster": "?"}])
def test_nothing_is_waited_for_where_no_worker_can_be_left(first: dict[str, Any]) -> None:
    assert EarlierWorkers(first).left == 0.0


@pytest.mark.parametrize("told", [{}, {"lease": "?"}, {"lease": -1}, {"lease": 1e9}, {"lease": None}])
def test_the_longest_lease_is_waited_for_where_it_is_not_known(told: dict[str, Any]) -> None:
    left = EarlierWorkers({"cluster": {"ended": False, **told}}).left
    assert LONGEST < left <= LONGEST + SLACK


def test_once_waited_for_they_are_of_no_account() -> None:
    earlier = EarlierWorkers({"cluster": {"lease": 0.01, "workers": 3, "ended": False}})
    notes: list[str] = []
    assert earlier.document() == {}
    assert 0 < earlier.left <= SLACK + 0.01
    anyio.run(earlier.over, notes.append)
    assert len(notes) == 1
    assert earlier.left == 0.0
    assert earlier.document() == {"cluster": {"lease": 0.01, "workers": 3, "ended": True}}
    anyio.run(earlier.over, notes.append)
    assert len(notes) == 1


def test_a_run_without_workers_says_nothing_of_them() -> None:
    assert EarlierWorkers({}).document() == {}
