"""Borne: how the rate grows once silent delays are over."""

from __future__ import annotations

import pytest

from bulkexo.pace.borne import BEYOND, CAUTION, MOST, NEXT, SAVED, STEP, Borne
from bulkexo.pace.ledger import Ledger
from bulkexo.pace.rate import STEPS, RateLaw


def grow(borne: Borne, rate: float, looks: int) -> list[float]:
    """The rates after so many looks, five seconds apart."""
    rates = []
    for _ in range(looks):
        assert borne.rate is not None
        rate = borne.grown(borne.rate, rate, 5 * rate)
        rates.append(rate)
    return rates


def test_what_is_borne_is_the_least_of_what_was_sent_and_answered_then_what_was_sent() -> None:
    borne = Borne()
    assert borne.rate is None
    assert borne.slowed(100.0, 40.0) == 40.0
    assert borne.slowed(30.0, 50.0) == 30.0
    borne.forget()
    assert borne.slowed(30.0, 20.0) == 20.0


@pytest.mark.parametrize(
    ("items", "seconds", "rate", "after"),
    [
        (4000, 100.0, 38.0, CAUTION * 40.0),
        (4000, 100.0, 10.0, 20.0),  # no more than twice what it was
        (150, 100.0, 38.0, 45.0),  # too few to measure by
    ],
)
def test_what_was_worked_off_is_borne(items: int, seconds: float, rate: float, after: float) -> None:
    borne = Borne()
    borne.slowed(45.0, 45.0)
    assert borne.cleared(items, seconds, rate) == pytest.approx(after)


def test_the_rate_stands_a_little_above_it_until_more_has_gone_than_can_be_saved_up() -> None:
    borne = Borne()
    rate = borne.cleared(4000, 100.0, 40.0)
    rates = grow(borne, rate, 50)
    assert rates[0] == pytest.approx(STEP * rate)
    assert max(rates) == pytest.approx((1 + BEYOND) * rate)
    later = grow(borne, rates[-1], 30)  # SAVED / BEYOND = 300 s after the beginning
    assert max(later) == pytest.approx((1 + BEYOND) * (1 + NEXT) * rate)
    assert SAVED / BEYOND / 5 > 50


def test_after_short_delays_the_idle_end_of_them_counts() -> None:
    borne = Borne()
    rate = borne.cleared(210, 7.0, 30.0)
    assert max(grow(borne, rate, 12)) == pytest.approx((1 + MOST) * rate, rel=0.05)


def test_of_later_delays_however_short_nothing_was_missed() -> None:
    borne = Borne()
    borne.cleared(4000, 100.0, 40.0)
    borne.slowed(40.0, 40.0)
    rate = borne.cleared(84, 2.2, 39.0)
    assert max(grow(borne, rate, 12)) == pytest.approx((1 + BEYOND) * rate)


def test_a_climb_is_eased_once() -> None:
    law = RateLaw(Ledger(), start=90.0, ceiling=None, climbing=4)
    law.eased()
    assert law.rate == pytest.approx(90.0 / STEPS[-1])
    law.eased()
    assert law.rate == pytest.approx(90.0 / STEPS[-1])
