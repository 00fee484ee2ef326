"""All faults at once, at random: every item still has exactly one outcome, and it is the truth."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkexo.model import Item, Outcome, Status
from bulkexo.pace import Pacer
from bulkexo.schedule import Rules, Settings
from bulkexo.wire import Lost, Reply

from .fakes import Answer, Arrival, FakeService, Sent, error, not_found, ok, passing, reply, throttled
from .world import SERVICE, PlainPacer, World, item

SAFE = ("Set-Mailbox", "Get-Mailbox")
ONCE = {
    "New-Mailbox": error(400, "X.ProxyAddressExistsException", "It is already being used."),
    "Add-MailboxPermission": error(400, "X.Y", "The appropriate access control entry is already present."),
    "Remove-Mailbox": error(404, "X.ManagementObjectNotFoundException", "It couldn't be found."),
}
"""Cmdlets that the service lets take effect once only, and what it says to a second one."""
CMDLETS = (*SAFE, *ONCE, "New-InboxRule", "Enable-Mailbox")


@dataclass
class Fickle:
    """A service that does something else each time, and keeps a ledger of what it did.

    counted: sendings that are attempts. ran: how often a cmdlet took effect. said: the last honest answer.
    """

    dice: random.Random
    per_cent: int
    counted: Counter[str] = field(default_factory=Counter)
    ran: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)

    def each(self, sent: Sent) -> Answer:
        looks: list[Callable[[Sent], Answer]] = [self.look, lambda _: passing(), lambda _: None]
        choices: list[Callable[[Sent], Answer]] = [
            self.done,
            lambda sent: self.attempt(sent, throttled()),
            lambda sent: self.attempt(sent, throttled(Retry_After="0.5")),
            lambda sent: self.attempt(sent, error(503)),
            lambda sent: self.attempt(sent, passing()),
            self.refused,
            self.fault,
            lambda sent: self.mute(sent, error(504)),
            lambda sent: self.mute(sent, None),
        ]
        answer: Answer = self.pick(looks if sent.key.startswith("look:") else choices)(sent)
        return answer

    def whole(self, arrival: Arrival) -> Reply | Lost | None:
        choices: list[Callable[[Arrival], Reply | Lost | None]] = [
            lambda arrival: None,
            lambda arrival: self.refuse(arrival, reply(throttled(Retry_After="2"))),
            lambda arrival: self.refuse(arrival, reply(error(503))),
            lambda arrival: self.refuse(arrival, reply(error(400))) if len(arrival.items) > 1 else None,
            lambda arrival: self.cut(arrival, Lost("Cut.", sent=True)),
            lambda arrival: self.cut(arrival, Reply(200, {}, b"<html>")),
            lambda arrival: Lost("No route.", sent=False),
        ]
        if arrival.nth > 30 and arrival.token.endswith("-1"):
            return reply(error(401))  # the first token has ended
        answer: Reply | Lost | None = self.pick(choices)(arrival)
        return answer

    def pick(self, choices: list[Any]) -> Any:
        return self.dice.choice(choices[1:]) if self.dice.random() * 100 < self.per_cent else choices[0]

    def attempt(self, sent: Sent, answer: Answer) -> Answer:
        self.counted[sent.key] += "skiptoken" not in sent.url
        return answer

    def look(self, sent: Sent) -> Answer:
        """Whether the rule is there; reads lag writes, so that a good look can come too early."""
        there = self.ran[sent.identity] and self.dice.random() < 0.7
        return ok({"Name": sent.identity}) if there else not_found()

    def refused(self, sent: Sent) -> Answer:
        """The truth: there is nothing of that name, unless the cmdlet made it."""
        if sent.cmdlet in ONCE and self.ran[sent.key]:
            return self.attempt(sent, ONCE[sent.cmdlet])
        return self.attempt(sent, error(403))

    def done(self, sent: Sent) -> Answer:
        if sent.cmdlet in ONCE and self.ran[sent.key]:
            return self.attempt(sent, ONCE[sent.cmdlet])
        self.run(sent)
        more = sent.cmdlet == "Get-Mailbox" and self.dice.random() < 0.3
        link = {"@odata.nextLink": f"{SERVICE.base}/InvokeCommand?$skiptoken={sent.nth}"} if more else {}
        return self.attempt(sent, ok({"Key": sent.key}, **link))

    def fault(self, sent: Sent) -> Answer:
        """The server's own: it may have run."""
        return self.mute(sent, error(500))

    def mute(self, sent: Sent, answer: Answer) -> Answer:
        """The answer is lost; the cmdlet may have run."""
        if self.dice.random() < 0.5:
            self.run(sent)
        self.lost[sent.key] += 1
        return self.attempt(sent, answer)

    def run(self, sent: Sent) -> None:
        if sent.key.startswith("look:") or (sent.cmdlet in ONCE and self.ran[sent.key]):
            return
        self.ran[sent.key] += 1
        self.order.append(sent.key)

    def refuse(self, arrival: Arrival, answer: Reply) -> Reply:
        for sent in arrival.items:
            self.attempt(sent, None)
        return answer

    def cut(self, arrival: Arrival, answer: Reply | Lost) -> Reply | Lost:
        for sent in arrival.items:
            self.mute(sent, None)
        return answer


