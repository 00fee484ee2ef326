"""Delay: what counts as growing slow, and what does not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bulkexo.pace.delay import COHORT, CUT, FIRST, MOST, TRIM, Delay, Verdict
from bulkexo.pace.ledger import Flight


def feed(delay: Delay, took: Iterable[float], since: float, items: int = 10, kind: str = "") -> list[Verdict]:
    """Replies to batches sent every second from `since` that take so long; what is concluded at that rate."""
    replies = []
    for index, seconds in enumerate(took):
        flight = Flight(since + index, items, 1)
        delay.sent(flight)
        replies.append((since + index + seconds, flight))
    verdicts = [
        delay.saw(flight, ended, kind, items) for ended, flight in sorted(replies, key=lambda reply: reply[0])
    ]
    return [verdict for verdict in verdicts if verdict is not None]


@pytest.fixture
def delay() -> Delay:
    """One that knows that replies take half a second."""
    delay = Delay()
    assert feed(delay, [0.5, 0.4, 0.6] * 9, 0.0) == []
    return delay


def test_one_slow_mailbox_in_every_batch_or_two_slows_nothing(delay: Delay) -> None:
    assert feed(delay, [0.5, 30.0, 0.5, 900.0, 0.6, 20.0, 0.4, 0.5, 0.5] * 3, 100.0) == []
    assert not delay.on


def test_a_growing_delay_cuts_and_only_later_batches_tell_more(delay: Delay) -> None:
    assert feed(delay, [2.0] * 2 * COHORT, 100.0) == [Verdict(early=True), Verdict(FIRST)]
    assert delay.on
    took = [2.0 + 0.5 * index for index in range(9 * COHORT)]
    replies = [(100.0 + 2 * COHORT + index, seconds) for index, seconds in enumerate(took)]
    early = replies[:COHORT]
    assert feed(delay, took[: len(early)], replies[0][0]) == []  # too little to tell the allowance from
    assert feed(delay, took[len(early) :], replies[len(early)][0])[0].factor == pytest.approx(CUT, abs=0.02)


@pytest.mark.parametrize(
    ("slope", "scatter", "low", "high"),
    [
        (0.0, 0.0, None, None),  # stands still
        (0.004, 0.0, None, None),  # as good as still
        (-0.008, 0.0, 1.0, 1.02),  # shrinks slowly
        (0.0, 0.6, 0.95, 1.0),  # goes up and down, up first
        (0.02, 0.0, 0.97, 0.99),  # grows slowly
        (0.1, 0.0, 0.9, 0.93),  # grows
        (0.1, 0.6, 0.86, 0.93),  # the same, through noise
        (1.0, 0.0, CUT, CUT),  # grows fast
        (-0.02, 0.0, 1.01, 1.03),  # shrinks
        (-0.1, 0.0, 1.06, 1.12),  # shrinks fast
    ],
)
def test_after_a_cut_the_rate_follows_the_delay_as_far_as_it_is_sure(
    delay: Delay, slope: float, scatter: float, low: float | None, high: float | None
) -> None:
    feed(delay, [9.0] * 2 * COHORT, 100.0)
    noise = [scatter * (index // COHORT % 2) for index in range(12 * COHORT)]
    took = [9.0 + slope * index + noise[index] for index in range(12 * COHORT)]
    verdicts = feed(delay, took, 100.0 + 2 * COHORT)
    if low is None or high is None:
        assert verdicts == []
    else:
        assert low <= verdicts[0].factor <= high


def test_later_delays_are_met_with_a_small_step(delay: Delay) -> None:
    feed(delay, [5.0] * 2 * COHORT, 100.0)
    feed(delay, [0.5] * COHORT, 200.0)
    assert not delay.on
    assert feed(delay, [2.0] * 2 * COHORT, 300.0) == [Verdict(TRIM)]  # the early sign was told before


def test_the_end_names_what_was_sent_from_equal_delay_to_equal_delay(delay: Delay) -> None:
    feed(delay, [2.0] * 2 * COHORT, 100.0)
    (end,) = feed(delay, [1.0] * COHORT, 200.0)
    assert end.over
    assert (end.since, end.until) == (100.0 + COHORT + COHORT // 2, 200.0 + COHORT // 2)
    assert not delay.on


def test_larger_batches_and_other_kinds_are_measured_by_their_own() -> None:
    delay = Delay()
    assert feed(delay, [0.5] * 30, 0.0, items=1) == []
    assert feed(delay, [5.0] * 30, 100.0, items=10) == []  # ten, one after another
    assert feed(delay, [40.0] * 30, 200.0, kind="Set-UnifiedGroup") == []
    assert feed(delay, [0.5] * 30, 300.0, items=1) == []


def test_a_size_first_met_during_a_delay_does_not_hide_it(delay: Delay) -> None:
    assert feed(delay, [9.0] * 2 * COHORT, 100.0, items=3)[-1] == Verdict(FIRST)


def test_what_takes_longer_by_half_a_delay_is_told_once_and_in_time_is_the_usual(delay: Delay) -> None:
    assert feed(delay, [1.2] * 5 * COHORT, 100.0) == [Verdict(early=True)]
    assert delay.suspected
    assert not delay.on
    assert feed(delay, [1.2] * 150 * COHORT, 200.0) == []
    assert not delay.suspected


def test_a_usual_that_was_bounded_too_low_is_learned_and_no_delay_for_ever() -> None:
    delay = Delay()
    feed(delay, [0.05] * 30, 0.0, items=1)
    feed(delay, [1.4] * 8 * COHORT, 100.0)  # half a second is what ten, one after another, should take
    assert not delay.on
    assert feed(delay, [2.2] * 5 * COHORT, 300.0) == [Verdict(early=True)]


def test_where_little_debt_is_left_it_is_kept(delay: Delay) -> None:
    """Where a delay stands still, slightly less is sent if it is long, and slightly more if it is short."""
    feed(delay, [2.0] * 2 * COHORT, 100.0)
    verdicts = feed(delay, [2.0] * 12 * COHORT, 100.0 + 2 * COHORT)
    assert 1.0 < verdicts[0].factor <= MOST


@pytest.mark.parametrize(
    ("first", "shrinks", "acts"),
    [(4.0, 0.12, True), (6.0, 0.2, True), (6.0, 0.12, False), (9.0, 0.2, False), (15.0, 0.2, False)],
)
def test_an_unsure_reading_counts_only_if_the_delay_is_over_before_a_surer_one(
    first: float, shrinks: float, acts: bool
) -> None:
    """Few items, so that a reading is unsure. Delays of `first` seconds shrink by so much every second."""
    delay = Delay()
    feed(delay, [0.5] * 30, 0.0, items=2)
    feed(delay, [first] * 2 * COHORT, 100.0, items=2)
    took = [first - shrinks * index for index in range(3 * COHORT)]
    factors = [verdict.factor for verdict in feed(delay, took, 100.0 + 2 * COHORT, items=2)]
    assert bool(factors) == acts
    assert all(1 < factor <= 1 / CUT for factor in factors)


def test_delivered() -> None:
    delay = Delay()
    feed(delay, [0.5] * 31, 0.0)
    assert delay.delivered == pytest.approx(300 / 29)


def test_what_a_refusal_left_of_a_cohort_is_not_judged(delay: Delay) -> None:
    flights = [Flight(100.0 + index, 10, 1) for index in range(3 * COHORT)]
    for flight in flights:
        delay.sent(flight)
    delay.refused(flights[3])
    assert all(delay.saw(flight, flight.started + 5.0, "", 10.0) is None for flight in flights[4:COHORT])
    assert any(delay.saw(flight, flight.started + 5.0, "", 10.0) for flight in flights[COHORT:])
