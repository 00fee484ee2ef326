"""Places: fewer in flight on a complaint, one more now and then."""

from __future__ import annotations

import pytest

from bulkexo.pace.ledger import Flight
from bulkexo.pace.places import FIRST, LONGEST, QUICK, Places


@pytest.mark.parametrize(
    ("ceiling", "abreast", "limit"), [(64, 9, 8), (64, 1, 1), (4, 9, 3), (1, 1, 1), (10, 10, 9)]
)
def test_a_complaint_leads_below_what_was_in_flight(ceiling: int, abreast: int, limit: int) -> None:
    places = Places(ceiling)
    places.refused(Flight(1.0, 10, abreast), 1.1)
    assert places.limit == limit
    assert places.learned == (limit if limit < ceiling else None)


def test_what_was_sent_before_the_cut_does_not_cut_again() -> None:
    places = Places(64)
    places.refused(Flight(1.0, 10, 9), 1.2)
    places.refused(Flight(1.1, 10, 10), 1.3)
    places.refused(Flight(1.15, 10, 7), 1.3)
    assert places.limit == 8


def test_one_more_is_tried_after_a_while_when_all_places_are_taken() -> None:
    places = Places(64)
    places.refused(Flight(0.0, 10, 9), 0.0)
    wait = 2 * FIRST
    assert not places.may_try(wait - 1, 8)
    assert not places.may_try(wait, 7)
    assert places.may_try(wait, 8)
    trial = Flight(wait, 1, 9)
    places.sent(trial)
    assert not places.may_try(wait + 1, 8)
    places.passed(Flight(wait, 1, 9), wait + 1)  # another batch, just like it
    assert places.limit == 8
    places.passed(trial, wait + 1)
    assert places.limit == 9


def test_tries_that_fail_grow_rare_and_those_that_succeed_frequent() -> None:
    places, now, waits = Places(64), 0.0, []
    places.refused(Flight(now, 10, 9), now)
    for _ in range(6):
        start = now
        while not places.may_try(now, 8):
            now += 1.0
        waits.append(now - start)
        trial = Flight(now, 1, 9)
        places.sent(trial)
        places.refused(trial, now)
    assert waits == [2 * FIRST, 4 * FIRST, 8 * FIRST, LONGEST, LONGEST, LONGEST]
    for limit in (8, 9, 10):
        now += LONGEST if limit < 10 else QUICK
        assert places.may_try(now, limit)
        trial = Flight(now, 1, limit + 1)
        places.sent(trial)
        places.passed(trial, now)


def test_a_try_that_fails_is_told_from_a_limit_that_has_shrunk() -> None:
    places = Places(64)
    places.refused(Flight(0.0, 10, 9), 0.0)
    assert not places.trying(Flight(1.0, 10, 8))
    places.sent(trial := Flight(100.0, 1, 9))
    assert places.trying(trial)
    places.passed(trial, 100.5)
    late = Flight(101.0, 10, 9)  # room for nine was found a moment ago: by luck, it seems
    assert places.trying(late)
    places.refused(late, 101.0)
    assert places.limit == 8
    assert not places.trying(Flight(102.0, 10, 8))


def test_never_above_the_ceiling_or_what_was_learned() -> None:
    assert Places(10, 99).limit == 10
    assert Places(10, 4).limit == 4
    places = Places(2)
    assert not places.may_try(1e9, 2)
