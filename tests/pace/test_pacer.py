"""Pacer: against tenants of a few lines, and its signals one by one."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.pace import Backoff, Learned, Pacer, Sighting, State

from .tenant import Tenant, drive


def pacer(
    rate: float | None = None,
    concurrency: int = 64,
    learned: Learned | None = None,
    give_up_after: float | None = None,
) -> Pacer:
    return Pacer(
        rate=rate,
        concurrency=concurrency,
        backoff=Backoff(Random(1).random),
        learned=learned,
        give_up_after=give_up_after,
    )


@pytest.mark.parametrize(("rate", "refused"), [(5.0, 0.03), (40.0, 0.01), (200.0, 0.01)])
@pytest.mark.parametrize(
    "named", [lambda wait: wait, lambda wait: wait / 2, lambda wait: None], ids=["exact", "short", "absent"]
)
def test_steady_state(rate: float, refused: float, named: object) -> None:
    tenant = Tenant(lambda now: rate, burst=max(20.0, rate / 4), retry_after=named)  # type: ignore[arg-type]
    course = drive(pacer(), tenant.reply, 300.0)
    assert course.goodput(30.0, 300.0) >= 0.97 * rate
    assert course.share_refused(30.0) <= refused


@pytest.mark.parametrize("burst", [20.0, 40.0])
def test_waits_of_whole_seconds_cost_no_more_than_they_must(burst: float) -> None:
    """A refusal stops everybody for a second, in which 40 are gained and `burst` can be saved up."""
    tenant = Tenant(lambda now: 40.0, burst=burst, retry_after=math.ceil)
    course = drive(pacer(), tenant.reply, 600.0)
    assert course.goodput(60.0, 600.0) >= 0.97 * 40.0
    assert course.share_refused(30.0) <= 0.003
    for second in range(180, 590, 10):
        assert course.goodput(second, second + 10.0) >= 0.85 * 40.0


def test_slow_replies_that_refuse_within_a_batch() -> None:
    level, at = 100.0, 0.0

    def reply(now: float, items: int) -> Sighting:
        nonlocal level, at
        level, at = min(100.0, level + (now - at) * 100.0), now
        granted = min(items, int(level))
        level -= granted
        wait = (1.0 - level) / 100.0 if granted < items else None
        return Sighting(now, now + 1.0, items, refused=items - granted, retry_after=wait)

    course = drive(pacer(), reply, 300.0)
    assert course.goodput(30.0, 300.0) >= 0.98 * 100.0
    assert course.share_refused(30.0) <= 0.01


def test_another_client_that_takes_half_provokes_few_refusals() -> None:
    random, other = Random(7), 0.0
    tenant = Tenant(lambda now: 80.0, burst=40.0)

    def reply(now: float, items: int) -> Sighting:
        nonlocal other
        while other < now:
            tenant.reply(max(other, tenant.at), 1)
            other += (0.5 + random.random()) / 40.0
        return tenant.reply(now, items)

    course = drive(pacer(), reply, 600.0)
    assert course.goodput(30.0, 600.0) >= 0.97 * 40.0
    assert course.share_refused(30.0) <= 0.01


@pytest.mark.parametrize("rate", [5.0, 40.0, 200.0])
def test_halved_then_doubled(rate: float) -> None:
    tenant = Tenant(lambda now: rate / 2 if 200 <= now < 400 else rate)
    course = drive(pacer(), tenant.reply, 600.0)
    for change, allowed in ((200.0, rate / 2), (400.0, rate)):
        back = change + max(10.0, 400 / allowed)
        assert course.goodput(back, back + 100 / allowed + 10) >= 0.9 * allowed


def test_what_was_learned_is_the_next_start() -> None:
    first = pacer()
    drive(first, Tenant(lambda now: 40.0).reply, 120.0)
    assert first.learned.rate == pytest.approx(40.0, rel=0.05)
    assert first.learned.concurrency is None
    course = drive(pacer(learned=first.learned), Tenant(lambda now: 40.0).reply, 20.0)
    assert course.goodput(0.0, 20.0) >= 0.95 * 40.0


def test_the_users_ceilings_are_never_passed_and_never_goals() -> None:
    course = drive(pacer(rate=12.0, concurrency=3), Tenant(lambda now: 400.0, level=400.0).reply, 120.0)
    assert course.rate <= 12.0
    assert max(course.concurrency, course.in_flight) <= 3
    assert course.goodput(30.0, 120.0) == pytest.approx(12.0, rel=0.05)
    course = drive(pacer(rate=400.0, concurrency=64), Tenant(lambda now: 5.0).reply, 120.0)
    assert course.goodput(30.0, 120.0) <= 5.5
    assert course.share_refused(30.0) <= 0.04


def test_at_the_ceiling_batches_are_whole() -> None:
    limited = pacer(rate=12.0, learned=Learned(100.0))
    drive(limited, Tenant(lambda now: 400.0).reply, 60.0)
    assert limited.allowance(60.0).batch_size == 10


def test_a_slow_mailbox_in_every_fifth_batch_slows_nothing() -> None:
    slow = Tenant(lambda now: 40.0, took=lambda now: 30.0 if int(now * 4) % 5 == 0 else 0.3)
    assert drive(pacer(), slow.reply, 200.0).goodput(60.0, 160.0) >= 0.9 * 40.0


def test_silent_delays_ease_the_pace_before_any_refusal() -> None:
    free = 0.0

    def reply(now: float, items: int) -> Sighting:
        nonlocal free
        free = max(now, free) + items / 20.0
        return Sighting(now, free + 0.3, items)

    eased = pacer(concurrency=1000)
    course = drive(eased, reply, 300.0)
    assert course.goodput(60.0, 300.0) == pytest.approx(20.0, rel=0.05)
    assert free - 300.0 < 10.0  # 5 a second too many for 15 s, and no more since


def test_crowded_means_fewer_in_flight_not_slower() -> None:
    taken: list[float] = []

    def reply(now: float, items: int) -> Sighting:
        taken[:] = [end for end in taken if end > now]
        if len(taken) >= 4:
            return Sighting(now, now + 0.05, items, refused=items, crowded=True, retry_after=0.2)
        taken.append(now + 0.5)
        return Sighting(now, now + 0.5, items)

    crowded = pacer()
    course = drive(crowded, reply, 300.0)
    assert crowded.learned.concurrency in (4, 5)
    assert course.goodput(30.0, 300.0) >= 0.95 * 80
    assert course.share_refused(30.0) <= 0.01


def test_a_failed_try_for_one_more_place_holds_nobody() -> None:
    tried = pacer(learned=Learned(400.0, 2))
    for now in (100.0, 100.1):
        tried.sent(now, 10)
    assert (tried.allowance(100.2).concurrency, tried.allowance(100.2).batch_size) == (3, 1)
    tried.sent(100.2, 1)
    tried.saw(Sighting(100.2, 100.3, 1, refused=1, crowded=True, retry_after=9.0))
    assert tried.allowance(100.3).hold_until == 0.0
    assert tried.allowance(100.3).concurrency == 2
    tried.saw(Sighting(100.1, 100.4, 10, refused=10, crowded=True, retry_after=9.0))
    assert tried.allowance(100.4).hold_until == pytest.approx(109.4)


@pytest.mark.parametrize(
    ("sighting", "until"),
    [
        (Sighting(0.0, 1.0, 10, refused=10, retry_after=7.5), 8.5),
        (Sighting(0.0, 1.0, 10, refused=1, retry_after=7.5), 8.5),  # inside a batch: the whole tenant waits
        (Sighting(0.0, 1.0, 10, busy=True, retry_after=3.0), 4.0),
        (Sighting(0.0, 1.0, 10, remaining=3, reset=20.0), 21.0),
        (Sighting(0.0, 1.0, 10, remaining=29_000, reset=20.0), 0.0),
        (Sighting(0.0, 1.0, 10, remaining=3), 0.0),
        (Sighting(0.0, 1.0, 10, failed=2), 0.0),
        (Sighting(0.0, 1.0, 10, busy=True), 0.0),
        (Sighting(0.0, 1.0, 10, refused=10, retry_after=1e12), 86401.0),
    ],
)
def test_what_holds_the_tenant(sighting: Sighting, until: float) -> None:
    held = pacer()
    held.sent(0.0, 10)
    held.saw(sighting)
    assert held.allowance(1.0).hold_until == pytest.approx(until, abs=0.4)
    assert held.allowance(1.0).state is (State.HELD if until else State.OPEN)
    assert held.allowance(1e6).state is State.OPEN


@pytest.mark.parametrize("asked", [math.inf, -math.inf, math.nan, -5.0])
def test_a_wait_that_is_no_number_is_none(asked: float) -> None:
    held = pacer()
    held.saw(Sighting(0.0, 1.0, 10, busy=True, retry_after=asked))
    assert held.allowance(1.0).hold_until <= 1.0


def test_refusals_in_a_row_without_a_named_time_are_held_ever_longer() -> None:
    held, now, waits = pacer(), 0.0, []
    for _ in range(8):
        held.sent(now, 10)
        held.saw(Sighting(now, now + 0.1, 10, refused=10))
        waits.append(held.allowance(now).hold_until - now)
        now = max(now + 0.2, held.allowance(now).hold_until)
    assert max(waits[3:]) > 4.0
    assert held.allowance(now).rate == pytest.approx(8.5, rel=0.9)


@pytest.mark.parametrize("named", [None, 20.0])
def test_after_an_hour_of_refusals_it_is_back_within_a_minute_or_two(named: float | None) -> None:
    tenant = Tenant(lambda now: 40.0, burst=40.0)

    def reply(now: float, items: int) -> Sighting:
        if 100.0 <= now < 3700.0:
            return Sighting(now, now + 0.05, items, refused=items, retry_after=named)
        return tenant.reply(now, items)

    course = drive(pacer(), reply, 4000.0)
    assert sum(items for at, items in course.refused if 100.0 <= at < 3700.0) < 2000  # ten in 20 s
    assert course.goodput(3820.0, 4000.0) >= 0.95 * 40.0


def test_a_sick_service_gets_one_batch_at_a_time_until_one_succeeds() -> None:
    sick, now = pacer(), 0.0
    while (allowed := sick.allowance(now)).state is not State.SICK:
        sick.sent(now, 10)
        sick.saw(Sighting(now, now + 0.1, 10, busy=True))
        now += 1.0
    assert now == 11.0
    assert allowed.concurrency == 1
    now = max(now, allowed.hold_until)
    sick.sent(now, 10)
    sick.saw(Sighting(now, now + 0.1, 10))
    assert sick.allowance(now + 0.1).state is State.OPEN
    assert sick.allowance(now + 0.1).concurrency == 64


def test_giving_up() -> None:
    patient = pacer(give_up_after=600.0)
    assert patient.allowance(0.0).give_up_at == math.inf
    patient.sent(5.0, 10)
    assert patient.allowance(5.0).give_up_at == 605.0
    patient.saw(Sighting(5.0, 6.0, 10, refused=10, retry_after=7200.0))
    assert patient.allowance(6.0).give_up_at == 605.0
    patient.sent(7.0, 10)
    patient.saw(Sighting(7.0, 8.0, 10, refused=9))
    assert patient.allowance(8.0).give_up_at == 608.0


def test_a_batch_never_announced_counts_as_sent_when_it_was() -> None:
    quiet = pacer()
    for second in range(100):
        quiet.saw(Sighting(float(second), second + 0.5, 10))
    assert quiet.allowance(100.0).rate is not None


amounts = st.floats(allow_nan=True, allow_infinity=True)
steps = st.tuples(
    st.integers(1, 10),  # items
    st.floats(0.0, 100.0),  # until the next batch
    st.floats(0.0, 1000.0),  # until its reply
    st.integers(0, 10),  # refused
    st.integers(0, 10),  # failed
    st.booleans(),  # crowded
    st.booleans(),  # busy
    st.one_of(st.none(), amounts),  # retry_after
    st.one_of(st.none(), amounts),  # remaining, and reset
)


@given(st.lists(steps, max_size=60), st.one_of(st.none(), st.floats(0.01, 1000.0)), st.integers(1, 100))
def test_any_course_stays_within_bounds(
    course: list[tuple[int, float, float, int, int, bool, bool, float | None, float | None]],
    ceiling: float | None,
    places: int,
) -> None:
    tried, now, open_batches = pacer(ceiling, places), 0.0, list[Sighting]()
    for items, wait, took, refused, failed, crowded, busy, asked, other in course:
        tried.sent(now, items)
        bad = min(refused, items)
        rest = min(failed, items - bad)
        open_batches.append(
            Sighting(now, now + took, items, bad, asked, crowded and bad > 0, busy, other, other, rest)
        )
        now += wait
        for sighting in sorted(open_batches, key=lambda seen: seen.ended):
            if sighting.ended <= now:
                open_batches.remove(sighting)
                tried.saw(sighting)
                _check(tried, sighting.ended, ceiling, places)
        _check(tried, now, ceiling, places)


def _check(tried: Pacer, now: float, ceiling: float | None, places: int) -> None:
    allowed = tried.allowance(now)
    assert allowed.rate is not None
    assert 0 < allowed.rate < math.inf
    assert allowed.rate <= (ceiling or math.inf)
    assert 1 <= allowed.concurrency <= places
    assert 1 <= allowed.batch_size <= 10
    assert allowed.hold_until <= now + 86400.0
