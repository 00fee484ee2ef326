"""Batches: how large, how many at once, in which order, and how far ahead the job is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from bulkexo.model import Failure, Item, JobError, Outcome, Problem, Status
from bulkexo.pace import Allowance, Pacer
from bulkexo.schedule import Order, Settings
from bulkexo.wire import Reply

from .fakes import LATENCY, Arrival, FakeService, Sent, error, ok, throttled
from .world import EPOCH, World, item, key, rows


def test_an_empty_job_is_complete() -> None:
    world = World().run([])
    assert (world.complete, world.outcomes, world.service.arrivals) == (True, [], [])


def test_every_item_ends_once_with_what_the_service_said() -> None:
    def each(sent: Sent) -> dict[str, object]:
        answer = ok({"Name": sent.key}, **{"@adminapi.warnings": ["careful"]})
        return {**answer, "headers": {"request-id": f"r-{sent.key}"}}

    world = World(FakeService(each)).run(rows(25))
    assert world.complete is True
    assert sorted(world.by_key) == sorted(f"{row}.1" for row in range(1, 26))
    outcome = world.by_key["7.1"]
    assert outcome.status is Status.SUCCEEDED
    assert (outcome.attempts, outcome.http_status, outcome.request_id) == (1, 200, "r-7.1")
    assert (list(outcome.value), list(outcome.warnings)) == ([{"Name": "7.1"}], ["careful"])
    assert (outcome.started, outcome.error) == (EPOCH, None)
    assert outcome.duration == pytest.approx(LATENCY)
    assert world.scheduler.tally.by_status == {Status.SUCCEEDED: 25}
    assert (world.scheduler.tally.sent, world.scheduler.tally.batches) == (25, 0)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_batches_are_full_and_never_larger(size: int) -> None:
    world = World(settings=Settings(batch_size=size)).run(rows(60))
    assert {len(arrival.items) for arrival in world.service.arrivals} == {size}
    assert len(world.outcomes) == 60


@pytest.mark.parametrize("concurrency", [1, 3, 12])
def test_the_concurrency_is_used_and_never_exceeded(concurrency: int) -> None:
    service = FakeService(latency=lambda arrival: 0.3 + arrival.nth % 7 / 10)
    world = World(service, concurrency=concurrency).run(rows(800))
    assert service.most_in_flight == concurrency
    assert len(world.outcomes) == 800


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_true_pacer_does_not_exceed_the_ceilings(concurrency: int) -> None:
    world = World(rate=50.0, concurrency=concurrency, pacer=Pacer).run(rows(800))
    assert 1 <= world.service.most_in_flight <= concurrency
    assert world.took >= 800 / 50 - 10 / 50
    assert len(world.outcomes) == 800


def test_fewer_allowed_while_a_batch_waits_for_its_tokens() -> None:
    """Granted under a concurrency of 3, which falls to 1 before its tokens are there."""
    world = World(rate=2.0, concurrency=3)

    def whole(arrival: Arrival) -> None:
        world.scheduler._pacer.now_allowed = Allowance(2.0, 1, 0.0)  # type: ignore[attr-defined]

    world.service.whole = whole
    world.service.latency = lambda arrival: {1: 7.0, 2: 100.0}.get(arrival.nth, 1.0)
    world.run(rows(40))
    assert [arrival.at for arrival in world.service.arrivals[:3]] == pytest.approx([0, 5, 105], abs=0.01)


def test_a_rate_that_rises_frees_the_batch_that_waits_for_the_old_one() -> None:
    world = World(rate=0.1, concurrency=3)

    def whole(arrival: Arrival) -> None:
        world.scheduler._pacer.now_allowed = Allowance(100.0, 3, 0.0)  # type: ignore[attr-defined]

    world.service.whole = whole
    world.run(rows(20))
    assert world.service.arrivals[1].at == pytest.approx(1.0 + 9.9 / 100, abs=0.01)


def test_the_rate_counts_items() -> None:
    world = World(rate=5.0).run(rows(100))
    assert world.took == pytest.approx(100 / 5 - 10 / 5 + LATENCY, abs=0.01)
    starts = [(arrival.at, len(arrival.items)) for arrival in world.service.arrivals]
    for (at, _), (later, size) in pairwise(starts):
        assert later - at >= size / 5 - 0.001


def test_one_identity_is_never_in_flight_twice_and_keeps_the_order_of_the_file() -> None:
    names = ["Ada@contoso.com", "ada@contoso.com", "bob", "cleo"]
    items = [item(row, identity=names[row * 7 % 4]) for row in range(1, 201)]
    service = FakeService(
        lambda sent: error(503) if sent.nth < 3 and int(sent.key[:-2]) % 5 == 0 else ok(),
        latency=lambda arrival: 0.1 + arrival.nth % 3,
    )
    world = World(service).run(items)
    assert service.most_of_one_identity == 1
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    for name in ("ada@contoso.com", "bob", "cleo"):
        mine = [outcome.item.row for outcome in world.outcomes if outcome.item.identity.lower() == name]
        assert mine == sorted(mine)
        assert len(mine) >= 50


def test_order_file_sends_one_at_a_time() -> None:
    world = World(settings=Settings(order=Order.FILE)).run(rows(20))
    assert [arrival.keys for arrival in world.service.arrivals] == [[f"{row}.1"] for row in range(1, 21)]
    assert world.service.most_in_flight == 1


def test_order_none_sends_one_identity_together() -> None:
    items = [item(row, identity="ada") for row in range(1, 21)]
    world = World(settings=Settings(order=Order.NONE)).run(items)
    assert [len(arrival.items) for arrival in world.service.arrivals] == [10, 10]
    assert world.took == pytest.approx(LATENCY)


def test_a_step_waits_for_the_one_before_and_is_skipped_after_a_failure() -> None:
    items = [item(row, step=step) for row in (1, 2) for step in (1, 2, 3)]
    service = FakeService(lambda sent: error(400) if sent.key == "1.2" else ok())
    world = World(service).run(items)
    assert world.statuses() == {
        "1.1": Status.SUCCEEDED,
        "1.2": Status.FAILED,
        "1.3": Status.SKIPPED,
        "2.1": Status.SUCCEEDED,
        "2.2": Status.SUCCEEDED,
        "2.3": Status.SUCCEEDED,
    }
    skipped = world.by_key["1.3"]
    assert (skipped.attempts, skipped.started, skipped.duration, skipped.http_status) == (0, None, 0.0, None)
    assert skipped.error is not None
    assert skipped.error.code == "bulkexo:earlier-step"
    assert "1.3" not in service.sendings
    assert world.complete is True


def test_an_item_keeps_its_request_id_and_no_other_has_it() -> None:
    seen: dict[str, set[str]] = {}

    def each(sent: Sent) -> dict[str, object]:
        seen.setdefault(sent.request_id, set()).add(sent.key)
        return error(503) if sent.nth == 1 else ok()

    items = [item(row, step=step) for row in range(1, 30) for step in (1, 2)]
    World(FakeService(each)).run(items)
    assert sorted(seen.values(), key=str) == sorted(({key} for key in _keys(items)), key=str)


def _keys(items: list[Item]) -> list[str]:
    return [f"{each.row}.{each.step}" for each in items]


class CountingJob:
    """A job of 100,000 rows that counts how many were read."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[Item]:
        for row in range(1, 100_001):
            self.read += 1
            yield item(row)


