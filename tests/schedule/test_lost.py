"""Lost answers of cmdlets that are not harmless twice, settled within the run, on the virtual clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bulkexo.model import Item, Repeat, Status
from bulkexo.schedule import OnUnknown, Order, Rules, Settings
from bulkexo.wire import Lost, Reply

from .fakes import LATENCY, Answer, Arrival, FakeService, Sent, error, not_found, ok, passing, throttled
from .world import World, item, rows

CUT = Lost("The connection was lost.", sent=True)
SECOND = {
    "Add-MailboxPermission": ok(
        **{"@adminapi.warnings": ["The appropriate access control entry is already present on the object."]}
    ),
    "Add-DistributionGroupMember": error(400, "X.MemberAlreadyExistsException", "It is already a member."),
    "Remove-DistributionGroupMember": error(400, "X.MemberNotFoundException", "It isn't a member."),
    "Remove-Mailbox": not_found(),
    "New-Mailbox": error(400, "X.ProxyAddressExistsException", "It is already being used."),
}
LOOKS = (2.0, 15.0, 45.0, 120.0)


@dataclass
class Ledger:
    """A service that keeps what took effect. lost: sendings of each item of which the answer is lost, by
    number. runs: whether those took effect. late: seconds by which reads lag writes."""

    lost: frozenset[int] = frozenset({1})
    runs: bool = True
    late: float = 0.0
    effects: Counter[str] = field(default_factory=Counter)
    when: dict[str, float] = field(default_factory=dict)

    def each(self, sent: Sent) -> Answer:
        if sent.key.startswith("look:"):
            return self.look(sent.key.removeprefix("look:"))
        if sent.cmdlet in SECOND and self.effects[sent.key]:
            answer: Answer = SECOND[sent.cmdlet]
        else:
            if sent.nth not in self.lost or self.runs:
                self.effects[sent.key] += 1
                self.when[sent.key] = asyncio.get_running_loop().time()
            answer = ok()
        return None if sent.nth in self.lost else answer

    def look(self, name: str) -> Answer:
        seen = self.when.get(name, 1e9) + self.late <= asyncio.get_running_loop().time()
        return ok({"Name": name}) if seen else not_found()


def rule(row: int, mailbox: str = "ada", **changes: Any) -> Item:
    name = f"{row}.1"
    made = Item(row, 1, "New-InboxRule", mailbox, {"Key": name, "Name": name, "Mailbox": mailbox}, {})
    return replace(made, **changes)


def sent_as(service: FakeService, cmdlet: str) -> list[float]:
    """When requests with this cmdlet came."""
    return [each.at for each in service.arrivals if any(sent.cmdlet == cmdlet for sent in each.items)]


def near(*seconds: float) -> Any:
    return pytest.approx(list(seconds), abs=1e-3)


@pytest.mark.parametrize("cmdlet", SECOND)
@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("lost", [{1}, {1, 2, 3}])
@pytest.mark.parametrize("strict", [True, False])
def test_what_the_service_lets_happen_once_is_sent_again(
    cmdlet: str, runs: bool, lost: set[int], strict: bool
) -> None:
    ledger = Ledger(frozenset(lost), runs)
    world = World(FakeService(ledger.each), settings=Settings(rules=Rules(strict=strict)))
    world.run(rows(12, cmdlet))
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert {outcome.attempts for outcome in world.outcomes} == {len(lost) + 1}
    assert set(ledger.effects.values()) == {1}
    assert len(ledger.effects) == 12


@pytest.mark.parametrize("cmdlet", SECOND)
def test_done_already_without_a_lost_answer_is_no_success_of_ours(cmdlet: str) -> None:
    ledger = Ledger(frozenset())
    ledger.effects["1.1"] = 1
    (outcome,) = World(FakeService(ledger.each)).run(rows(1, cmdlet)).outcomes
    assert outcome.status in (Status.FAILED, Status.UNCHANGED)
    assert outcome.attempts == 1


@pytest.mark.parametrize(
    ("late", "looked"),
    [
        (0.0, [2.0]),
        (15.0, [2.0, 18.0]),
        (60.0, [2.0, 18.0, 64.0]),
        (180.0, [2.0, 18.0, 64.0, 185.0]),
    ],
)
def test_a_new_object_is_looked_for_with_growing_waits(late: float, looked: list[float]) -> None:
    ledger = Ledger(late=late)
    service = FakeService(ledger.each)
    world = World(service).run([rule(1)])
    assert world.statuses() == {"1.1": Status.SUCCEEDED}
    assert sent_as(service, "Get-InboxRule") == near(*[LATENCY + at for at in looked])
    (outcome,) = world.outcomes
    assert (outcome.attempts, ledger.effects["1.1"]) == (1, 1)
    assert outcome.duration == pytest.approx(looked[-1] + 2 * LATENCY, abs=1e-3)
    assert "found afterwards" in outcome.warnings[0]
    asked = service.arrivals[1].items[0]
    assert asked.parameters == {"Identity": "1.1", "Mailbox": "ada"}
    assert asked.request_id != service.arrivals[0].items[0].request_id


def test_not_found_after_all_looks_is_unknown() -> None:
    ledger = Ledger(runs=False)
    service = FakeService(ledger.each)
    world = World(service).run([rule(1)])
    (outcome,) = world.outcomes
    assert (outcome.status, outcome.attempts) == (Status.UNKNOWN, 1)
    assert outcome.error is not None
    assert "looked for 4 times and not found" in outcome.error.message
    assert len(sent_as(service, "New-InboxRule")) == 1
    assert world.took == pytest.approx(sum(LOOKS) + 5 * LATENCY, abs=1e-3)
    assert world.complete is True


def test_not_found_it_is_sent_again_if_so_asked() -> None:
    ledger = Ledger(runs=False)
    service = FakeService(ledger.each)
    world = World(service, settings=Settings(rules=Rules(on_unknown=OnUnknown.RESEND))).run([rule(1)])
    (outcome,) = world.outcomes
    assert (outcome.status, outcome.attempts) == (Status.SUCCEEDED, 2)
    assert ledger.effects["1.1"] == 1


def test_found_it_is_not_sent_again_though_so_asked() -> None:
    ledger = Ledger(late=20.0)
    service = FakeService(ledger.each)
    world = World(service, settings=Settings(rules=Rules(on_unknown=OnUnknown.RESEND))).run([rule(1)])
    assert world.statuses() == {"1.1": Status.SUCCEEDED}
    assert (service.sendings["1.1"], ledger.effects["1.1"]) == (1, 1)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_resent_and_lost_each_time_it_is_looked_for_each_time(retries: int) -> None:
    ledger = Ledger(frozenset(range(1, 100)), runs=False)
    service = FakeService(ledger.each)
    those = Rules(on_unknown=OnUnknown.RESEND, retries=retries)
    (outcome,) = World(service, settings=Settings(rules=those)).run([rule(1)]).outcomes
    assert (outcome.status, outcome.attempts) == (Status.UNKNOWN, retries + 1)
    assert len(sent_as(service, "Get-InboxRule")) == 4 * (retries + 1)


class Person:
    """Somebody at the terminal, who takes half a minute. says: an answer for each question."""

    def __init__(self, *says: bool) -> None:
        self.says = list(says)
        self.asked: list[tuple[str, str]] = []

    async def decide(self, which: Item, reason: str) -> bool:
        await asyncio.sleep(30.0)
        self.asked.append((str(which.parameters["Key"]), reason))
        return self.says[len(self.asked) - 1]


def asking(person: Person | None, service: FakeService, looks: tuple[float, ...] = (2.0,)) -> World:
    settings = Settings(rules=Rules(on_unknown=OnUnknown.ASK, looks=looks))
    return World(service, settings=settings, decide=person.decide if person else None)


@pytest.mark.parametrize(("says", "status", "effects"), [(True, "succeeded", 1), (False, "unknown", 0)])
def test_a_person_decides(says: bool, status: str, effects: int) -> None:
    ledger, person = Ledger(runs=False), Person(says)
    world = asking(person, FakeService(ledger.each)).run([rule(1), item(2)])
    assert world.by_key["1.1"].status == status
    assert ledger.effects["1.1"] == effects
    ((which, reason),) = person.asked
    assert which == "1.1"
    assert "New-InboxRule was sent and never answered" in reason
    assert "looked for once and not found" in reason


def test_a_person_is_asked_as_often_as_it_is_lost() -> None:
    ledger, person = Ledger(frozenset({1, 2, 3}), runs=False), Person(True, True, False)
    world = asking(person, FakeService(ledger.each)).run([rule(1)])
    assert world.statuses() == {"1.1": Status.UNKNOWN}
    assert world.by_key["1.1"].attempts == 3
    assert len(person.asked) == 3


def test_without_a_person_what_is_asked_stays_unknown() -> None:
    world = asking(None, FakeService(Ledger(runs=False).each)).run([rule(1), item(2, "Enable-Mailbox")])
    assert set(world.statuses().values()) == {Status.UNKNOWN}


def test_others_go_on_while_a_person_thinks_and_its_lane_waits() -> None:
    def each(sent: Sent) -> Answer:
        return None if (sent.key, sent.nth) == ("1.1", 1) else ok()

    person = Person(True)
    service = FakeService(each)
    world = asking(person, service)
    world.run([item(1, "Enable-Mailbox", "ada"), item(2, identity="ADA"), *map(item, range(3, 60))])
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert world.starts("1.1") == near(0.0, 31.0)
    assert world.starts("2.1") == near(32.0)
    assert max(world.starts(f"{row}.1")[0] for row in range(3, 60)) < 10


def test_a_stop_while_a_person_thinks_waits_for_the_answer_and_does_not_send() -> None:
    ledger, person = Ledger(runs=False), Person(True)
    world = asking(person, FakeService(ledger.each), looks=())

    async def stop(world: World) -> None:
        await asyncio.sleep(5.0)
        world.scheduler.stop()

    world.during = stop
    world.run([rule(1)])
    assert (world.complete, world.outcomes, ledger.effects["1.1"]) == (False, [], 0)
    assert world.in_doubt == ["1.1"]


def test_the_lane_waits_while_its_effect_is_looked_for() -> None:
    """The next rule of that mailbox, and the next step of the row, but nothing else."""
    ledger = Ledger(late=60.0)
    service = FakeService(lambda sent: ok() if sent.key in ("1.2", "2.1", "3.1") else ledger.each(sent))
    later = replace(item(1, "Set-Mailbox", "bob"), step=2, parameters={"Identity": "bob", "Key": "1.2"})
    world = World(service).run([rule(1), later, rule(2), item(3)])
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert world.starts("3.1") == near(0.0)
    for name in ("1.2", "2.1"):
        assert world.starts(name) == near(LATENCY + 64.0 + LATENCY)


def test_a_step_whose_effect_was_not_found_dooms_the_next() -> None:
    ledger = Ledger(runs=False)
    world = World(FakeService(ledger.each)).run([rule(1), item(1, step=2)])
    assert world.statuses() == {"1.1": Status.UNKNOWN, "1.2": Status.SKIPPED}


@pytest.mark.parametrize(
    ("trouble", "looks"),
    [(throttled(Retry_After="7"), 2), (passing(), 2), (error(503), 2), (None, 2), (error(500), 2), (ok(), 2)],
)
def test_trouble_while_looking(trouble: Answer, looks: int) -> None:
    """Throttled, passing, lost, or nothing to see yet: it is asked again, and found."""
    ledger = Ledger()

    def each(sent: Sent) -> Answer:
        return trouble if sent.key == "look:1.1" and sent.nth == 1 else ledger.each(sent)

    service = FakeService(each)
    world = World(service).run([rule(1)])
    assert world.statuses() == {"1.1": Status.SUCCEEDED}
    assert len(sent_as(service, "Get-InboxRule")) == looks
    assert (world.by_key["1.1"].attempts, ledger.effects["1.1"]) == (1, 1)


def test_a_look_that_the_role_does_not_grant_leaves_it_unknown() -> None:
    ledger = Ledger()
    service = FakeService(lambda sent: error(403) if sent.key == "look:1.1" else ledger.each(sent))
    world = World(service).run([rule(1)])
    assert world.statuses() == {"1.1": Status.UNKNOWN}
    assert len(sent_as(service, "Get-InboxRule")) == 1


@pytest.mark.parametrize(
    ("repeat", "cmdlet", "status", "attempts"),
    [
        (Repeat.SAFE, "Enable-Mailbox", Status.SUCCEEDED, 2),
        (Repeat.UNSAFE, "Set-Mailbox", Status.UNKNOWN, 1),
        (Repeat.UNSAFE, "Add-MailboxPermission", Status.UNKNOWN, 1),
        (None, "Enable-Mailbox", Status.UNKNOWN, 1),
    ],
)
def test_what_the_job_says_of_repeating_is_heeded(
    repeat: Repeat | None, cmdlet: str, status: Status, attempts: int
) -> None:
    service = FakeService(lambda sent: None if sent.nth == 1 else ok())
    world = World(service, known=frozenset({"1.1"}) if repeat is Repeat.SAFE else frozenset())
    world.run([replace(item(1, cmdlet), repeat=repeat)])
    assert (world.by_key["1.1"].status, world.by_key["1.1"].attempts) == (status, attempts)
    assert [each.cmdlet for each in world.announced] == ([] if repeat is Repeat.SAFE else [cmdlet])


def first_request(what: Reply | Lost) -> Callable[[Arrival], Reply | Lost | None]:
    return lambda arrival: what if arrival.nth == 1 else None


@pytest.mark.parametrize("order", list(Order))
def test_a_cut_batch_is_settled_item_by_item(order: Order) -> None:
    """Nothing of it had run: what may go again does, the rule is looked for in vain."""
    ledger = Ledger(frozenset())
    service = FakeService(ledger.each, whole=first_request(CUT))
    items = [rule(1), item(2, "Add-MailboxPermission"), item(3), item(4, "Enable-Mailbox")]
    world = World(service, settings=Settings(order=order)).run(items)
    unknown = {"1.1": Status.UNKNOWN, "4.1": Status.UNKNOWN}
    good = {"2.1": Status.SUCCEEDED, "3.1": Status.SUCCEEDED}
    cut = {"1.1": Status.UNKNOWN, **dict.fromkeys(("2.1", "3.1", "4.1"), Status.SUCCEEDED)}
    assert world.statuses() == (cut if order is Order.FILE else unknown | good)
