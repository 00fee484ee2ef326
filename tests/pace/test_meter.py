"""Meter, CatchUp, Ledger: arithmetic as tables."""

from __future__ import annotations

import pytest

from bulkexo.pace.catchup import CatchUp
from bulkexo.pace.ledger import Ledger
from bulkexo.pace.meter import Anchor, Meter


def ledger(*batches: tuple[float, int, int]) -> Ledger:
    """Batches of (second, items, refused)."""
    book = Ledger()
    for started, items, refused in batches:
        book.sent(started, items)
        book.replied(started, items, refused)
    return book


@pytest.mark.parametrize(
    ("since", "until", "accepted"),
    [(0.0, 9.0, 28), (1.0, 9.0, 18), (0.0, 3.0, 18), (3.0, 9.0, 10), (4.0, 4.0, 0), (4.0, 9.0, 0)],
)
def test_ledger_counts_what_was_accepted_between(since: float, until: float, accepted: int) -> None:
    book = ledger((1.0, 10, 0), (2.0, 10, 2), (4.0, 10, 0))
    assert book.accepted(since, until) == accepted


def test_ledger_takes_what_is_in_flight_as_accepted_and_knows_equals_apart() -> None:
    book = Ledger()
    first, second = book.sent(1.0, 10), book.sent(1.0, 10)
    assert (first.abreast, second.abreast, book.in_flight) == (1, 2, 2)
    assert book.accepted(0.0, 2.0) == 20
    assert book.replied(1.0, 10, 4) is first
    assert book.accepted(0.0, 2.0) == 16
    assert book.knows(1.0, 10)
    assert book.replied(1.0, 10, 0) is second
    assert not book.knows(1.0, 10)
    assert book.in_flight == 0


@pytest.mark.parametrize(
    ("anchor", "level", "measured"),
    [
        (None, 0.0, None),
        (Anchor(0.5, 0.0), 0.0, (40 / 9.5, 40 / 9.5)),  # nothing in doubt: one number
        (Anchor(0.5, 5.0), 0.0, (35 / 9.5, 35 / 9.5)),  # 5 were left over at the anchor
        (Anchor(0.5, 0.0), 5.0, (45 / 9.5, 45 / 9.5)),
        (Anchor(0.5, 0.0, 0.0, 8.0), 0.0, (40 / 9.5, 48 / 9.5)),  # 8 may have been lost to a full burst
        (Anchor(0.5, 0.0, 6.0, 8.0), 0.0, (46 / 9.5, 48 / 9.5)),  # 6 were lost, 8 at most
        (Anchor(2.5, 0.0), 0.0, None),  # 20 items are too few to tell
    ],
)
def test_meter(anchor: Anchor | None, level: float, measured: tuple[float, float] | None) -> None:
    meter = Meter(ledger(*((second, 10, 0) for second in (1.0, 2.0, 3.0, 4.0)), (10.0, 1, 1)))
    if anchor is not None:
        meter.anchor(anchor)
    assert meter.anchored is (anchor is not None)
    assert meter.seconds(10.0) == (0.0 if anchor is None else 10.0 - anchor.at)
    found = meter.measure(10.0, level)
    assert found == (measured if measured is None else pytest.approx(measured))


def test_meter_adds_up_waits() -> None:
    meter = Meter(Ledger())
    meter.waited(1.0, 2.0)
    assert meter.doubt == 0.0
    meter.anchor(Anchor(0.0, 0.0, 1.0, 4.0))
    meter.waited(0.5, 1.5)
    assert meter.doubt == 4.0


def test_catching_up_spends_four_fifths_and_then_ends() -> None:
    catch_up = CatchUp()
    assert not catch_up.active
    saved = catch_up.begin((0.0, 1.0), 40.0, 10.0, sure=True)
    assert (saved.spare, saved.least, saved.most) == pytest.approx((6.0, 0.0, 6.0))
    for second in range(7):
        assert catch_up.active
        catch_up.sent(float(second), 10)
    catch_up.sent(7.0, 10)
    assert not catch_up.active
    assert catch_up.covers(7.0)
    assert not catch_up.covers(7.1)


def test_catching_up_measures_a_small_burst() -> None:
    """A second's wait at 40/s gains 40. Two tenths after it 28 items went, of which 8 were gained since: a
    burst of 20."""
    catch_up = CatchUp()
    catch_up.begin((0.0, 1.0), 40.0, 14.0, sure=True)
    assert catch_up.active
    assert catch_up.covers(1.2)
    assert catch_up.since == 0.0
    catch_up.refused(1.2, 28.0, 40.0)
    assert catch_up.room == pytest.approx(20.0)
    saved = catch_up.begin((50.0, 51.0), 40.0, 14.0, sure=True)
    assert (saved.spare, saved.least, saved.most) == pytest.approx((1.2, 18.0, 22.0))


@pytest.mark.parametrize(("gained", "sure"), [(19.0, True), (40.0, False)])
def test_catching_up_is_for_a_long_wait_and_a_sure_rate(gained: float, sure: bool) -> None:
    catch_up = CatchUp()
    saved = catch_up.begin((0.0, 1.0), gained, 10.0, sure=sure)
    assert not catch_up.active
    assert saved.spare == pytest.approx(gained - 10.0)
    assert not catch_up.covers(0.0)
