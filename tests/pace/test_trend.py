"""Trend: the allowance, read from what was sent and from how it was delayed."""

from __future__ import annotations

import math

import pytest

from bulkexo.pace.trend import MEMORY, VAGUE, Trend

RATE = 10.0


def debtor(allowed: float, sent: list[float], growth: float = 0.4, noise: float = 0.0) -> Trend:
    """Points every four seconds at a service that allows `allowed` items a second and delays each by `growth`
    times its debt in seconds. sent: items per second before each point."""
    trend, items, debt = Trend(), 0.0, 10.0
    for index, rate in enumerate(sent):
        items += 4 * rate
        debt += 4 * (rate / allowed - 1)
        trend.add(4.0 * index, round(items), growth * debt + (noise if index % 2 else -noise))
    return trend


@pytest.mark.parametrize("points", [0, 1, 2])
def test_two_points_tell_nothing(points: int) -> None:
    assert debtor(RATE, [RATE] * points).share(RATE) == (1.0, math.inf)


def test_points_at_one_moment_tell_nothing() -> None:
    trend = Trend()
    for value in (1.0, 2.0, 3.0, 4.0):
        trend.add(7.0, 100, value)
    assert trend.share(RATE) == (1.0, math.inf)


@pytest.mark.parametrize("growth", [0.4, 0.6, 0.9])
def test_a_delay_that_stands_still_confirms_the_rate(growth: float) -> None:
    few, many = (debtor(RATE, [RATE] * points, growth).share(RATE) for points in (4, 12))
    assert few[0] == pytest.approx(1.0)
    assert many[0] == pytest.approx(1.0)
    assert many[1] < few[1] / 2 < math.inf  # the longer, the surer


@pytest.mark.parametrize("allowed", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("growth", [0.4, 0.7])
def test_rates_that_differ_show_how_much_an_item_delays(allowed: float, growth: float) -> None:
    trend = debtor(allowed * RATE, [4 * RATE] * 5 + [RATE] * 9, growth)
    assert trend.share(RATE)[0] == pytest.approx(allowed, abs=0.015)


@pytest.mark.parametrize("growth", [0.4, 0.9])
@pytest.mark.parametrize("rate", [RATE / 2, RATE, 2 * RATE])
def test_the_slope_is_what_a_second_at_the_rate_adds(growth: float, rate: float) -> None:
    trend = debtor(RATE, [rate] * 8, growth)
    assert trend.slope(rate) == pytest.approx(growth * (rate / RATE - 1), abs=0.01)
    assert debtor(RATE, [rate] * 2, growth).slope(rate) == 0.0


def test_noise_makes_it_less_sure() -> None:
    noisy, calm = (debtor(RATE, [RATE] * 8, noise=noise).share(RATE)[1] for noise in (4.0, 0.0))
    assert noisy > 1.5 * calm


def test_the_last_points_can_be_looked_at_and_kept() -> None:
    trend = debtor(RATE, [RATE] * 8 + [1.4 * RATE] * 6)
    assert trend.share(1.4 * RATE, 6) != trend.share(1.4 * RATE)
    last = trend.share(1.4 * RATE, 6)
    trend.keep(6)
    assert trend.share(1.4 * RATE) == last


def test_what_is_long_past_is_forgotten() -> None:
    trend = debtor(RATE, [3 * RATE] * 10 + [RATE] * MEMORY)
    assert trend.share(RATE)[0] == pytest.approx(1.0)
    trend.clear()
    assert trend.share(RATE) == (1.0, math.inf)


@pytest.mark.parametrize("weight", [0.7, 1.0, 1.4])
def test_items_that_were_heavy_in_the_rush_tell_nothing_of_those_after_it(weight: float) -> None:
    """What they cost stays in the debt: it lifts every later point, and turns nothing."""
    trend, items, debt = Trend(), 0.0, 5.0
    for index in range(14):
        sent, each = (60.0, weight) if index < 5 else (4 * RATE, 1.0)
        items += sent
        debt += sent * each / RATE - (1 if index < 5 else 4)
        trend.add(float(index if index < 5 else 4 * index - 12), round(items), 0.4 * debt)
    assert trend.share(RATE)[0] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("growth", [0.5, 1.0, 2.0])
def test_where_delays_clearly_grow_so_much_is_sent_too_fast_at_least(growth: float) -> None:
    """At one rate nothing shows how much an item delays; that the rate is too high shows all the same."""
    share, error = debtor(RATE / 2, [RATE] * 10, growth).share(RATE)
    assert share + 2 * error < 0.75
    assert error < VAGUE
