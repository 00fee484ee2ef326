"""Throttling: the whole tenant waits, and no item is the worse for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bulkexo.model import Status
from bulkexo.pace import Pacer
from bulkexo.schedule import Rules, Settings
from bulkexo.wire import Lost, Reply
from bulkexo.wire.doors import Host

from .fakes import Arrival, FakeService, Sent, error, ok, reply, throttled
from .world import World, rows

CROWDED = "You have reached the maximum number of concurrent requests per tenant. Please wait and try again"


def starts_between(world: World, low: float, high: float) -> list[float]:
    return [arrival.at for arrival in world.service.arrivals if low < arrival.at < high]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "2.5"}, 2.5),
        ({"Retry_After": "Tue, 24 Nov 2026 09:30:30 GMT"}, 30.0),
        ({"Retry_After": "300"}, 300.0),
    ],
)
@pytest.mark.parametrize("where", ["item", "whole"])
def test_retry_after_holds_the_whole_tenant(headers: dict[str, str], seconds: float, where: str) -> None:
    """The first request is throttled; the others are in flight then and end well."""

    def each(sent: Sent) -> dict[str, Any]:
        return throttled(**headers) if where == "item" and sent.key == "3.1" and sent.nth == 1 else ok()

    def whole(arrival: Arrival) -> Reply | None:
        return reply(throttled(**headers)) if where == "whole" and arrival.nth == 1 else None

    service = FakeService(each, whole, latency=lambda arrival: 1.0 if arrival.nth == 1 else 1.2)
    world = World(service, concurrency=3).run(rows(200))
    assert starts_between(world, 1.0, 1.0 + seconds - 1e-6) == []
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert {outcome.attempts for outcome in world.outcomes} == {1, 2}
    assert world.by_key["3.1"].attempts == 2
    refused = 1 if where == "item" else 10
    assert (world.scheduler.tally.refused, world.scheduler.tally.retried) == (refused, 0)


def test_the_true_pacer_holds_the_tenant_too() -> None:
    service = FakeService(
        lambda sent: throttled(Retry_After="40") if sent.key == "3.1" and sent.nth == 1 else ok()
    )
    world = World(service, concurrency=3, pacer=Pacer).run(rows(200))
    assert starts_between(world, 2.0, 41.0 - 1e-6) == []
    assert set(world.statuses().values()) == {Status.SUCCEEDED}


def test_only_the_throttled_items_go_again_together_with_fresh_ones() -> None:
    again = {"2.1", "5.1", "9.1"}
    service = FakeService(
        lambda sent: throttled(Retry_After="2") if sent.key in again and sent.nth == 1 else ok()
    )
    world = World(service, concurrency=1).run(rows(27))
    assert [arrival.keys for arrival in service.arrivals] == [
        [f"{row}.1" for row in range(1, 11)],
        ["2.1", "5.1", "9.1", *(f"{row}.1" for row in range(11, 18))],
        [f"{row}.1" for row in range(18, 28)],
    ]
    assert service.sendings.total() == 30
    assert len(world.outcomes) == 27


@pytest.mark.parametrize("answer", [throttled(Retry_After="1"), error(400, "", CROWDED), throttled()])
def test_throttling_ends_no_item_and_uses_up_no_retries(answer: dict[str, Any]) -> None:
    """Forty refusals, then a passing failure that still has its one retry."""

    def each(sent: Sent) -> dict[str, Any]:
        return answer if sent.nth <= 40 else error(503) if sent.nth == 41 else ok()

    world = World(FakeService(each), settings=Settings(rules=Rules(retries=1))).run(rows(3))
    assert world.statuses() == dict.fromkeys(["1.1", "2.1", "3.1"], Status.SUCCEEDED)
    assert {outcome.attempts for outcome in world.outcomes} == {42}
    assert world.scheduler.tally.trouble == 0
    assert world.scheduler.tally.refused == 120


def test_a_write_that_may_not_run_twice_goes_again_when_throttled() -> None:
    service = FakeService(lambda sent: throttled() if sent.nth <= 3 else ok())
    world = World(service).run(rows(5, "New-Mailbox"))
    assert {outcome.status for outcome in world.outcomes} == {Status.SUCCEEDED}
    assert {outcome.attempts for outcome in world.outcomes} == {4}


def test_a_hold_learnt_while_a_batch_waits_for_its_tokens_counts_for_it() -> None:
    """At 2 items a second the second batch waits until 5 s; the reply at 1 s asks for 20."""
    service = FakeService(lambda sent: throttled(Retry_After="20") if sent.nth == 1 else ok())
    world = World(service, rate=2.0).run(rows(10 + 10))
    assert service.arrivals[1].at >= 21.0 - 1e-6
    assert len(world.outcomes) == 20


def test_a_hold_learnt_while_the_token_is_renewed_counts_too() -> None:
    """Nothing starts before the hold's end, not even what was granted before it was known."""

    class SlowTokens:
        asked = 0

        async def current(self) -> str:
            self.asked += 1
            if self.asked == 2:
                await asyncio.sleep(5.0)
            return "token"

        async def renew(self, refused: str, claims: str) -> str:
            raise AssertionError

        def ended(self, token: str) -> bool:
            raise AssertionError

    service = FakeService(lambda sent: throttled(Retry_After="60") if sent.nth == 1 else ok())
    world = World(service, concurrency=2)
    world.scheduler._gates[Host.EXCHANGE].tokens = SlowTokens()
    world.run(rows(20))
    assert starts_between(world, 1.0, 61.0 - 1e-6) == []
    assert len(world.outcomes) == 20


def test_an_unreached_service_is_not_taken_for_a_throttling_one() -> None:
    def whole(arrival: Arrival) -> Lost | None:
        return Lost("No route.", sent=False) if arrival.nth == 1 else None

    world = World(FakeService(whole=whole)).run(rows(10))
    assert world.scheduler.tally.refused == 0
    assert len(world.outcomes) == 10
