"""Budget: what may be refused is earned, spent by every refusal, and neither saved up nor owed for long."""

from __future__ import annotations

import pytest

from bulkexo.pace.budget import DEBT, Budget


def sends(budget: Budget, items: int) -> None:
    for _ in range(items // 10):
        budget.sent(10, 40.0, 0.01)


def test_a_probe_is_earned() -> None:
    budget = Budget()
    assert not budget.affords
    sends(budget, 90)
    assert not budget.affords
    sends(budget, 20)
    assert budget.affords


def test_dear_probes_are_rare() -> None:
    budget = Budget()
    for _ in range(20):
        budget.probe_cost(5)
    assert budget.cost == pytest.approx(5.0, rel=0.01)
    sends(budget, 480)
    assert not budget.affords
    sends(budget, 30)
    assert budget.affords


def test_no_more_is_saved_up_than_for_two() -> None:
    budget = Budget()
    sends(budget, 100_000)
    budget.refused(1)
    assert budget.affords
    budget.refused(1)
    assert not budget.affords


def test_a_refusal_that_no_probe_provoked_delays_the_next_but_not_for_ever() -> None:
    budget = Budget()
    sends(budget, 200)
    budget.refused(1000)
    sends(budget, int(DEBT * 40))
    assert not budget.affords
    sends(budget, 120)
    assert budget.affords
