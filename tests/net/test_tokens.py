"""The keeper of tokens: renews them once for all who ask, and behind the backs of those who send."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import pytest

from bulkexo.model import SignInError
from bulkexo.net.tokens import Keeper, Token

pytestmark = pytest.mark.anyio


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Numbered:
    """Tokens by number. gate: what a fetch waits for. failure: what it raises instead."""

    lifetime: float | None = 3600.0
    asked: list[tuple[str, bool]] = field(default_factory=list)
    gate: threading.Event | None = None
    failure: Exception | None = None

    def fetch(self, claims: str, *, anew: bool) -> Token:
        self.asked.append((claims, anew))
        if self.gate is not None:
            assert self.gate.wait(30)
        if self.failure is not None:
            raise self.failure
        return Token(f"token-{len(self.asked)}", self.lifetime)


async def together(count: int, ask: Callable[[], object], gate: threading.Event) -> list[object]:
    """What `count` askers get, all of whom wait before the first fetch ends."""
    got: list[object] = []

    async def one() -> None:
        got.append(await ask())  # type: ignore[misc]

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        gate.set()
    return got


async def test_one_fetch_serves_all_who_wait_for_the_first_token() -> None:
    numbered = Numbered(gate=threading.Event())
    keeper = Keeper(numbered, Clock())
    assert numbered.gate is not None
    assert await together(20, keeper.current, numbered.gate) == ["token-1"] * 20
    assert numbered.asked == [("", False)]


async def test_one_fetch_serves_all_who_were_refused() -> None:
    numbered = Numbered()
    keeper = Keeper(numbered, Clock())
    refused = await keeper.current()
    numbered.gate = threading.Event()
    got = await together(20, lambda: keeper.renew(refused, "claims"), numbered.gate)
    assert got == ["token-2"] * 20
    assert numbered.asked[1:] == [("claims", True)]
    assert await keeper.current() == "token-2"


async def test_without_a_keeper_at_work_a_token_is_renewed_at_its_end() -> None:
    clock, numbered = Clock(1000.0), Numbered(3600.0)
    keeper = Keeper(numbered, clock)
    assert await keeper.current() == "token-1"
    clock.seconds = 4599.9
    assert await keeper.current() == "token-1"
    clock.seconds = 4600.0
    assert await keeper.current() == "token-2"
    assert numbered.asked == [("", False)] * 2


async def test_the_claims_of_a_challenge_hold_for_the_tokens_after_it() -> None:
    clock, numbered = Clock(), Numbered(3600.0)
    keeper = Keeper(numbered, clock)
    await keeper.renew(await keeper.current(), "first")
    clock.seconds = 3600.0
    await keeper.renew(await keeper.current(), "")
    await keeper.renew(await keeper.current(), "second")
    claims = ["", "first", "first", "first", "second"]
    assert [asked for asked, _ in numbered.asked] == claims


async def test_which_of_the_tokens_given_have_ended_by_themselves() -> None:
    clock, numbered = Clock(), Numbered(3600.0)
    keeper = Keeper(numbered, clock)
    await keeper.current()
    clock.seconds = 1000.0
    await keeper.renew("token-1", "")
    assert [keeper.ended(f"token-{number}") for number in (1, 2)] == [False, False]
    clock.seconds = 3600.0
    assert [keeper.ended(f"token-{number}") for number in (1, 2)] == [True, False]
    for _ in range(20):
        await keeper.renew(await keeper.current(), "")
    assert keeper.ended("token-2")  # forgotten, since it is so old


async def test_a_token_of_unknown_lifetime_is_kept_until_it_is_refused() -> None:
    clock, numbered = Clock(), Numbered(None)
    keeper = Keeper(numbered, clock)
    await keeper.current()
    clock.seconds = 1e9
    assert await keeper.current() == "token-1"
    assert await keeper.renew("token-1", "") == "token-2"


async def test_a_refusal_of_an_older_token_fetches_nothing() -> None:
    numbered = Numbered()
    keeper = Keeper(numbered, Clock())
    await keeper.current()
    await keeper.renew("token-1", "")
    assert await keeper.renew("token-1", "") == "token-2"
    assert len(numbered.asked) == 2


async def test_the_same_token_again_is_no_renewal() -> None:
    keeper = Keeper(FixedAgain(), Clock())
    assert await keeper.current() == "same"
    with pytest.raises(SignInError, match="no other"):
        await keeper.renew("same", "")


class FixedAgain:
    def fetch(self, claims: str, *, anew: bool) -> Token:
        return Token("same")


async def test_a_failed_fetch_is_told_and_tried_again() -> None:
    numbered = Numbered(failure=SignInError("no"))
    keeper = Keeper(numbered, Clock())
    for _ in range(2):
        with pytest.raises(SignInError, match="no"):
            await keeper.current()
    numbered.failure = None
    assert await keeper.current() == "token-3"
