"""Retries, Patience, Backoff: what bounds trying again."""

from __future__ import annotations

import math

import pytest

from bulkexo.pace.backoff import Backoff
from bulkexo.pace.patience import Patience
from bulkexo.pace.retries import CAPACITY, Retries

HALF = Backoff(lambda: 0.5)


@pytest.mark.parametrize(
    ("failures", "wait"), [(1, 1.0), (2, 2.0), (3, 4.0), (5, 16.0), (6, 30.0), (60, 30.0), (10**6, 30.0)]
)
def test_backoff(failures: int, wait: float) -> None:
    assert HALF.wait(failures) == wait


@pytest.mark.parametrize(("draw", "wait"), [(0.0, 0.0), (0.25, 0.5), (1.0, 2.0)])
def test_backoff_is_jittered_from_nothing(draw: float, wait: float) -> None:
    assert Backoff(lambda: draw).wait(1) == wait


def test_one_in_ten_may_fail_for_ever() -> None:
    retries = Retries(HALF)
    for second in range(10_000):
        retries.saw(second, second, 10, 1)
    assert not retries.spent


def test_a_slow_mailbox_or_two_do_not_spend_it() -> None:
    retries = Retries(HALF)
    for second in range(50):
        retries.saw(second, second, 0, 2)
    assert not retries.spent


def test_spent_pauses_double_until_a_probe_succeeds() -> None:
    retries = Retries(HALF)
    for second in range(11):
        retries.saw(second, second, 0, 10)
    assert retries.spent
    assert retries.hold_until == 11.0
    retries.saw(5.0, 12.0, 10, 0)  # sent before the pause
    assert retries.spent
    retries.saw(11.0, 12.0, 0, 10)
    assert (retries.spent, retries.hold_until) == (True, 14.0)
    retries.saw(14.0, 15.0, 0, 0)  # all of it throttled: neither sick nor well
    assert (retries.spent, retries.hold_until) == (True, 14.0)
    retries.saw(15.0, 16.0, 4, 6)
    assert (retries.spent, retries.hold_until) == (True, 20.0)
    retries.saw(20.0, 21.0, 6, 4)
    assert not retries.spent
    for second in range(22, 22 + int(CAPACITY / 20)):
        retries.saw(second, second, 0, 10)
    assert not retries.spent
    retries.saw(30.0, 30.0, 0, 10)
    assert retries.spent


@pytest.mark.parametrize(("limit", "ends"), [(None, math.inf), (0.0, 7.0), (600.0, 607.0)])
def test_patience_counts_from_the_last_success(limit: float | None, ends: float) -> None:
    patience = Patience(limit)
    assert patience.ends == math.inf
    patience.began(5.0)
    assert patience.ends == ends - 2
    patience.began(6.0)
    patience.progressed(7.0)
    assert patience.ends == ends