@pytest.mark.parametrize(("window", "sink_wait"), [(40, 0.0), (1000, 0.0), (100, 30.0)])
def test_no_more_is_read_than_the_window_holds(window: int, sink_wait: float) -> None:
    """Also when the disk is slow: what waits for it counts."""
    job, ahead = CountingJob(), []

    def whole(arrival: Arrival) -> None:
        ahead.append(job.read - len(world.outcomes))
        if len(world.outcomes) >= 5_000:
            world.scheduler.stop()

    world = World(FakeService(whole=whole), settings=Settings(window=window), sink_wait=sink_wait)
    world.run(job)
    assert world.complete is False
    assert len(world.outcomes) >= 5_000
    in_hand = 10 * world.concurrency
    assert max(ahead) <= window + in_hand
    assert job.read <= 5_000 + window + 3 * in_hand


def test_a_job_that_goes_wrong_while_it_is_read_stops_the_run_after_what_is_in_flight() -> None:
    problem = JobError([Problem("job.csv, line 9", "The row is torn.", "Mend it.")])

    def items() -> Iterator[Item]:
        yield from [item(1), item(1, step=2), item(2)]
        raise problem

    world = World(FakeService(lambda sent: error(400)), settings=Settings(window=2)).run(items())
    assert world.error is problem
    assert world.service.sendings == {"1.1": 1}
    assert world.statuses() == {"1.1": Status.FAILED, "1.2": Status.SKIPPED}


