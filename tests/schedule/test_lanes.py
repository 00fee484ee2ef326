"""Lanes: who may go now. Two items of one object are never out together and keep the job's order."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.model import Ended, Item, Status, Value
from bulkexo.schedule import Lanes, Order, Ticket

GOOD = Ended(Status.SUCCEEDED)
BAD = Ended(Status.FAILED)
IDENTITIES = ("", "ada@contoso.com", "ADA@contoso.com", "bob", "grüße")


def item(row: int, identity: str = "", step: int = 1, cmdlet: str = "Add-MailboxPermission") -> Item:
    return Item(row, step, cmdlet, identity, {}, {})


def add(lanes: Lanes, *items: Item) -> list[Ticket]:
    """The tickets that ended unsent by adding."""
    return [ticket for each in items for ticket in lanes.add(each, f"{each.row}.{each.step}")]


def names(tickets: list[Ticket]) -> list[str]:
    return [ticket.request_id for ticket in tickets]


def assert_empty(lanes: Lanes) -> None:
    assert (lanes.open, lanes.ready) == (0, 0)
    assert not lanes._last_in_lane
    assert not lanes._ready


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (item(1, "ada"), item(2, "bob"), True),
        (item(1, "ada"), item(2, "ada"), False),
        (item(1, "Ada@Contoso.com"), item(2, "ada@contoso.COM"), False),
        (item(1, "STRASSE"), item(2, "straße"), False),
        (item(1, "ada", cmdlet="Set-Mailbox"), item(2, "ada", cmdlet="Set-CASMailbox"), False),
        (item(1), item(2), True),  # New-DistributionGroup and its like: no identity, no lane
        (item(1, cmdlet="Set-OrganizationConfig"), item(2, cmdlet="set-organizationconfig"), False),
        (item(1, cmdlet="Set-OrganizationConfig"), item(2, cmdlet="Set-TransportConfig"), True),
    ],
)
def test_items_of_one_identity_are_not_out_together(first: Item, second: Item, together: bool) -> None:
    lanes = Lanes()
    add(lanes, first, second)
    assert len(lanes.take(10)) == (2 if together else 1)


def test_the_next_of_an_identity_goes_when_the_one_before_has_ended() -> None:
    lanes = Lanes()
    add(lanes, item(1, "a"), item(2, "a"), item(3, "b"), item(4, "a"))
    out = lanes.take(10)
    assert names(out) == ["1.1", "3.1"]
    assert lanes.end(out[1], GOOD) == []
    assert lanes.take(10) == []
    lanes.end(out[0], BAD)  # another row's failure dooms nobody
    out = lanes.take(10)
    assert names(out) == ["2.1"]
    lanes.end(out[0], GOOD)
    assert names(lanes.take(10)) == ["4.1"]


def test_a_retry_goes_before_those_behind_it() -> None:
    lanes = Lanes()
    add(lanes, item(1, "a"), item(2, "a"), item(3, "b"), item(4, "c"))
    out = lanes.take(2)
    lanes.give_back(out[0])
    assert names(lanes.take(10)) == ["1.1", "4.1"]


def test_a_ticket_that_must_go_apart_goes_alone() -> None:
    lanes = Lanes()
    add(lanes, *(item(row) for row in range(1, 6)))
    out = lanes.take(3)
    out[1].apart = True
    for ticket in reversed(out):
        lanes.give_back(ticket)
    assert [names(lanes.take(3)) for _ in range(4)] == [["1.1"], ["2.1"], ["3.1", "4.1", "5.1"], []]


@pytest.mark.parametrize(
    ("cmdlet", "api", "parameters"),
    [
        ("Set-Mailbox", "v2.0", {}),
        ("Get-EXOMailbox", "", {"Identity": "a"}),
        ("Get-MailboxStatistics", "", {"UseCustomRouting": True}),
    ],
)
def test_what_has_no_batches_goes_alone(cmdlet: str, api: str, parameters: dict[str, Value]) -> None:
    """v2.0 and GETs know none; the module never batches what is routed by its mailbox (protocol.md)."""
    lanes = Lanes()
    alone = [replace(item(row, f"u{row}", cmdlet=cmdlet), api=api, parameters=parameters) for row in (2, 3)]
    add(lanes, item(1), *alone, item(4))
    assert sorted(names(lanes.take(10)) for _ in range(4)) == [[], ["1.1", "4.1"], ["2.1"], ["3.1"]]


@pytest.mark.parametrize("order", list(Order))
def test_steps_of_a_row_go_one_after_another(order: Order) -> None:
    lanes = Lanes(order)
    add(lanes, item(1, "a", 1), item(1, "b", 2), item(1, "", 3))
    gone = []
    while out := lanes.take(10):
        gone.append(names(out))
        assert lanes.end(out[0], GOOD) == []
    assert gone == [["1.1"], ["1.2"], ["1.3"]]
    assert_empty(lanes)


@pytest.mark.parametrize("order", list(Order))
def test_steps_after_a_failed_one_end_unsent_in_order(order: Order) -> None:
    lanes = Lanes(order)
    add(lanes, item(1, "a", 1), item(1, "b", 2), item(1, "c", 3), item(2, "b", 1))
    if order is not Order.FILE:
        assert lanes.ready == (1 if order is Order.IDENTITY else 2)
    first = lanes.take(1)[0]
    assert names(lanes.end(first, BAD)) == ["1.2", "1.3"]
    assert names(lanes.take(10)) == ["2.1"]
    assert lanes.open == 1


def test_a_step_read_after_the_earlier_one_has_ended() -> None:
    lanes = Lanes()
    add(lanes, item(1, "a", 1))
    lanes.end(lanes.take(1)[0], BAD)
    assert names(add(lanes, item(1, "a", 2), item(1, "a", 3))) == ["1.2", "1.3"]
    add(lanes, item(2, "a", 1))
    lanes.end(lanes.take(1)[0], GOOD)
    assert add(lanes, item(2, "a", 2)) == []
    lanes.end(lanes.take(1)[0], GOOD)
    assert_empty(lanes)


def test_order_none_lets_one_identity_go_together() -> None:
    lanes = Lanes(Order.NONE)
    add(lanes, item(1, "a"), item(2, "a"))
    assert len(lanes.take(10)) == 2


def test_order_file_is_one_at_a_time() -> None:
    lanes = Lanes(Order.FILE)
    add(lanes, *(item(row, str(row)) for row in range(1, 4)))
    gone = []
    while out := lanes.take(10):
        gone.append(names(out))
        lanes.end(out[0], BAD)
    assert gone == [["1.1"], ["2.1"], ["3.1"]]


def test_a_thousand_rows_doomed_behind_one_object() -> None:
    """Each row's first step fails, and every second step concerns the same group."""
    lanes = Lanes()
    add(lanes, item(1, "group"))
    holder = lanes.take(1)[0]
    for row in range(2, 1002):
        add(lanes, item(row, f"user{row}", 1), item(row, "group", 2))
    for ticket in lanes.take(1000):
        assert lanes.end(ticket, BAD) == []
    assert names(lanes.end(holder, GOOD)) == [f"{row}.2" for row in range(2, 1002)]
    assert_empty(lanes)


