"""Retries: what is sent again, when, how often; and what is not, since twice would not be harmless."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bulkexo.model import Status, StoppedError
from bulkexo.schedule import Rules, Settings
from bulkexo.wire import Lost, Reply

from .fakes import LATENCY, Answer, Arrival, FakeService, Sent, error, not_found, ok, passing, reply
from .world import EPOCH, World, item, rows

SAFE = ("Set-Mailbox", "Get-Mailbox")
ONCE = ("New-Mailbox", "Add-MailboxPermission", "Remove-Mailbox")
"""Not harmless in themselves, but the service lets them take effect once only."""
UNSAFE = ("Enable-Mailbox", "Add-ManagementRoleEntry", "Remove-CalendarEvents", "Start-MailboxSearch")
"""Nothing makes these harmless twice, nor is there a question that shows their effect."""
CUT = Lost("The connection was lost.", sent=True)
NOT_SENT = Lost("No route.", sent=False)


def first(count: int, answer: Answer) -> Callable[[Sent], Answer]:
    """An item answered so at its first sendings, and well from then on."""
    return lambda sent: answer if sent.nth <= count else ok()


def first_requests(count: int, what: Reply | Lost) -> Callable[[Arrival], Reply | Lost | None]:
    return lambda arrival: what if arrival.nth <= count else None


@pytest.mark.parametrize(
    ("draw", "waits"),
    [(0.5, [1.0, 2.0, 4.0, 8.0, 16.0]), (0.25, [0.5, 1.0, 2.0, 4.0, 8.0]), (0.0, [0.0] * 5)],
)
def test_waits_are_drawn_below_a_ceiling_that_doubles(draw: float, waits: list[float]) -> None:
    world = World(FakeService(first(5, passing())), random=lambda: draw).run(rows(1))
    expected = [0.0]
    for wait in waits:
        expected.append(expected[-1] + LATENCY + wait)
    assert world.starts("1.1") == pytest.approx(expected, abs=1e-4)
    outcome = world.by_key["1.1"]
    assert (outcome.status, outcome.attempts) == (Status.SUCCEEDED, 6)
    assert outcome.started == EPOCH
    assert outcome.duration == pytest.approx(expected[-1] + LATENCY, abs=1e-4)


def test_each_item_draws_its_own_wait() -> None:
    draws = iter([0.1, 0.9, 0.5])
    world = World(FakeService(first(1, passing())), random=lambda: next(draws)).run(rows(3))
    assert [world.starts(f"{row}.1")[1] for row in (1, 2, 3)] == pytest.approx([1.2, 2.8, 2.0], abs=1e-4)


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_failures_beyond_the_retries_end_the_item(retries: int) -> None:
    world = World(FakeService(first(99, passing())), settings=Settings(rules=Rules(retries=retries))).run(
        rows(2)
    )
    for outcome in world.outcomes:
        assert (outcome.status, outcome.attempts) == (Status.FAILED, retries + 1)
        assert outcome.error is not None
        assert outcome.error.message == "Try again."
    assert world.scheduler.tally.retried == 2 * retries


def test_only_the_failed_items_go_again() -> None:
    again = {"2.1": passing(), "4.1": None, "6.1": error(503)}
    service = FakeService(lambda sent: again.get(sent.key, ok()) if sent.nth == 1 else ok())
    world = World(service).run(rows(10))
    assert {name: count for name, count in service.sendings.items() if count > 1} == dict.fromkeys(again, 2)
    assert set(world.statuses().values()) == {Status.SUCCEEDED}


@pytest.mark.parametrize("answer", [error(400), error(403), not_found(), error(405)])
def test_a_plain_error_is_the_end(answer: dict[str, Any]) -> None:
    world = World(FakeService(lambda sent: answer if sent.key == "2.1" else ok())).run(rows(3))
    assert world.statuses() == {"1.1": Status.SUCCEEDED, "2.1": Status.FAILED, "3.1": Status.SUCCEEDED}
    assert world.by_key["2.1"].attempts == 1


def test_retry_after_of_a_busy_item_is_waited_for() -> None:
    """By that item alone: the others of its batch were heard."""
    busy = error(503, Retry_After="25")
    service = FakeService(lambda sent: busy if sent.key == "1.1" and sent.nth == 1 else ok())
    world = World(service, concurrency=1, random=lambda: 0.0).run(rows(100))
    assert world.starts("1.1") == pytest.approx([0.0, 26.0], abs=1e-4)
    assert world.starts("100.1") == pytest.approx([9.0], abs=1e-4)


@pytest.mark.parametrize("cmdlet", SAFE)
def test_a_500_has_two_tries_where_twice_is_harmless(cmdlet: str) -> None:
    world = World(FakeService(first(1, error(500)))).run(rows(1, cmdlet))
    assert world.statuses() == {"1.1": Status.SUCCEEDED}
    world = World(FakeService(first(99, error(500)))).run(rows(1, cmdlet))
    assert (world.by_key["1.1"].status, world.by_key["1.1"].attempts) == (Status.FAILED, 2)


@pytest.mark.parametrize("cmdlet", ("Add-MailboxPermission", "Remove-Mailbox"))
def test_a_500_is_asked_about_by_sending_again_where_it_takes_effect_once(cmdlet: str) -> None:
    """Only another sending tells what the first one did; with no answer to that, it is unknown."""
    world = World(FakeService(first(4, error(500)))).run(rows(1, cmdlet))
    assert (world.by_key["1.1"].status, world.by_key["1.1"].attempts) == (Status.SUCCEEDED, 5)
    world = World(FakeService(first(99, error(500)))).run(rows(1, cmdlet))
    assert (world.by_key["1.1"].status, world.by_key["1.1"].attempts) == (Status.UNKNOWN, 6)


@pytest.mark.parametrize("cmdlet", UNSAFE)
def test_a_500_has_one_try_elsewhere_and_may_have_done_it(cmdlet: str) -> None:
    world = World(FakeService(first(99, error(500)))).run(rows(1, cmdlet))
    assert (world.by_key["1.1"].status, world.by_key["1.1"].attempts) == (Status.UNKNOWN, 1)
    assert world.service.sendings["1.1"] == 1


LOST = [
    pytest.param(None, first_requests(1, CUT), id="the connection was cut"),
    pytest.param(None, first_requests(1, Reply(504, {}, b"<html>timeout</html>")), id="504 of the whole"),
    pytest.param(error(504), None, id="504 of the item"),
    pytest.param(None, None, id="the response is missing"),
]


def lost_at_first(each: Answer, whole: Callable[[Arrival], Reply | Lost | None] | None) -> FakeService:
    """Two items whose first sending is answered so."""
    if whole is None:
        return FakeService(first(1, each))
    return FakeService(whole=whole)


@pytest.mark.parametrize(("each", "whole"), LOST)
@pytest.mark.parametrize("cmdlet", SAFE + ONCE)
def test_what_may_run_twice_goes_again_when_its_answer_is_lost(cmdlet: str, each: Answer, whole: Any) -> None:
    world = World(lost_at_first(each, whole)).run(rows(2, cmdlet))
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert {outcome.attempts for outcome in world.outcomes} == {2}


@pytest.mark.parametrize(("each", "whole"), LOST)
@pytest.mark.parametrize("cmdlet", UNSAFE)
def test_what_may_not_run_twice_is_unknown(cmdlet: str, each: Answer, whole: Any) -> None:
    service = lost_at_first(each, whole)
    world = World(service).run(rows(2, cmdlet))
    assert set(world.statuses().values()) == {Status.UNKNOWN}
    assert service.sendings == {"1.1": 1, "2.1": 1}
    for outcome in world.outcomes:
        assert outcome.error is not None
        assert outcome.error.code == "bulkexo:unknown"
        assert cmdlet in outcome.error.message
        assert (outcome.attempts, outcome.started) == (1, EPOCH)
    assert world.complete is True


@pytest.mark.parametrize(
    ("cmdlet", "status", "code"),
    [
        ("Set-Mailbox", Status.FAILED, "bulkexo:no-answer"),
        ("Remove-Mailbox", Status.UNKNOWN, "bulkexo:unknown"),
    ],
)
def test_lost_answers_use_up_the_retries(cmdlet: str, status: Status, code: str) -> None:
    service = FakeService(whole=first_requests(99, CUT))
    world = World(service, settings=Settings(rules=Rules(retries=2))).run(rows(1, cmdlet))
    outcome = world.by_key["1.1"]
    assert (outcome.status, outcome.attempts) == (status, 3)
    assert outcome.error is not None
    assert outcome.error.code == code


@pytest.mark.parametrize("cmdlet", SAFE + ONCE + UNSAFE)
def test_what_was_never_sent_goes_again_whatever_it_is(cmdlet: str) -> None:
    """Nor is it an attempt, nor a failure, nor the time of the first sending."""
    service = FakeService(whole=first_requests(8, NOT_SENT))
    world = World(service, settings=Settings(rules=Rules(retries=0))).run(rows(1, cmdlet))
    outcome = world.by_key["1.1"]
    assert (outcome.status, outcome.attempts) == (Status.SUCCEEDED, 1)
    assert outcome.started == EPOCH + service.arrivals[-1].at
    assert outcome.duration == pytest.approx(LATENCY, abs=1e-4)
    assert world.scheduler.tally.sent == 1
    assert world.scheduler.tally.unreachable == ""


def test_a_service_out_of_reach_for_too_long_stops_the_run() -> None:
    service = FakeService(whole=first_requests(10**9, NOT_SENT))
    world = World(service, settings=Settings(offline=600.0)).run(rows(500))
    assert isinstance(world.error, StoppedError)
    assert "600 s" in str(world.error)
    assert "No route." in str(world.error)
    assert 601 < world.took < 601 + 61 + LATENCY
    assert world.outcomes == []


def test_one_reply_starts_the_count_of_the_offline_limit_anew() -> None:
    """Out of reach for 400 s, a single reply, and for 400 s again: never 600 in one piece."""

    def whole(arrival: Arrival) -> Lost | None:
        return None if 400 <= arrival.at < 410 or arrival.at > 810 else NOT_SENT

    world = World(FakeService(whole=whole), settings=Settings(offline=600.0), random=lambda: 0.05)
    world.run(rows(30))
    assert world.error is None
    assert set(world.statuses().values()) == {Status.SUCCEEDED}


def test_an_untrusted_certificate_stops_at_once() -> None:
    service = FakeService(whole=first_requests(99, Lost("Not trusted.", sent=False, final=True)))
    world = World(service, concurrency=1).run(rows(50))
    assert isinstance(world.error, StoppedError)
    assert "Not trusted." in str(world.error)
    assert (len(service.arrivals), world.outcomes) == (1, [])


@pytest.mark.parametrize("status", [400, 404, 413])
def test_a_batch_refused_as_a_whole_is_sent_item_by_item(status: int) -> None:
    service = FakeService(
        lambda sent: error(400, "", "Bad value.") if sent.key == "4.1" else ok(),
        whole=lambda arrival: reply(error(status)) if len(arrival.items) > 1 else None,
    )
    world = World(service, settings=Settings(batch_size=5)).run(rows(10, "New-Mailbox"))
    good, bad = Status.SUCCEEDED, Status.FAILED
    assert world.statuses() == {f"{row}.1": bad if row == 4 else good for row in range(1, 11)}
    assert {outcome.attempts for outcome in world.outcomes} == {2}
    assert [len(arrival.items) for arrival in service.arrivals] == [5, 5, *[1] * 10]


def test_html_where_json_was_due_is_a_lost_answer() -> None:
    page = Reply(200, {"content-type": "text/html"}, b"<html>Please wait</html>")
    world = World(FakeService(whole=first_requests(1, page))).run(rows(3))
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    world = World(FakeService(whole=first_requests(1, page))).run(rows(3, "Enable-Mailbox"))
    assert set(world.statuses().values()) == {Status.UNKNOWN}


def test_a_later_step_goes_after_its_row_was_retried() -> None:
    items = [item(1), item(1, step=2), item(2)]
    service = FakeService(lambda sent: passing() if sent.key == "1.1" and sent.nth < 4 else ok())
    world = World(service).run(items)
    assert [outcome.item.step for outcome in world.outcomes if outcome.item.row == 1] == [1, 2]
    assert set(world.statuses().values()) == {Status.SUCCEEDED}


def test_unchanged_is_told_as_such_and_lets_the_next_step_go() -> None:
    warning = "The command completed successfully but no settings of 'a' have been modified."
    service = FakeService(lambda sent: ok(**{"@adminapi.warnings": [warning]}) if sent.key == "1.1" else ok())
    world = World(service).run([item(1), item(1, step=2)])
    assert world.statuses() == {"1.1": Status.UNCHANGED, "1.2": Status.SUCCEEDED}
    world = World(service, settings=Settings(rules=Rules(strict=True))).run([item(1), item(1, step=2)])
    assert world.statuses() == {"1.1": Status.FAILED, "1.2": Status.SKIPPED}
