"""A worker's side of a run, against a coordinator that does what the test says, and a sandbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import anyio
import pytest

from bulkexo.cluster.line import Line
from bulkexo.cluster.messages import (
    Announce,
    Beat,
    Begin,
    Ended,
    Finished,
    Given,
    More,
    Orders,
    SupersededError,
    WantToken,
    packed,
    unpacked,
)
from bulkexo.cluster.tokens import Asked
from bulkexo.model import Item, Outcome, SignInError, Status, StoppedError
from bulkexo.net.tokens import Keeper, Token
from bulkexo.wire.doors import Host as Service
from tests.cluster.coordinating import Coordinator, hosts_end, run_share, serving, share
from tests.e2e.files import people
from tests.e2e.pretend import Pretend, pretend

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    hosts_end()


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    with pretend(tmp_path_factory.mktemp("tenant"), "--mailboxes 300 --speed 100") as running:
        yield running


@pytest.fixture(scope="module")
def token(tenant: Pretend) -> Token:
    return Token(tenant.token(), 3600.0)


@pytest.fixture(scope="module")
def names(tenant: Pretend) -> list[str]:
    return people(tenant)


def item(row: int, name: str, cmdlet: str = "Set-Mailbox") -> Item:
    return Item(row, 1, cmdlet, name, {"Identity": name, "CustomAttribute1": f"row {row}"}, {})


def items(names: list[str], cmdlet: str = "Set-Mailbox") -> list[Given]:
    return [Given(item(row, name, cmdlet)) for row, name in enumerate(names, 1)]


def rows(outcomes: list[Outcome]) -> list[int]:
    return sorted(each.item.row for each in outcomes)


async def test_a_share_runs_to_its_end(tenant: Pretend, token: Token, names: list[str]) -> None:
    coordinator = Coordinator(items(names), lambda _: token, share=share(tenant))
    async with serving(coordinator) as at:
        await run_share(at)
    finished = coordinator.finished
    assert finished is not None
    assert (finished.complete, finished.error, finished.tally.sent) == (True, None, len(names))
    assert finished.tally.by_status == {}  # these the coordinator counts
    assert rows(coordinator.outcomes) == list(range(1, len(names) + 1))
    assert {each.status for each in coordinator.outcomes} == {Status.SUCCEEDED}
    assert coordinator.announced == []  # a Set- is safe to send twice


async def test_each_answer_is_lost_once_and_nothing_twice(
    tenant: Pretend, token: Token, names: list[str]
) -> None:
    tenant.journal()
    given = [Given(item(row, f"line-{row}", "New-DistributionGroup")) for row in range(1, 61)]
    given = [
        replace(each, item=replace(each.item, parameters={"Name": each.item.identity})) for each in given
    ]
    kinds: set[type] = {Begin, More, Announce, Ended, WantToken, Finished}
    coordinator = Coordinator(given, lambda _: token, share=share(tenant), break_after=set(kinds))
    async with serving(coordinator) as at:
        await run_share(at)
    assert coordinator.break_after == set()
    assert coordinator.finished is not None
    assert coordinator.finished.complete
    assert rows(coordinator.outcomes) == list(range(1, 61))
    assert sorted(each.row for each in coordinator.announced) == list(range(1, 61))
    made = [effect for effect in tenant.journal() if effect["cmdlet"] == "New-DistributionGroup"]
    assert len(made) == 60


async def test_a_tenant_that_is_gone_sends_and_says_nothing_more(
    tenant: Pretend, token: Token, names: list[str]
) -> None:
    coordinator = Coordinator(
        items(names * 20), lambda _: token, share=share(tenant, options={"rate": 100.0})
    )

    def answer(question: object) -> object:
        if isinstance(question, Beat) and coordinator.outcomes:
            coordinator.orders = Orders(gone=frozenset({(1, 1)}))
        return None

    coordinator.answer_first = answer
    async with serving(coordinator) as at:
        await run_share(at)
        said, effects = len(coordinator.outcomes), len(tenant.journal())
        assert 0 < said < len(coordinator.items)
        await anyio.sleep(0.3)
        assert (coordinator.finished, len(coordinator.outcomes), tenant.journal()) == (None, said, [])
    assert effects >= said


async def test_a_coordinator_that_is_silent_ends_it_with_the_lease(
    tenant: Pretend, token: Token, names: list[str]
) -> None:
    """Killed, or cut off: what a worker hears no more of it does not go on with."""
    coordinator = Coordinator(
        items(names * 20),
        lambda _: token,
        share=share(tenant, lease=1.0, options={"rate": 100.0}),
        orders=None,
    )
    async with serving(coordinator) as at:
        with anyio.fail_after(10):
            await run_share(at)
        assert 0 < len(coordinator.outcomes) < len(coordinator.items)
        await anyio.sleep(0.5)  # what was sent by then takes effect
        tenant.journal()
        await anyio.sleep(0.5)
        assert tenant.journal() == []
    assert coordinator.finished is None


async def test_asked_to_stop_it_lets_what_is_in_flight_end(
    tenant: Pretend, token: Token, names: list[str]
) -> None:
    coordinator = Coordinator(
        items(names * 20), lambda _: token, share=share(tenant, options={"rate": 100.0})
    )

    def answer(question: object) -> object:
        if isinstance(question, Ended):
            coordinator.orders = Orders(stop=True)
        return None

    coordinator.answer_first = answer
    tenant.journal()
    async with serving(coordinator) as at:
        await run_share(at)
    assert coordinator.finished is not None
    assert (coordinator.finished.complete, coordinator.finished.error) == (False, None)
    assert len(tenant.journal()) == len(coordinator.outcomes)


async def test_tokens_come_from_the_coordinator_which_hears_of_refused_ones(
    tenant: Pretend, token: Token, names: list[str]
) -> None:
    """The first one is no token that serves: it is told which was refused, and gives another."""
    wanted: list[WantToken] = []
    bad = Token(f"{token.text.rsplit('.', 1)[0]}.AAAA", 3600.0)

    def give(want: WantToken) -> Token:
        wanted.append(want)
        return token if want.refused else bad

    coordinator = Coordinator(items(names[:5]), give, share=share(tenant))
    async with serving(coordinator) as at:
        await run_share(at)
    assert coordinator.finished is not None
    assert coordinator.finished.complete, coordinator.finished.error
    assert [each.refused for each in wanted] == ["", bad.text]
    assert len(coordinator.outcomes) == 5
    assert all(each.status.good for each in coordinator.outcomes)


async def test_a_challenge_s_claims_go_to_the_coordinator_and_hold_from_then_on() -> None:
    wanted: list[tuple[Service, str, str]] = []

    async def want(host: Service, refused: str, claims: str) -> Token:
        wanted.append((host, refused, claims))
        return Token(f"token {len(wanted)}", 3600.0)

    keeper = Keeper(Asked(Service.COMPLIANCE, want), time.monotonic)
    first = await keeper.current()
    second = await keeper.renew(first, "what is claimed")
    await keeper.renew(second, "")
    assert wanted == [
        (Service.COMPLIANCE, "", ""),
        (Service.COMPLIANCE, "token 1", "what is claimed"),
        (Service.COMPLIANCE, "token 2", "what is claimed"),
    ]


async def test_a_token_is_renewed_before_its_end(tenant: Pretend, token: Token, names: list[str]) -> None:
    wanted: list[WantToken] = []

    def give(want: WantToken) -> Token:
        wanted.append(want)
        return Token(token.text, 0.4 if len(wanted) == 1 else 3600.0)

    coordinator = Coordinator(items(names[:150]), give, share=share(tenant, options={"rate": 150.0}))
    async with serving(coordinator) as at:
        await run_share(at)
    assert coordinator.finished is not None
    assert coordinator.finished.complete
    assert [each.refused for each in wanted] == ["", ""]


async def test_signing_in_that_fails_is_told(tenant: Pretend) -> None:
    def give(_: WantToken) -> Token:
        raise SignInError("The secret has expired.")

    coordinator = Coordinator(items(["x"]), give, share=share(tenant))
    async with serving(coordinator) as at:
        await run_share(at)
    assert coordinator.finished is not None
    assert isinstance(coordinator.finished.error, SignInError)
    assert "expired" in str(coordinator.finished.error)


async def test_a_mistake_of_ours_is_told_without_what_it_was_about(tenant: Pretend, token: Token) -> None:
    nothing: Any = object  # which no JSON can hold
    given = [Given(replace(item(1, "x"), parameters={"Password": nothing}))]
    coordinator = Coordinator(given, lambda _: token, share=share(tenant))
    async with serving(coordinator) as at:
        await run_share(at)
    assert coordinator.finished is not None
    assert isinstance(coordinator.finished.error, StoppedError)
    assert "Please report this" in str(coordinator.finished.error)


async def test_another_s_key_is_turned_away(tenant: Pretend, token: Token) -> None:
    coordinator = Coordinator(items(["x"]), lambda _: token, share=share(tenant))
    coordinator.answer_first = lambda _: SupersededError("Not you.")
    async with serving(coordinator) as at:
        await run_share(at)
    assert [type(each) for each in coordinator.heard] == [Begin]


async def test_answers_are_settled_but_for_those_that_are_still_awaited() -> None:
    """The coordinator keeps an answer no longer than it can be asked for again."""
    held = anyio.Event()
    heard: list[tuple[int, int]] = []

    class Peer:
        async def bulkexo_ask(self, *, number: int, settled: int, payload: bytes, **_: str) -> bytes:
            heard.append((number, settled))
            if unpacked(payload) == "slow":
                await held.wait()
            return packed(None)

    line = Line(lambda _: Peer(), "", "key", "host", anyio.CapacityLimiter(9))  # type: ignore[arg-type]
    async with anyio.create_task_group() as group:
        await line.ask("quick", lambda: True)
        group.start_soon(line.ask, "slow", lambda: True)
        await anyio.wait_all_tasks_blocked()
        await line.ask("quick", lambda: True)
        await line.ask_anew("may be done twice", lambda: True)
        held.set()
    await line.ask("quick", lambda: True)
    assert heard == [(1, 1), (2, 2), (3, 2), (0, 2), (4, 4)]
