"""A run that goes on: what an earlier process left in doubt is settled as a lost answer is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from bulkexo.model import Earlier, Ended, Item, Status
from bulkexo.schedule import OnUnknown, Rules, Settings
from bulkexo.wire import Lost

from .fakes import LATENCY, FakeService, error, ok
from .test_lost import SECOND, Ledger, rule, sent_as
from .world import World, item, key, rows


@dataclass
class Left:
    """in_doubt: keys of what was announced and has no line. bad: of rows of which a step failed."""

    in_doubt: frozenset[str] = frozenset()
    bad: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def unsettled(self, item: Item) -> bool:
        self.asked.append(key(item))
        return key(item) in self.in_doubt

    def earlier(self, item: Item) -> Earlier:
        return {item.step - 1: Ended(Status.FAILED)} if key(item) in self.bad else {}


def resumed(service: FakeService, items: Iterable[Item], *in_doubt: str, **options: object) -> World:
    known = frozenset(in_doubt)
    world = World(service, past=Left(known), known=known, **options)  # type: ignore[arg-type]
    return world.run(items)


@pytest.mark.parametrize("cmdlet", SECOND)
@pytest.mark.parametrize("had_run", [True, False])
@pytest.mark.parametrize("retries", [0, 5])
def test_what_may_go_again_goes_at_once(cmdlet: str, had_run: bool, retries: int) -> None:
    ledger = Ledger(frozenset())
    in_doubt = [f"{row}.1" for row in range(1, 8)]
    ledger.effects.update(in_doubt if had_run else [])
    service = FakeService(ledger.each)
    settings = Settings(rules=Rules(retries=retries))
    world = resumed(service, rows(20, cmdlet), *in_doubt, settings=settings)
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert set(ledger.effects.values()) == {1}
    assert world.took <= 3 * LATENCY
    assert {outcome.attempts for outcome in world.outcomes} == {1}
    assert len(world.announced) == 20 - len(in_doubt)


@pytest.mark.parametrize("found", [True, False])
def test_a_new_object_is_looked_for_before_anything_is_sent(found: bool) -> None:
    ledger = Ledger(frozenset(), late=10.0)
    if found:
        ledger.effects["1.1"] = 1
        ledger.when["1.1"] = 0.0
    service = FakeService(ledger.each)
    world = resumed(service, [rule(1), rule(2, "bob")], "1.1")
    (outcome,) = (each for each in world.outcomes if key(each) == "1.1")
    assert (outcome.status, outcome.attempts) == (Status.SUCCEEDED if found else Status.UNKNOWN, 0)
    assert world.statuses()["2.1"] is Status.SUCCEEDED
    assert service.sendings["1.1"] == 0
    assert sent_as(service, "Get-InboxRule")[0] == pytest.approx(2.0)
    assert len(sent_as(service, "Get-InboxRule")) == (2 if found else 4)


def test_not_found_it_is_sent_as_the_rule_says() -> None:
    ledger = Ledger(frozenset())
    settings = Settings(rules=Rules(on_unknown=OnUnknown.RESEND))
    world = resumed(FakeService(ledger.each), [rule(1)], "1.1", settings=settings)
    assert (world.by_key["1.1"].status, world.by_key["1.1"].attempts) == (Status.SUCCEEDED, 1)
    assert ledger.effects["1.1"] == 1


def test_what_nothing_shows_is_unknown_and_not_sent() -> None:
    service = FakeService()
    world = resumed(service, rows(30, "Enable-Mailbox"), "3.1", "17.1")
    assert service.sendings["3.1"] == service.sendings["17.1"] == 0
    statuses = world.statuses()
    assert statuses.pop("3.1") == statuses.pop("17.1") == Status.UNKNOWN
    assert set(statuses.values()) == {Status.SUCCEEDED}
    outcome = world.by_key["3.1"]
    assert (outcome.attempts, outcome.started, outcome.duration) == (0, None, 0.0)
    assert outcome.error is not None
    assert "The process that sent it ended before the answer came." in outcome.error.message


def test_a_person_decides_about_it() -> None:
    asked: list[str] = []

    async def decide(which: Item, reason: str) -> bool:
        asked.append(key(which))
        return which.row == 1

    settings = Settings(rules=Rules(on_unknown=OnUnknown.ASK))
    service = FakeService()
    world = resumed(service, rows(3, "Enable-Mailbox"), "1.1", "2.1", settings=settings, decide=decide)
    assert sorted(asked) == ["1.1", "2.1"]
    good, unknown = Status.SUCCEEDED, Status.UNKNOWN
    assert world.statuses() == {"1.1": good, "2.1": unknown, "3.1": good}


def test_its_lane_waits_until_it_is_settled() -> None:
    ledger = Ledger(frozenset())
    service = FakeService(ledger.each)
    world = resumed(service, [rule(1), rule(2), rule(3, "bob")], "1.1")
    assert world.starts("2.1") == pytest.approx([2.0 + 15.0 + 45.0 + 120.0 + 4 * LATENCY])
    assert world.starts("3.1") == [0.0]


def test_a_step_that_turns_out_unknown_dooms_the_next() -> None:
    world = resumed(FakeService(), [item(1, "Enable-Mailbox"), item(1, step=2)], "1.1")
    assert world.statuses() == {"1.1": Status.UNKNOWN, "1.2": Status.SKIPPED}


def test_a_step_that_turns_out_well_lets_the_next_go() -> None:
    ledger = Ledger(frozenset())
    ledger.effects["1.1"] = 1
    items = [item(1, "Add-DistributionGroupMember"), item(1, step=2)]
    world = resumed(FakeService(ledger.each), items, "1.1")
    assert set(world.statuses().values()) == {Status.SUCCEEDED}


def test_steps_of_rows_that_failed_before_are_skipped_with_all_that_follow() -> None:
    """Their first steps have their lines, so that they are not in the job any more."""
    items = [item(1, step=2), item(1, step=3), item(2, step=2), item(2, step=3)]
    service = FakeService()
    world = World(service, past=Left(bad=frozenset({"1.2"}))).run(items)
    assert world.statuses() == {
        "1.2": Status.SKIPPED,
        "1.3": Status.SKIPPED,
        "2.2": Status.SUCCEEDED,
        "2.3": Status.SUCCEEDED,
    }
    assert set(service.sendings) == {"2.2", "2.3"}


def test_a_doomed_step_behind_another_of_its_mailbox_is_skipped_too() -> None:
    items = [item(1, identity="ada"), item(2, identity="ADA", step=2), item(3, identity="ada")]
    service = FakeService()
    world = World(service, past=Left(bad=frozenset({"2.2"}))).run(items)
    assert world.statuses() == {"1.1": Status.SUCCEEDED, "2.2": Status.SKIPPED, "3.1": Status.SUCCEEDED}
    assert [key(outcome) for outcome in world.outcomes] == ["1.1", "2.2", "3.1"]


def test_each_item_is_asked_about_once() -> None:
    past = Left()
    World(FakeService(lambda sent: error(503) if sent.nth < 3 else ok()), past=past).run(rows(20))
    assert past.asked == [f"{row}.1" for row in range(1, 21)]


def test_settled_or_not_it_stays_in_doubt_until_it_has_its_line() -> None:
    """Stopped again at once, it must not be taken back: it may have run."""
    for moment in (0.0, 1.0, 2.5, 30.0):
        service = FakeService(whole=lambda arrival: Lost("No route.", sent=False))
        world = World(service, past=Left(frozenset({"1.1", "2.1"})), known=frozenset({"1.1", "2.1"}))

        async def stop(world: World, moment: float = moment) -> None:
            await asyncio.sleep(moment)
            world.scheduler.stop()

        world.during = stop
        world.run([rule(1), item(2, "Add-MailboxPermission"), item(3, "Add-MailboxPermission")])
        assert set(world.withdrawn) <= {"3.1"}
        assert (world.complete, world.outcomes) == (False, [])