def job(dice: random.Random, count: int) -> list[Item]:
    """Rows of one to three steps, on a few identities or on their own."""
    items: list[Item] = []
    for row in range(1, count + 1):
        for step in range(1, dice.choice([1, 1, 1, 2, 3]) + 1):
            identity = dice.choice(["ada", "ADA", "bob", "", f"user{row}"])
            items.append(named(item(row, dice.choice(CMDLETS), identity, step)))
    return items


def named(plain: Item) -> Item:
    """A rule has a name of its own, in a mailbox."""
    if plain.cmdlet != "New-InboxRule":
        return plain
    name = str(plain.parameters["Key"])
    return replace(plain, parameters={"Key": name, "Name": name, "Mailbox": plain.identity})


def check(world: World, fickle: Fickle, items: list[Item]) -> None:
    assert world.error is None
    assert world.complete is True
    ended = world.by_key
    assert sorted(ended) == sorted(f"{each.row}.{each.step}" for each in items)
    for name, outcome in ended.items():
        check_one(name, outcome, fickle)
        if outcome.item.step > 1:
            before = ended[f"{outcome.item.row}.{outcome.item.step - 1}"]
            assert (outcome.status is Status.SKIPPED) == (not before.status.good)
    assert world.service.most_of_one_identity <= 1
    lanes = world.scheduler._desk.lanes
    assert (lanes.open, lanes.ready, len(lanes._last_in_lane)) == (0, 0, 0)
    assert world.scheduler._desk.later.next == math.inf
    check_order(ended, fickle)


def check_one(name: str, outcome: Outcome, fickle: Fickle) -> None:
    assert outcome.attempts == fickle.counted[name]
    assert (outcome.started is None) == (outcome.attempts == 0)
    cmdlet = outcome.item.cmdlet
    unsafe = cmdlet not in SAFE
    if unsafe:
        assert fickle.ran[name] <= 1
        assert fickle.lost[name] or outcome.status is not Status.UNKNOWN
    if cmdlet == "Enable-Mailbox":
        assert (outcome.status is Status.UNKNOWN) == bool(fickle.lost[name])
    match outcome.status:
        case Status.SUCCEEDED:
            assert fickle.ran[name] >= 1
        case Status.FAILED:
            assert outcome.error is not None
            assert not unsafe or fickle.ran[name] == 0
        case Status.SKIPPED:
            assert (outcome.attempts, fickle.ran[name]) == (0, 0)
        case Status.UNKNOWN:
            assert unsafe
        case Status.UNCHANGED:
            raise AssertionError("There is always something to do.")


def check_order(ended: dict[str, Outcome], fickle: Fickle) -> None:
    """What took effect on one identity did so in the order of the job."""
    for identity in ("ada", "bob"):
        places = [
            (ended[name].item.row, ended[name].item.step)
            for name in fickle.order
            if ended[name].item.identity.lower() == identity
        ]
        assert places == sorted(places)


def go(seed: int, count: int, per_cent: int, pacer: type[Pacer], **options: Any) -> None:
    dice = random.Random(seed)
    fickle = Fickle(dice, per_cent)
    service = FakeService(fickle.each, fickle.whole, lambda arrival: dice.choice([0.1, 0.5, 3.0]))
    items = job(dice, count)
    world = World(service, settings=Settings(**options), random=dice.random, pacer=pacer, concurrency=6)
    check(world.run(items), fickle, items)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 60),
    per_cent=st.sampled_from([0, 5, 30, 60]),
    batch_size=st.integers(1, 10),
    retries=st.integers(0, 5),
    window=st.sampled_from([1, 7, 1000]),
)
def test_any_mixture_of_faults(
    seed: int, count: int, per_cent: int, batch_size: int, retries: int, window: int
) -> None:
    go(seed, count, per_cent, PlainPacer, batch_size=batch_size, rules=Rules(retries=retries), window=window)


@pytest.mark.parametrize("seed", range(3))
def test_a_longer_run_under_the_true_pacer(seed: int) -> None:
    go(seed, 400, 15, Pacer)