def test_steps_skipped_while_reading_are_told_though_the_job_then_breaks() -> None:
    def items() -> Iterator[Item]:
        yield item(1)
        yield item(1, step=2)
        raise JobError([Problem("job.csv, line 9", "The row is torn.", "Mend it.")])

    world = World(FakeService(lambda sent: error(400)), settings=Settings(window=1)).run(items())
    assert world.statuses() == {"1.1": Status.FAILED, "1.2": Status.SKIPPED}


def test_a_stop_while_a_skipped_step_is_told_is_not_kept_waiting_by_a_hold() -> None:
    items = [item(1), item(2), item(2, step=2)]
    service = FakeService(lambda sent: throttled(Retry_After="500") if sent.key == "1.1" else error(400))

    def told(outcomes: Sequence[Outcome]) -> None:
        if outcomes[0].status is Status.SKIPPED:
            world.scheduler.stop()

    world = World(service, settings=Settings(window=2), told=told)
    world.run(items)
    assert world.complete is False
    assert world.statuses() == {"2.1": Status.FAILED, "2.2": Status.SKIPPED}
    assert world.took == pytest.approx(LATENCY)


def test_kinds_of_failure_are_counted_and_shown_by_their_first() -> None:
    service = FakeService(lambda sent: error(400, "Microsoft.X.BadException", f"Bad {sent.key}"))
    world = World(service, concurrency=1).run(rows(30))
    tally = world.scheduler.tally
    assert tally.kinds == {("Set-Mailbox", "Microsoft.X.BadException"): 30}
    (example,) = tally.examples.values()
    assert example.error == Failure("BadRequest", "Microsoft.X.BadException", "Bad 1.1")
    assert key(example) == "1.1"
    assert tally.trouble == 30


def test_the_loop_is_not_held_while_rows_are_read() -> None:
    """Other tasks, such as the progress display, run during a long job."""
    ticks = 0

    async def tick(world: World) -> None:
        nonlocal ticks
        while len(world.outcomes) < 200:
            ticks += 1
            await asyncio.sleep(0.1)

    World(concurrency=1, during=tick).run(rows(200))
    assert ticks > 100


@pytest.mark.parametrize("order", list(Order))
def test_each_service_gets_its_own_items_with_its_own_token(order: Order) -> None:
    items = [
        replace(item(row, "Get-ComplianceSearch", f"user{row % 7}"), api="compliance" if row % 3 else "")
        for row in range(1, 60)
    ]
    world = World(FakeService(), settings=Settings(order=order)).run(items)
    assert len(world.outcomes) == 59
    for arrival in world.service.arrivals:
        compliance = arrival.url.startswith("https://compliance.test/")
        assert arrival.token == ("Bearer other-1" if compliance else "Bearer token-1")
        assert {int(each.key.partition(".")[0]) % 3 != 0 for each in arrival.items} == {compliance}
        assert all(each.url.startswith(arrival.url.partition("/adminapi")[0]) for each in arrival.items)
    if order is Order.FILE:
        assert [arrival.keys for arrival in world.service.arrivals] == [[f"{row}.1"] for row in range(1, 60)]


def test_a_token_that_one_service_refuses_is_renewed_for_that_one_alone() -> None:
    def whole(arrival: Arrival) -> Reply | None:
        return Reply(401, {}, b"") if arrival.token == "Bearer other-1" else None

    items = [replace(each, api="compliance") if each.row % 2 else each for each in rows(40)]
    world = World(FakeService(whole=whole)).run(items)
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert (len(world.compliance_tokens.renewals), len(world.tokens.renewals)) == (1, 0)
