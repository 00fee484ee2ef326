"""Pages: followed on the service's own host, gathered into one outcome, and nowhere else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bulkexo.model import Status, StoppedError
from bulkexo.schedule import PageLimits, Rules, Settings
from bulkexo.wire import Lost
from bulkexo.wire.bodies import TOO_LARGE

from .fakes import Arrival, FakeService, Sent, error, ok, passing, throttled
from .world import SERVICE, World, item, rows

BASE = f"{SERVICE.base}/InvokeCommand"


def pages(*answers: dict[str, Any]) -> Any:
    """A service whose n-th answer to an item is the n-th of these."""
    return lambda sent: answers[sent.nth - 1]


def page(number: int, *, more: bool) -> dict[str, Any]:
    link = {"@odata.nextLink": f"{BASE}?$skiptoken={number + 1}"} if more else {}
    return ok({"Page": number}, **link)


THREE = [{"Page": 1}, {"Page": 2}, {"Page": 3}]


def test_pages_are_one_outcome_and_one_attempt() -> None:
    service = FakeService(pages(page(1, more=True), page(2, more=True), page(3, more=False)))
    world = World(service).run(rows(1, "Get-Mailbox"))
    outcome = world.by_key["1.1"]
    assert (outcome.status, outcome.attempts, world.value("1.1")) == (Status.SUCCEEDED, 1, THREE)
    assert [arrival.url for arrival in service.arrivals] == [
        BASE,
        f"{BASE}?$skiptoken=2",
        f"{BASE}?$skiptoken=3",
    ]
    assert len({sent.request_id for arrival in service.arrivals for sent in arrival.items}) == 1
    assert service.arrivals[1].items[0].parameters == service.arrivals[0].items[0].parameters


def test_pages_of_several_items_go_together_in_a_batch() -> None:
    service = FakeService(pages(page(1, more=True), page(2, more=False)))
    world = World(service).run(rows(5, "Get-Mailbox"))
    assert [len(arrival.items) for arrival in service.arrivals] == [5, 5]
    assert {sent.url for sent in service.arrivals[1].items} == {f"{BASE}?$skiptoken=2"}
    assert [world.value(name) for name in world.by_key] == [THREE[:2]] * 5


def test_a_relative_link_is_made_absolute() -> None:
    first = ok({"Page": 1}, **{"@odata.nextLink": "/adminapi/beta/tenant/InvokeCommand?$skiptoken=2"})
    service = FakeService(pages(first, page(2, more=False)))
    World(service).run(rows(1, "Get-Mailbox"))
    assert service.arrivals[1].url == f"{BASE}?$skiptoken=2"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/adminapi/beta/tenant/InvokeCommand?$skiptoken=2",
        "https://service.test.evil.test/x",
        "https://service.test@evil.test/x",
        "https://service.test:8443/x",
        "http://service.test/adminapi/beta/tenant/InvokeCommand",
        "//evil.test/x",
    ],
)
def test_a_link_elsewhere_is_not_followed(link: str) -> None:
    service = FakeService(lambda sent: ok({"Page": 1}, **{"@odata.nextLink": link}))
    world = World(service).run(rows(2, "Get-Mailbox"))
    assert len(service.arrivals) == 1
    for outcome in world.outcomes:
        assert outcome.status is Status.FAILED
        assert outcome.error is not None
        assert outcome.error.code == "bulkexo:link"


@pytest.mark.parametrize("between", [throttled(Retry_After="3"), passing(), error(401), None])
def test_a_page_is_asked_for_again(between: dict[str, Any] | None) -> None:
    """The pages before it stay, and it is no further attempt."""
    service = FakeService(
        lambda sent: [page(1, more=True), between, page(2, more=True), page(3, more=False)][sent.nth - 1]
    )
    world = World(service).run(rows(2, "Get-Mailbox"))
    for name, outcome in world.by_key.items():
        assert (outcome.status, outcome.attempts, world.value(name)) == (Status.SUCCEEDED, 1, THREE)


def test_a_lost_cursor_starts_again_from_the_first_page() -> None:
    gone = error(400, "", "Expired or Invalid pagination request.")
    answers = [page(1, more=True), page(2, more=True), gone]
    answers += [page(1, more=True), page(2, more=True), page(3, more=False)]
    service = FakeService(pages(*answers))
    world = World(service).run(rows(1, "Get-Mailbox"))
    outcome = world.by_key["1.1"]
    assert (outcome.status, outcome.attempts, world.value("1.1")) == (Status.SUCCEEDED, 2, THREE)
    assert [arrival.url for arrival in service.arrivals].count(BASE) == 2


def test_a_cursor_that_is_always_lost_ends_the_item() -> None:
    gone = error(400, "", "Expired or Invalid pagination request.")
    service = FakeService(lambda sent: page(1, more=True) if sent.nth % 2 else gone)
    world = World(service, settings=Settings(rules=Rules(retries=2))).run(rows(1, "Get-Mailbox"))
    assert (world.by_key["1.1"].status, world.by_key["1.1"].attempts) == (Status.FAILED, 3)


def test_the_next_of_the_same_identity_waits_for_the_last_page() -> None:
    def each(sent: Sent) -> dict[str, Any]:
        return page(sent.nth, more=sent.nth < 4) if sent.cmdlet.startswith("Get") else ok()

    service = FakeService(each)
    world = World(service).run([item(1, "Get-Mailbox", "ada"), item(2, "Set-Mailbox", "ADA")])
    assert service.most_of_one_identity == 1
    assert world.starts("2.1")[0] > world.starts("1.1")[3]


def test_an_empty_first_page_with_a_link() -> None:
    first = ok(**{"@odata.nextLink": f"{BASE}?$skiptoken=2"})
    world = World(FakeService(pages(first, ok()))).run(rows(1, "Get-Mailbox"))
    assert (world.by_key["1.1"].status, world.value("1.1")) == (Status.SUCCEEDED, [])


def test_warnings_of_every_page_are_kept() -> None:
    link = f"{BASE}?$skiptoken=2"
    first = ok({"Page": 1}, **{"@odata.nextLink": link, "@adminapi.warnings": ["both", "first"]})
    second = ok({"Page": 2}, **{"@adminapi.warnings": ["second", "both"]})
    world = World(FakeService(pages(first, second))).run(rows(1, "Get-Mailbox"))
    assert list(world.by_key["1.1"].warnings) == ["both", "first", "second"]


def test_the_next_page_is_asked_for_when_this_one_is_written_down() -> None:
    service = FakeService(pages(page(1, more=True), page(2, more=True), page(3, more=False)))
    world = World(service, sink_wait=7.0).run(rows(1, "Get-Mailbox"))
    assert world.starts("1.1") == [0.0, 8.0, 16.0]
    assert world.value("1.1") == THREE


def test_further_pages_are_counted_apart_from_attempts() -> None:
    lost = Lost("No route.", sent=False)
    answers = iter([None, None, lost])
    service = FakeService(
        pages(page(1, more=True), page(2, more=True), {}, page(3, more=False)),
        whole=lambda arrival: next(answers, None),
    )
    world = World(service).run(rows(1, "Get-Mailbox"))
    assert (world.scheduler.tally.sent, world.scheduler.tally.pages) == (3, 2)
    assert world.value("1.1") == THREE


def test_a_page_that_comes_twice_over_a_lost_reply_is_kept_once() -> None:
    service = FakeService(
        lambda sent: [page(1, more=True), None, page(2, more=True), None, page(3, more=False)][sent.nth - 1]
    )
    world = World(service).run(rows(3, "Get-Mailbox"))
    assert [world.value(name) for name in world.by_key] == [THREE] * 3


def test_a_page_that_the_disk_refuses_stops_the_run_and_the_others_have_their_line() -> None:
    def each(sent: Sent) -> dict[str, Any]:
        return page(sent.nth, more=sent.nth < 3) if sent.key == "1.1" else ok({"Other": 1})

    world = World(FakeService(each), pages_full=1).run(rows(3, "Get-Mailbox"))
    assert isinstance(world.error, StoppedError)
    assert set(world.by_key) == {"2.1", "3.1"}

    world = World(FakeService(each), pages_full=2).run(rows(1, "Get-Mailbox"))
    assert isinstance(world.error, StoppedError)
    assert not world.outcomes  # its last page is not there


def test_an_endless_list_ends_as_failed_and_the_others_go_on() -> None:
    def each(sent: Sent) -> dict[str, Any]:
        return page(sent.nth, more=True) if sent.key == "1.1" else ok({"Other": 1})

    settings = Settings(rules=Rules(pages=PageLimits(pages=50)))
    service = FakeService(each)
    world = World(service, settings=settings).run(rows(3, "Get-Mailbox"))
    assert world.statuses() == {
        "1.1": Status.FAILED,
        "2.1": Status.SUCCEEDED,
        "3.1": Status.SUCCEEDED,
    }
    assert len(world.starts("1.1")) == 50
    assert not world.by_key["1.1"].paged


def test_what_was_sent_and_is_being_read_is_not_taken_back() -> None:
    """A New- of which a page has come has run, though it has no line when the run is stopped."""

    async def stop(world: World) -> None:
        await asyncio.sleep(1.5)
        assert world.pages
        world.scheduler.stop()

    service = FakeService(pages(page(1, more=True), page(2, more=True), page(3, more=False)))
    world = World(service, during=stop).run(rows(1, "New-Mailbox"))
    assert world.announced
    assert world.withdrawn == []


def test_full_pages_go_by_themselves() -> None:
    """Ten of them in one reply would be too much for it."""

    def each(sent: Sent) -> dict[str, Any]:
        link = {"@odata.nextLink": f"{BASE}?$skiptoken={sent.nth + 1}"} if sent.nth < 3 else {}
        return ok(*[{"N": 1}] * (500 if sent.key == "1.1" else 499), **link)

    service = FakeService(each)
    world = World(service).run(rows(3, "Get-Mailbox"))
    assert [sorted(arrival.keys) for arrival in service.arrivals if "1.1" in arrival.keys] == [
        ["1.1", "2.1", "3.1"],
        ["1.1"],
        ["1.1"],
    ]
    assert [len(world.value(name)) for name in sorted(world.by_key)] == [1500, 1497, 1497]


def test_a_batch_whose_reply_is_too_much_is_asked_for_one_by_one() -> None:
    def whole(arrival: Arrival) -> Lost | None:
        return Lost(TOO_LARGE.reason, sent=True) if len(arrival.items) > 1 else None

    service = FakeService(lambda sent: ok({"N": 1}), whole=whole)
    world = World(service).run(rows(5, "Get-Mailbox"))
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert [len(arrival.items) for arrival in service.arrivals] == [5, 1, 1, 1, 1, 1]
