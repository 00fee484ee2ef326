"""Delay: what counts as growing slow, and what does not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bulkexo.pace.delay import COHORT, CUT, FIRST, TRIM, Delay, Verdict
from bulkexo.pace.ledger import Flight


def feed(delay: Delay, took: Iterable[float], since: float, items: int = 10, kind: str = "") -> list[Verdict]:
    """Replies to batches sent every second from `since` that take so long; what is concluded."""
    replies = []
    for index, seconds in enumerate(took):
        flight = Flight(since + index, items, 1)
        delay.sent(flight)
        replies.append((since + index + seconds, flight))
    verdicts = [
        delay.saw(flight, ended, kind) for ended, flight in sorted(replies, key=lambda reply: reply[0])
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
    (cut,) = feed(delay, [2.0] * 2 * COHORT, 100.0)
    assert cut == Verdict(FIRST)
    assert delay.on
    assert feed(delay, [9.0] * 2 * COHORT, 80.0) == []  # sent before the cut
    assert feed(delay, [3.0] * COHORT, 120.0) == []  # the first after it: to compare with
    assert feed(delay, [3.3] * COHORT, 130.0) == []
    assert feed(delay, [7.0] * COHORT, 140.0) == [Verdict(CUT)]


@pytest.mark.parametrize(
    ("took", "after", "factor"),
    [
        (5.0, 10.0, None),  # too soon to tell
        (5.0, 40.0, None),  # stands still
        (5.7, 10.0, None),  # may be chance
        (5.8, 40.0, 0.98),  # grows slowly: by 0.4 s more than chance does, in 40
        (6.2, 10.0, 0.84),  # grows
        (9.0, 10.0, CUT),  # grows fast
        (4.8, 40.0, None),  # shrinks slowly
        (3.8, 40.0, 1.04),  # shrinks fast
        (2.0, 10.0, 1 / CUT),
    ],
)
def test_after_a_cut(delay: Delay, took: float, after: float, factor: float | None) -> None:
    feed(delay, [5.0] * 2 * COHORT, 100.0)
    feed(delay, [5.0] * COHORT, 120.0)
    verdicts = feed(delay, [took] * COHORT, 120.0 + after)
    assert [verdict.factor for verdict in verdicts] == ([] if factor is None else [pytest.approx(factor)])


def test_later_delays_are_met_with_a_small_step(delay: Delay) -> None:
    feed(delay, [5.0] * 2 * COHORT, 100.0)
    feed(delay, [0.5] * COHORT, 200.0)
    assert not delay.on
    assert feed(delay, [2.0] * 2 * COHORT, 300.0) == [Verdict(TRIM)]


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
    assert feed(delay, [9.0] * 2 * COHORT, 100.0, items=3) == [Verdict(FIRST)]


def test_delivered() -> None:
    delay = Delay()
    feed(delay, [0.5] * 31, 0.0)
    assert delay.delivered == pytest.approx(300 / 29)


def test_what_a_refusal_left_of_a_cohort_is_not_judged(delay: Delay) -> None:
    flights = [Flight(100.0 + index, 10, 1) for index in range(3 * COHORT)]
    for flight in flights:
        delay.sent(flight)
    delay.refused(flights[3])
    assert all(delay.saw(flight, flight.started + 5.0, "") is None for flight in flights[4:COHORT])
    assert any(delay.saw(flight, flight.started + 5.0, "") for flight in flights[COHORT:])
