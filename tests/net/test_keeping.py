"""Renewal in the background of a run of days, on a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import looptime
import pytest

from bulkexo.model import SignInError, SignInUnreachableError
from bulkexo.net.tokens import Keeper, Token

DOWN = SignInUnreachableError("down")
REVOKED = SignInError("The client secret has expired.")


@dataclass
class Numbered:
    """Tokens by number. lifetimes: of each in turn, the last again and again. takes: seconds of each fetch.
    failures: what a fetch raises, by number. at: when each was asked for."""

    lifetimes: list[float] = field(default_factory=lambda: [3600.0])
    takes: float = 0.0
    failures: dict[int, Exception] = field(default_factory=dict)
    same: bool = False
    at: list[float] = field(default_factory=list)

    def fetch(self, claims: str, *, anew: bool) -> Token:
        number = len(self.at)
        if number in self.failures:
            raise self.failures[number]
        lifetime = self.lifetimes[min(number, len(self.lifetimes)) - 1]
        return Token("same" if self.same else f"token-{number}", lifetime)


class Life:
    """A keeper at work while a story is told, in virtual time. notes: what a person was told."""

    def __init__(self, source: Numbered, monkeypatch: pytest.MonkeyPatch) -> None:
        self.source = source
        self.notes: list[str] = []
        self.keeper: Keeper
        monkeypatch.setattr(anyio.to_thread, "run_sync", self._in_thread)

    async def _in_thread(self, work: Callable[[], Any], **_: Any) -> Any:
        """A thread would take real time."""
        self.source.at.append(anyio.current_time())
        await anyio.sleep(self.source.takes)
        return work()

    def live(self, story: Callable[[Life], Awaitable[None]]) -> Life:
        async def run() -> None:
            self.keeper = Keeper(self.source, anyio.current_time, self.notes.append)
            await self.keeper.current()
            async with anyio.create_task_group() as group:
                group.start_soon(self.keeper.keep)
                await story(self)
                group.cancel_scope.cancel()

        with asyncio.Runner(loop_factory=partial(looptime.new_event_loop, end=200_000)) as runner:
            runner.run(run())
        return self

    async def at(self, seconds: float) -> str:
        """The token at that time, for which nobody waits."""
        await anyio.sleep_until(seconds)
        token = await self.keeper.current()
        assert anyio.current_time() == pytest.approx(seconds)
        return token


@pytest.mark.parametrize(("lifetime", "renewed"), [(3600, 3300), (5400, 5100), (400, 200), (10, 5)])
def test_a_token_is_renewed_before_its_end(
    lifetime: float, renewed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five minutes before, or at its half where it lives but shortly; whether anybody asks or not."""

    async def story(life: Life) -> None:
        await anyio.sleep_until(3.5 * renewed)

    life = Life(Numbered([lifetime]), monkeypatch).live(story)
    assert life.source.at == pytest.approx([0, renewed, 2 * renewed, 3 * renewed])


def test_nobody_waits_for_a_slow_authority_while_the_old_token_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(life: Life) -> None:
        assert await life.at(3499) == "token-1"
        assert await life.at(3699) == "token-1"
        assert await life.at(3701) == "token-2"

    source = Numbered(takes=200.0)
    life = Life(source, monkeypatch).live(story)
    assert life.source.at == pytest.approx([0, 3500])


def test_who_asks_after_the_end_waits_for_the_one_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(life: Life) -> None:
        await anyio.sleep_until(3600 + 400 + 1)  # ended, and its renewal still on its way
        assert await life.keeper.current() == "token-2"
        assert anyio.current_time() == pytest.approx(4100)

    life = Life(Numbered(takes=400.0), monkeypatch).live(story)
    assert life.source.at == pytest.approx([0, 3700])


def test_an_authority_that_is_down_takes_no_good_token_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(life: Life) -> None:
        assert await life.at(3599) == "token-1"
        await anyio.sleep_until(3601)
        with pytest.raises(SignInUnreachableError):
            await life.keeper.current()
        life.source.failures.clear()
        assert (await life.at(3700)).startswith("token-")

    source = Numbered(failures=dict.fromkeys(range(2, 100), DOWN))
    life = Life(source, monkeypatch).live(story)
    assert life.notes == []
    assert 10 < len(source.at) < 30  # more often towards the end, and never without a pause


def test_a_revoked_secret_is_told_once_while_the_old_token_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(life: Life) -> None:
        assert await life.at(3599) == "token-1"
        await anyio.sleep_until(3600)
        with pytest.raises(SignInError, match="expired"):
            await life.keeper.current()

    life = Life(Numbered(failures=dict.fromkeys(range(2, 100), REVOKED)), monkeypatch).live(story)
    (note,) = life.notes
    assert note == f"The sign-in cannot be renewed; it serves for another 300 s. {REVOKED}"


def test_a_secret_that_is_put_right_in_time_goes_unnoticed_by_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story(life: Life) -> None:
        assert await life.at(3650) == "token-3"

    life = Life(Numbered(failures={2: REVOKED}), monkeypatch).live(story)
    assert life.source.at == pytest.approx([0, 3300, 3360])


def test_a_token_that_replaced_a_refused_one_is_kept_for_its_own_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A short one too: the keeper, asleep for an hour, is told."""

    async def story(life: Life) -> None:
        await anyio.sleep_until(100)
        assert await life.keeper.renew("token-1", "claims") == "token-2"
        await anyio.sleep_until(200)

    life = Life(Numbered([86400.0, 60.0, 3600.0]), monkeypatch).live(story)
    assert life.source.at == pytest.approx([0, 100, 130])


def test_the_same_token_again_is_not_asked_for_ever_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's machines are given the one that is kept there until it ends."""

    async def story(life: Life) -> None:
        await anyio.sleep_until(3800)

    life = Life(Numbered([3600.0, 300.0, 150.0, 75.0], same=True), monkeypatch).live(story)
    assert life.source.at == pytest.approx([0, 3300, 3450, 3525, 3585, 3645, 3705, 3765])