class Walk:
    """A random course of the life of some rows, with the rules checked at each step."""

    def __init__(self, rows: list[list[tuple[str, bool]]], order: Order, seed: int) -> None:
        self.items = [
            (item(row, identity, step), fails)
            for row, steps in enumerate(rows, 1)
            for step, (identity, fails) in enumerate(steps, 1)
        ]
        self.order = order
        self.random = random.Random(seed)
        self.lanes = Lanes(order)
        self.fails = {(each.row, each.step): fails for each, fails in self.items}
        self.out: list[Ticket] = []
        self.ended: dict[tuple[int, int], str] = {}
        self.added: list[Item] = []

    def run(self) -> None:
        coming = iter(self.items)
        moves = [self.take, self.end, self.give_back]
        for each, _ in coming:
            while self.random.random() < 0.6:
                self.random.choice(moves)()
            self.added.append(each)
            self.note_skipped(self.lanes.add(each, ""))
        while self.lanes.open:
            self.random.choice(moves)()
        assert_empty(self.lanes)

    def take(self) -> None:
        taken = self.lanes.take(self.random.randint(1, 4))
        for ticket in taken:
            self.check_may_go(ticket.item)
            self.out.append(ticket)

    def check_may_go(self, new: Item) -> None:
        """Everything that the order puts before it has ended, and well where it is the same row."""
        for earlier in self.added[: self.added.index(new)]:
            same_row = earlier.row == new.row
            same_lane = {
                Order.NONE: False,
                Order.FILE: True,
                Order.IDENTITY: new.identity != "" and earlier.identity.lower() == new.identity.lower(),
            }[self.order]
            if same_row:
                assert self.ended.get((earlier.row, earlier.step)) == "good"
            elif same_lane:
                assert (earlier.row, earlier.step) in self.ended

    def end(self) -> None:
        if self.out:
            ticket = self.out.pop(self.random.randrange(len(self.out)))
            bad = self.fails[ticket.item.row, ticket.item.step]
            self.note(ticket, "bad" if bad else "good")
            self.note_skipped(self.lanes.end(ticket, BAD if bad else GOOD))

    def give_back(self) -> None:
        if self.out:
            self.lanes.give_back(self.out.pop(self.random.randrange(len(self.out))))

    def note_skipped(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            before = self.ended[ticket.item.row, ticket.item.step - 1]
            assert before in ("bad", "skipped")
            self.note(ticket, "skipped")

    def note(self, ticket: Ticket, how: str) -> None:
        place = (ticket.item.row, ticket.item.step)
        assert place not in self.ended
        self.ended[place] = how
        assert (ticket.waiting, ticket.previous_step) == (0, None)


STEPS = st.lists(st.tuples(st.sampled_from(IDENTITIES), st.booleans()), min_size=1, max_size=4)


@given(
    st.lists(STEPS, max_size=12),
    st.sampled_from(Order),
    st.integers(0, 2**32),
)
def test_any_course_keeps_the_rules(rows: list[list[tuple[str, bool]]], order: Order, seed: int) -> None:
    walk = Walk(rows, order, seed)
    walk.run()
    for row, steps in enumerate(rows, 1):
        alive = True
        for step, (_, fails) in enumerate(steps, 1):
            expected = "skipped" if not alive else "bad" if fails else "good"
            assert walk.ended[row, step] == expected
            alive = expected == "good"
    assert walk.lanes.open == 0


def test_a_batch_is_of_one_door_and_the_doors_take_turns() -> None:
    lanes = Lanes()
    apis = ["", "compliance", "", "", "compliance", "", "compliance"]
    add(lanes, *(replace(item(row), api=api) for row, api in enumerate(apis, 1)))
    assert lanes.ready == 7
    assert names(lanes.take(2)) == ["1.1", "3.1"]
    assert names(lanes.take(2)) == ["2.1", "5.1"]
    assert names(lanes.take(10)) == ["4.1", "6.1"]
    assert names(lanes.take(10)) == ["7.1"]
    assert lanes.take(10) == []


def test_order_holds_across_doors() -> None:
    lanes = Lanes()
    add(lanes, item(1, "ada"), replace(item(2, "ada"), api="compliance"))
    out = lanes.take(10)
    assert names(out) == ["1.1"]
    assert lanes.take(10) == []
    lanes.end(out[0], GOOD)
    assert names(lanes.take(10)) == ["2.1"]
