"""Tokens: one renewal for all who were refused, and the end where no token helps."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from bulkexo.model import SignInError, SignInUnreachableError, Status, StoppedError
from bulkexo.schedule import Rules, Settings
from bulkexo.wire import Reply

from .fakes import Arrival, FakeService, FakeTokens, Sent, error, ok, passing, reply, throttled
from .world import World, rows

UNREACHABLE = SignInUnreachableError("The sign-in service was not reached.")


def refuses(*tokens: str, **headers: str) -> Any:
    """A service that answers 401 to requests with these tokens."""

    def whole(arrival: Arrival) -> Reply | None:
        refused = arrival.token.removeprefix("Bearer ") in tokens
        return reply(error(401, **headers)) if refused else None

    return whole


def test_one_renewal_serves_all_batches_and_counts_for_nothing() -> None:
    service = FakeService(whole=refuses("token-1"))
    world = World(service, concurrency=8, settings=Settings(rules=Rules(retries=0))).run(
        rows(200, "New-Mailbox")
    )
    assert world.tokens.renewals == [("token-1", "")]
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert {outcome.attempts for outcome in world.outcomes} == {1}
    assert service.sendings.total() > 200
    assert world.scheduler.tally.retried == 0


def test_a_refusal_that_comes_after_the_renewal_asks_for_no_other() -> None:
    """Sent with the old token, answered long after the new one was there."""
    service = FakeService(whole=refuses("token-1"), latency=lambda arrival: 30.0 if arrival.nth == 2 else 1.0)
    world = World(service, concurrency=2).run(rows(100))
    assert world.tokens.renewals == [("token-1", "")]
    assert set(world.statuses().values()) == {Status.SUCCEEDED}


def test_a_new_token_refused_as_well_ends_the_run_after_what_is_in_flight() -> None:
    """One slow batch was sent before with the first token, which was still good then."""

    def whole(arrival: Arrival) -> Reply | None:
        return None if arrival.nth == 1 else reply(error(401))

    service = FakeService(whole=whole, latency=lambda arrival: 50.0 if arrival.nth == 1 else 1.0)
    world = World(service, concurrency=2).run(rows(100))
    assert type(world.error) is SignInError
    assert "Exchange.ManageAsApp" in str(world.error)
    assert len(world.tokens.renewals) == 1
    assert world.took == pytest.approx(50.0)
    assert len(world.outcomes) == 10
    assert len(service.arrivals) == 3


def test_a_401_of_one_item_sends_that_item_again() -> None:
    service = FakeService(lambda sent: error(401) if sent.key == "3.1" and sent.nth == 1 else ok())
    world = World(service).run(rows(10))
    assert service.sendings == {f"{row}.1": 2 if row == 3 else 1 for row in range(1, 11)}
    assert {outcome.attempts for outcome in world.outcomes} == {1}
    assert world.tokens.renewals == [("token-1", "")]


def test_what_ended_beside_a_401_does_not_wait_for_the_new_token() -> None:
    ended: list[int] = []

    async def watch(world: World) -> None:
        await asyncio.sleep(1.1)
        ended.append(len(world.outcomes))

    service = FakeService(lambda sent: error(401) if sent.key == "3.1" and sent.nth == 1 else ok())
    World(service, FakeTokens(latency=60.0), during=watch).run(rows(10))
    assert ended == [9]


def test_the_claims_of_a_challenge_reach_the_renewal() -> None:
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
    packed = base64.b64encode(claims.encode()).decode()
    header = f'Bearer realm="", error="insufficient_claims", claims="{packed}"'
    service = FakeService(whole=refuses("token-1", WWW_Authenticate=header))
    world = World(service).run(rows(3))
    assert world.tokens.renewals == [("token-1", claims)]
    assert len(world.outcomes) == 3


def test_a_token_that_ends_hours_after_it_replaced_another_is_renewed_in_its_turn() -> None:
    """One item lives long enough to see two tokens end, having been heard with each."""

    def each(sent: Sent) -> Any:
        token = sent.token.removeprefix("Bearer ")
        script = {1: ("token-1", 401), 2: ("token-2", 500), 3: ("token-2", 401), 4: ("token-3", 200)}
        expected, status = script[sent.nth]
        assert token == expected
        return {401: error(401), 500: passing(), 200: ok()}[status]

    world = World(FakeService(each)).run(rows(1))
    assert world.error is None
    assert world.by_key["1.1"].status is Status.SUCCEEDED
    assert world.by_key["1.1"].attempts == 2


def test_throttling_in_between_does_not_make_a_refused_token_good() -> None:
    def each(sent: Sent) -> Any:
        return error(401) if sent.nth % 2 else throttled(Retry_After="1")

    world = World(FakeService(each)).run(rows(1))
    assert type(world.error) is SignInError
    assert len(world.tokens.renewals) == 1


def test_a_token_that_had_ended_by_itself_says_nothing_of_new_ones() -> None:
    """Throttled from one token's end to the next one's: two refusals with nothing between them."""
    tokens = FakeTokens(over={"token-1", "token-2"})

    def each(sent: Sent) -> Any:
        if sent.token == "Bearer token-3":
            return ok()
        return error(401) if sent.nth % 2 else throttled(Retry_After="1")

    world = World(FakeService(each), tokens).run(rows(1))
    assert world.error is None
    assert world.by_key["1.1"].status is Status.SUCCEEDED
    assert [refused for refused, _ in tokens.renewals] == ["token-1", "token-2"]


def test_a_renewal_that_is_refused_ends_the_run() -> None:
    tokens = FakeTokens(failure=SignInError("The client secret has expired."))
    world = World(FakeService(whole=refuses("token-1")), tokens, concurrency=3).run(rows(100))
    assert world.error is tokens.failure
    assert world.outcomes == []


def test_no_token_to_begin_with_ends_the_run() -> None:
    tokens = FakeTokens(failure_now=SignInError("No."))
    world = World(tokens=tokens).run(rows(100))
    assert world.error is tokens.failure_now
    assert world.service.arrivals == []


@pytest.mark.parametrize("when", ["at first", "at a renewal"])
def test_a_sign_in_service_out_of_reach_is_asked_again(when: str) -> None:
    """For five minutes; that costs no item an attempt."""
    tokens = FakeTokens()

    async def outage(world: World) -> None:
        tokens.failure, tokens.failure_now = UNREACHABLE, UNREACHABLE if when == "at first" else None
        await asyncio.sleep(300)
        tokens.failure = tokens.failure_now = None

    service = FakeService(whole=refuses("token-1"))
    world = World(service, tokens, settings=Settings(rules=Rules(retries=0)), during=outage).run(
        rows(30, "New-Mailbox")
    )
    assert set(world.statuses().values()) == {Status.SUCCEEDED}
    assert {outcome.attempts for outcome in world.outcomes} == {1}
    assert 300 < world.took < 400


@pytest.mark.parametrize("when", ["at first", "at a renewal"])
def test_a_sign_in_service_out_of_reach_for_too_long_stops_the_run(when: str) -> None:
    tokens = FakeTokens(failure=UNREACHABLE, failure_now=UNREACHABLE if when == "at first" else None)
    world = World(FakeService(whole=refuses("token-1")), tokens).run(rows(30))
    assert type(world.error) is StoppedError
    assert "The sign-in service was not reached." in str(world.error)
    assert 600 < world.took < 700
    assert world.outcomes == []


def test_an_earlier_sending_is_still_counted_when_no_token_can_be_had() -> None:
    """Throttled once, then no token for a while, then sent: two attempts."""
    tokens = FakeTokens()

    def each(sent: Sent) -> Any:
        tokens.failure_now = UNREACHABLE if sent.nth == 1 else None
        return throttled(Retry_After="1") if sent.nth == 1 else ok()

    async def heal(world: World) -> None:
        await asyncio.sleep(60)
        tokens.failure_now = None

    world = World(FakeService(each), tokens, during=heal).run(rows(1))
    assert world.by_key["1.1"].attempts == 2
