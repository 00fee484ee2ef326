"""The ledger under every interleaving: nothing lost, nothing with two, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bulkexo.cluster.ledger import Ledger
from bulkexo.cluster.messages import Given, SupersededError
from bulkexo.model import Earlier, Ended, Item, Outcome, Page, Status

STEPS = 2
ROWS = 12


class Rule:
    """A step whose successor names a member of what it returned."""

    keeps = frozenset({"guid"})
    needs: Mapping[int, frozenset[str]] = MappingProxyType({})
    retry_not_found = 0.0

    def chosen(self, item: Item, values: Any) -> Any:
        return values

    def against(self, item: Item, earlier: Earlier) -> str:
        return ""

    def bind(self, item: Item, earlier: Earlier) -> Item:
        return item


def item(row: int, step: int = 1) -> Item:
    return Item(row, step, "New-Mailbox", f"user{row}", {}, {}, rule=Rule())


def outcome(of: Item, status: Status = Status.SUCCEEDED, *, value: Any = (), paged: bool = False) -> Outcome:
    return Outcome(of, status, 1, 200, 0.0, 0.1, "id", value=value, paged=paged)


def items() -> Iterator[Item]:
    return (item(row, step) for row in range(1, ROWS + 1) for step in range(1, STEPS + 1))


class Past:
    """An earlier process had announced row 3, and ended the first step of row 5."""

    def unsettled(self, of: Item) -> bool:
        return (of.row, of.step) == (3, 1)

    def earlier(self, of: Item) -> Earlier:
        return {1: Ended(Status.UNCHANGED)} if of.row == 5 else {}


class Machine(RuleBasedStateMachine):
    """Workers of several generations say what they please; the present one alone is heard."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(STEPS, Past())
        self.ledger.load(each for each in items() if (each.row, each.step) != (5, 1))
        self.all = {(each.row, each.step) for each in items()} - {(5, 1)}
        self.ended: dict[tuple[int, int], Status] = {}
        self.announced: set[tuple[int, int]] = {(3, 1)}
        self.has: dict[int, dict[tuple[int, int], Given]] = {}
        self.kept: set[tuple[int, int]] = set()
        self.over = False

    def heard(self, generation: int) -> bool:
        return generation == self.ledger.generation and bool(self.ledger.host)

    @rule()
    def give(self) -> None:
        before = self.ledger.generation
        assert self.ledger.give() == before + 1
        self.has[self.ledger.generation] = {}

    @precondition(lambda self: self.ledger.generation)
    @rule(host=st.sampled_from("abc"), back=st.integers(0, 2))
    def begin(self, host: str, back: int) -> None:
        generation = self.ledger.generation - back
        if back or self.ledger.host:
            with pytest.raises(SupersededError):
                self.ledger.begin(generation, host)
        else:
            self.ledger.begin(generation, host)

    @rule(count=st.integers(1, 7), back=st.integers(0, 1))
    def more(self, count: int, back: int) -> None:
        generation = self.ledger.generation - back
        if not self.heard(generation):
            with pytest.raises(SupersededError):
                self.ledger.more(generation, count)
            return
        found = self.ledger.more(generation, count)
        keys = [(each.item.row, each.item.step) for each in found.given]
        assert len(keys) <= count
        assert keys == sorted(keys)
        mine = self.has[generation]
        for key, given in zip(keys, found.given, strict=True):
            assert key not in mine, "given twice to one worker"
            assert key not in self.ended, "given though it has ended"
            assert given.recovered is (key in self.announced)
            mine[key] = given
            if key[1] > 1:
                known = {1: Status.UNCHANGED} if key[0] == 5 else {}
                known |= {1: self.ended[key[0], 1]} if (key[0], 1) in self.ended else {}
                assert {step: how.status for step, how in (given.before or {}).items()} == known
        self.over = found.over

    def some(self, data: Any, generation: int) -> list[tuple[int, int]]:
        mine = sorted(self.has.get(generation, {}))
        return data.draw(st.lists(st.sampled_from(mine), unique=True, max_size=4)) if mine else []

    @rule(data=st.data(), back=st.integers(0, 1), withdrawn=st.booleans())
    def announce(self, data: Any, back: int, withdrawn: bool) -> None:
        generation = self.ledger.generation - back
        mine = [item(*key) for key in self.some(data, generation)]
        act = self.ledger.withdraw if withdrawn else self.ledger.announce
        if not self.heard(generation):
            with pytest.raises(SupersededError):
                act(generation, mine)
            return
        keys = {(each.row, each.step) for each in act(generation, mine)}
        assert keys == {(each.row, each.step) for each in mine} - self.ended.keys()
        if withdrawn:  # what was recovered stays in doubt
            self.announced -= {key for key in keys if not self.has[generation][key].recovered}
        else:
            self.announced |= keys

    @rule(data=st.data(), back=st.integers(0, 1), status=st.sampled_from(Status))
    def end(self, data: Any, back: int, status: Status) -> None:
        generation = self.ledger.generation - back
        said = [outcome(item(*key), status) for key in self.some(data, generation)]
        if not self.heard(generation):
            with pytest.raises(SupersededError):
                self.ledger.end(generation, said)
            return
        counted = [(each.item.row, each.item.step) for each in self.ledger.end(generation, said)]
        for key in counted:
            assert key not in self.ended, "ended twice"
            self.ended[key] = status
        assert set(counted) == {(each.item.row, each.item.step) for each in said} & set(counted)
        assert all((each.item.row, each.item.step) in self.ended for each in said)

    @rule(data=st.data())
    def keep(self, data: Any) -> None:
        generation = self.ledger.generation
        if self.heard(generation):
            for key in self.some(data, generation):
                first = self.ledger.first_kept(generation, item(*key))
                assert not self.ledger.first_kept(generation, item(*key))
                assert first is (key not in self.ended and key not in self.kept)
                self.kept.add(key)

    @invariant()
    def nothing_is_lost(self) -> None:
        mine = self.has.get(self.ledger.generation, {}).keys() - self.ended.keys()
        assert self.ledger.given == len(mine)
        assert self.ledger.over is (self.all == self.ended.keys() and self.over)

    def teardown(self) -> None:
        """Whatever happened, one more worker ends all that has not ended, and nothing else."""
        generation = self.ledger.give()
        self.ledger.begin(generation, "last")
        left: list[tuple[int, int]] = []
        while True:
            found = self.ledger.more(generation, 5)
            left += [(each.item.row, each.item.step) for each in found.given]
            self.ledger.end(generation, [outcome(each.item) for each in found.given])
            if found.over:
                break
        assert sorted(left) == sorted(self.all - self.ended.keys())
        assert self.ledger.over
        assert not self.ledger._rows, "rows that are done are kept"
        assert not self.ledger._announced


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLedger = Machine.TestCase


