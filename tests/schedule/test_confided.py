"""A secret that one item wrote, and another reads: it is hidden in what is handed on, whoever asked."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

from bulkexo.confidant import Confidant
from bulkexo.model import Failure, Item, Status
from bulkexo.schedule import Ending, Found, Settings
from bulkexo.schedule.settle import Rules
from bulkexo.wire import Lost

from .fakes import Answer, FakeService, Sent, error, ok
from .world import SERVICE, World, item

SECRET = "hunter22-hunter22"


def writing(row: int, **changes: object) -> Item:
    wrote = item(row)
    parameters = {**wrote.parameters, "CustomAttribute1": SECRET}
    return replace(wrote, parameters=parameters, secrets=frozenset({"CustomAttribute1"}), **changes)  # type: ignore[arg-type]


def returning(sent: Sent) -> Answer:
    return ok({"Note": f"it is {SECRET}"}) if sent.cmdlet.startswith("Get-") else ok()


def run(each: object = returning, items: list[Item] | None = None, **options: object) -> World:
    service = FakeService(each) if callable(each) else FakeService()
    world = World(service, settings=Settings(batch_size=1), confidant=Confidant(), **options)  # type: ignore[arg-type]
    world.concurrency = 1
    return world.run(items or [writing(1), item(2, "Get-Mailbox")])


def test_in_what_a_later_item_returns() -> None:
    assert run().value("2.1") == [{"Note": "it is ***"}]


def test_in_its_pages() -> None:
    def each(sent: Sent) -> Answer:
        link = {"@odata.nextLink": f"{SERVICE.base}/InvokeCommand?$skiptoken=2"} if sent.nth == 1 else {}
        return ok({"Note": SECRET}, **link) if sent.cmdlet.startswith("Get-") else ok()

    assert run(each).value("2.1") == [{"Note": "***"}] * 2


def test_in_why_it_failed() -> None:
    def each(sent: Sent) -> Answer:
        return error(400, "X.Bad", f"{SECRET} is bad.") if sent.cmdlet.startswith("Get-") else ok()

    failure = run(each).by_key["2.1"].error
    assert failure is not None
    assert "*** is bad." in failure.message
    assert SECRET not in str(failure)


def test_in_the_counts_as_well() -> None:
    """Whose first examples the summary shows."""
    world = run(lambda sent: error(400, f"X.{SECRET}", f"{SECRET} is bad."), [writing(1), item(2)])
    assert world.statuses() == {"1.1": Status.FAILED, "2.1": Status.FAILED}
    assert SECRET not in str([world.scheduler.tally.kinds, *world.scheduler.tally.examples.values()])


def test_as_soon_as_it_is_sent_whatever_became_of_it() -> None:
    """Its own answer is lost, and the other item's is there first."""
    service = FakeService(returning, latency=lambda arrival: 1.0 if arrival.nth > 1 else 60.0)
    service.whole = lambda arrival: Lost("The line was cut.", sent=True) if arrival.nth == 1 else None
    world = World(
        service, settings=Settings(batch_size=1, rules=Rules(retries=0)), confidant=Confidant(), concurrency=2
    )
    world.run([writing(1), item(2, "Get-Mailbox")])
    assert [outcome.item.row for outcome in world.outcomes] == [2, 1]
    assert world.value("2.1") == [{"Note": "it is ***"}]


def test_later_steps_get_what_was_returned_and_not_the_mark() -> None:
    """What is hidden from readers is what the service needs."""

    class Rule:
        keeps = frozenset({"note"})
        needs: ClassVar = {1: frozenset({"note"})}
        retry_not_found = 0.0

        def chosen(self, item: Item, values: list[object]) -> list[object]:
            return values

        def against(self, item: Item, earlier: object) -> str:
            return ""

        def bind(self, item: Item, earlier: dict[int, object]) -> Item:
            note = earlier[1].objects[0]["note"] if item.step == 2 else ""  # type: ignore[attr-defined]
            return replace(item, parameters={**item.parameters, "Notes": note})

    rule = Rule()
    read, write = item(2, "Get-Mailbox"), item(2, step=2)
    items = [writing(1), replace(read, rule=rule), replace(write, rule=rule)]  # type: ignore[arg-type]
    world = run(items=items)
    assert world.service.arrivals[-1].items[0].parameters["Notes"] == f"it is {SECRET}"
    assert world.value("2.1") == [{"Note": "it is ***"}]


class Looking:
    """Reads before each Set-, and lets it end by what was found."""

    def question(self, about: Item) -> Item | None:
        parameters = {"Identity": about.identity, "Key": f"read {about.row}"}
        return replace(about, cmdlet="Get-Mailbox", parameters=parameters, secrets=frozenset())

    def answer(self, about: Item, found: Found) -> Ending | None:
        if about.row == 1:
            return None
        return Ending(Status.FAILED, Failure("code", "", f"It was {found.value[0]['Note']}."))


def test_in_what_an_item_ends_with_that_was_not_sent() -> None:
    failure = run(items=[writing(1), item(2)], before=Looking()).by_key["2.1"].error
    assert failure == Failure("code", "", "It was it is ***.")


@pytest.mark.parametrize("row", [1, 2])
def test_a_read_that_comes_before_an_item_does_not_quote_its_secret(row: int) -> None:
    """Not even where nothing was confided yet."""

    def each(sent: Sent) -> Answer:
        return error(400, "X.Bad", f"{SECRET} is bad.") if sent.cmdlet.startswith("Get-") else ok()

    world = World(FakeService(each), before=Looking()).run([writing(row)])
    failure = world.by_key[f"{row}.1"].error
    assert failure is not None
    assert "*** is bad." in failure.message
