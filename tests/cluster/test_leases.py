"""Leases under every order of beats, silence and clocks: never two at once."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bulkexo.cluster.leases import UNBEGUN, Leases
from bulkexo.spread import SLACK

LEASE = 10.0
WORKERS = ("w1", "w2", "w3")


def leases(room: int = 100) -> Leases:
    return Leases(LEASE, room)


def test_the_largest_goes_first_to_who_has_least() -> None:
    found = list(leases().choose({0: 10, 1: 300, 2: 150, 3: 100}, WORKERS[:2], 0.0))
    assert found == [(1, "w1"), (2, "w2"), (3, "w2"), (0, "w2")]


def test_no_worker_has_more_than_its_room() -> None:
    all_of = leases(room=2)
    found = list(all_of.choose(dict.fromkeys(range(9), 5), WORKERS, 0.0))
    assert len(found) == 6
    for number, worker in found:
        all_of.give(number, 1, worker, 5, 0.0)
    assert list(all_of.choose({7: 1}, WORKERS, 0.0)) == []
    all_of.done(found[0][0])
    assert list(all_of.choose({7: 1}, WORKERS, 0.0)) == [(7, found[0][1])]


def test_a_worker_that_never_begins_is_given_up_and_given_nothing_until_it_is_heard_of() -> None:
    all_of = leases()
    all_of.give(0, 1, "w1", 5, now=0.0)
    assert all_of.overdue(WORKERS, UNBEGUN - 1) == []
    assert all_of.overdue(WORKERS, UNBEGUN + 1) == [0]
    all_of.done(0)
    assert list(all_of.choose({0: 5}, ["w1"], UNBEGUN + 2)) == []
    all_of.heard("host", "w1", UNBEGUN + 2)
    assert list(all_of.choose({0: 5}, ["w1"], UNBEGUN + 2)) == [(0, "w1")]


def test_a_worker_that_is_not_heard_of_is_tried_again_after_a_while() -> None:
    all_of = leases()
    all_of.give(0, 1, "w1", 5, now=0.0)
    assert all_of.overdue(WORKERS, UNBEGUN + 1) == [0]
    all_of.done(0)
    assert list(all_of.choose({0: 5}, ["w1"], 2 * UNBEGUN)) == []
    assert list(all_of.choose({0: 5}, ["w1"], 2 * UNBEGUN + 2)) == [(0, "w1")]


def test_what_is_given_to_a_worker_that_dask_has_lost_goes_on_at_once_if_it_has_not_begun() -> None:
    all_of = leases()
    all_of.give(0, 1, "w1", 5, now=0.0)
    all_of.give(1, 1, "w1", 5, now=0.0)
    all_of.begin(1, "host", "w1", now=1.0)
    assert all_of.overdue(["w2"], 2.0) == [0]
    assert all_of.overdue(["w2"], 1.0 + LEASE + SLACK) == [0]
    assert sorted(all_of.overdue(["w2"], 1.1 + LEASE + SLACK)) == [0, 1]


def test_who_beats_again_is_told_what_is_gone_and_is_given_more() -> None:
    all_of = leases()
    all_of.give(0, 1, "w1", 5, now=0.0)
    all_of.begin(0, "host", "w1", now=0.0)
    assert all_of.beat("host", {0: 1}, 5.0) == frozenset()
    assert all_of.overdue(WORKERS, 16.0) == [0]
    all_of.done(0)
    assert list(all_of.choose({0: 5}, ["w1"], 17.0)) == []
    all_of.give(0, 2, "w2", 5, now=16.0)
    assert all_of.beat("host", {0: 1}, 17.0) == {(0, 1)}
    assert list(all_of.choose({3: 5}, ["w1"], 17.0)) == [(3, "w1")]


def test_what_a_process_had_to_drop_goes_on() -> None:
    """It beat all the time, and was not answered: its lease ran out, and ours did not."""
    all_of = leases()
    all_of.give(0, 1, "w1", 5, now=0.0)
    all_of.begin(0, "host", "w1", now=0.0)
    assert all_of.missing("host", {}, 1.0) == []
    assert all_of.missing("host", {0: 1}, 11.0) == []
    assert all_of.missing("host", {}, 11.0) == [0]


class Machine(RuleBasedStateMachine):
    """One tenant and three workers. A worker sends only while its lease lasts, counted from when it sent the
    beat that was answered; beats are late, and lost, and so are their answers."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.all_of = leases()
        self.generation = 0
        self.until: dict[int, float] = {}  # generation -> when the lease of its worker is over
        self.host: dict[int, str] = {}

    @rule(seconds=st.sampled_from([0.1, 0.4, 1.0, 3.0, 5.0, 9.8]))
    def passes(self, seconds: float) -> None:
        self.now += seconds
        if 0 in self.all_of.overdue(WORKERS, self.now):
            self.all_of.done(0)

    @rule(worker=st.sampled_from(WORKERS))
    def give(self, worker: str) -> None:
        if 0 not in self.all_of.lots:
            self.generation += 1
            self.all_of.give(0, self.generation, worker, 5, self.now)

    @rule(late=st.sampled_from([0.0, 0.2, 3.0]), answered=st.booleans())
    def begin(self, late: float, answered: bool) -> None:
        lot = self.all_of.lots.get(0)
        if lot is None or lot.host:
            return
        sent, generation = self.now, lot.generation
        self.now += late
        self.host[generation] = f"host of {lot.worker}"
        self.all_of.begin(0, self.host[generation], lot.worker, self.now)
        if answered:
            self.until[generation] = sent + LEASE

    @rule(back=st.integers(0, 2), late=st.sampled_from([0.0, 0.2, 3.0, 9.8, 20.0]), answered=st.booleans())
    def beat(self, back: int, late: float, answered: bool) -> None:
        generation = self.generation - back
        if generation not in self.until:
            return
        sent = self.now
        self.passes(late)
        gone = self.all_of.beat(self.host[generation], {0: generation}, self.now)
        if not answered:
            return
        if (0, generation) in gone:
            del self.until[generation]
        else:
            self.until[generation] = max(self.until[generation], sent + LEASE)

    @invariant()
    def never_two(self) -> None:
        sending = [generation for generation, until in self.until.items() if self.now < until]
        lot = self.all_of.lots.get(0)
        assert len(sending) <= 1
        assert not sending or (lot is not None and lot.generation == sending[0])


Machine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLeases = Machine.TestCase