def test_what_a_worker_knew_of_earlier_steps_its_successor_is_told() -> None:
    ledger = Ledger(STEPS)
    ledger.load(items())
    ledger.begin(ledger.give(), "a")
    first = ledger.more(1, 1).given[0].item
    ledger.pages(1, [Page(first, [{"Guid": "void"}], first=True)])
    ledger.pages(1, [Page(first, [{"Guid": "x", "Name": "ada"}], first=True)])
    ledger.pages(1, [Page(first, [{"Guid": "y"}], first=False)])
    ledger.end(1, [outcome(first, paged=True)])
    ledger.begin(ledger.give(), "b")
    (second,) = ledger.more(2, 1).given
    assert second.before == {1: Ended(Status.SUCCEEDED, [{"guid": "x"}, {"guid": "y"}], 2)}
    assert not second.recovered


def test_what_one_page_held_is_told_too() -> None:
    ledger = Ledger(STEPS)
    ledger.load(items())
    ledger.begin(ledger.give(), "a")
    given = ledger.more(1, 2).given
    ledger.end(1, [outcome(given[0].item, value=[{"Guid": "x"}, {"Name": "no guid"}])])
    ledger.begin(ledger.give(), "b")
    (again,) = ledger.more(2, 1).given
    assert again.before == {1: Ended(Status.SUCCEEDED, [{"guid": "x"}, {}], 2)}


def test_items_that_cannot_be_read_stop_whoever_asks() -> None:
    def broken() -> Iterator[Item]:
        yield item(1)
        raise SupersededError("The file has changed.")

    ledger = Ledger(1)
    ledger.load(broken())
    ledger.begin(ledger.give(), "a")
    with pytest.raises(SupersededError, match="has changed"):
        ledger.more(1, 10)
    assert not ledger.over
