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
        (Anchor(0.5, 0.0, 0.0), 0.0, (40 / 9.5, 40 / 9.5)),  # nothing in doubt: one number
        (Anchor(0.5, 5.0, 0.0), 0.0, (35 / 9.5, 35 / 9.5)),  # 5 were left over at the anchor
        (Anchor(0.5, 0.0, 0.0), 5.0, (45 / 9.5, 45 / 9.5)),
        (Anchor(0.5, 0.0, 2.0), 0.0, (40 / 9.5, 40 / 7.5)),  # 2 s may have been lost to a full burst
        (Anchor(0.5, 0.0, 99.0), 0.0, (40 / 9.5, 40 / 2.85)),  # but never nearly all of it
        (Anchor(2.5, 0.0, 0.0), 0.0, None),  # 20 items are too few to tell
    ],
)
def test_meter(anchor: Anchor | None, level: float, measured: tuple[float, float] | None) -> None:
    meter = Meter(ledger(*((second, 10, 0) for second in (1.0, 2.0, 3.0, 4.0)), (10.0, 1, 1)))
    if anchor is not None:
        meter.anchor(anchor)
    assert meter.anchored is (anchor is not None)
    found = meter.measure(10.0, level)
    assert found == (measured if measured is None else pytest.approx(measured))


def test_meter_adds_up_waits() -> None:
    meter = Meter(Ledger())
    meter.waited(1.0)
    assert meter.idle == 0.0
    meter.anchor(Anchor(0.0, 0.0, 1.0))
    meter.waited(0.5)
    assert meter.idle == 1.5


def test_catching_up_spends_four_fifths_and_then_ends() -> None:
    catch_up = CatchUp()
    assert not catch_up.active
    assert catch_up.begin(30.0) == pytest.approx(6.0)
    for second in range(7):
        assert catch_up.active
        catch_up.sent(float(second), 10)
    catch_up.sent(7.0, 10)
    assert not catch_up.active
    assert catch_up.covers(7.0)
    assert not catch_up.covers(7.1)


def test_catching_up_learns_a_small_burst() -> None:
    catch_up = CatchUp()
    catch_up.begin(30.0)
    for second in range(3):
        catch_up.sent(float(second), 10)
    catch_up.refused()
    assert catch_up.begin(30.0) == pytest.approx(2.8)  # 7 of the 10 borne are spent, 9.8 reckoned with
    assert not CatchUp().covers(0.0)
    assert CatchUp().begin(0.5) == pytest.approx(0.1)
