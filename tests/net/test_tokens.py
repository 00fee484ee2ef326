"""Tokens: where they come from, and the keeper that renews them once for all who ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from bulkexo.model import SignInError, SignInUnreachableError, UsageError
from bulkexo.net.tokens import (
    REMEDIES,
    FileToken,
    FixedToken,
    Keeper,
    SecretApp,
    Source,
    Token,
    explain,
    source,
)

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


@pytest.mark.parametrize(
    ("lifetime", "still", "no_more"),
    [(3600.0, 3299.9, 3300.0), (5400.0, 5099.0, 5101.0), (400.0, 199.0, 201.0), (10.0, 4.9, 5.0)],
)
async def test_a_token_is_renewed_before_its_end(lifetime: float, still: float, no_more: float) -> None:
    """Five minutes before, or at its half where it lives but shortly."""
    clock, numbered = Clock(1000.0), Numbered(lifetime)
    keeper = Keeper(numbered, clock)
    assert await keeper.current() == "token-1"
    clock.seconds = 1000.0 + still
    assert await keeper.current() == "token-1"
    clock.seconds = 1000.0 + no_more
    assert await keeper.current() == "token-2"
    assert numbered.asked == [("", False)] * 2


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


async def test_a_sign_in_service_that_is_down_does_not_take_a_good_token_away() -> None:
    """It was to be renewed early; until its true end it serves, and the renewal is tried again."""
    clock, numbered = Clock(), Numbered(3600.0)
    keeper = Keeper(numbered, clock)
    await keeper.current()
    numbered.failure = SignInUnreachableError("down")
    clock.seconds = 3400.0
    assert await keeper.current() == "token-1"
    assert await keeper.current() == "token-1"
    assert len(numbered.asked) == 2
    clock.seconds = 3600.0
    with pytest.raises(SignInUnreachableError):
        await keeper.current()
    numbered.failure = None
    assert (await keeper.current()).startswith("token-")


async def test_a_failed_fetch_is_told_and_tried_again() -> None:
    numbered = Numbered(failure=SignInError("no"))
    keeper = Keeper(numbered, Clock())
    for _ in range(2):
        with pytest.raises(SignInError, match="no"):
            await keeper.current()
    numbered.failure = None
    assert await keeper.current() == "token-3"


async def test_a_fixed_token_serves_until_it_is_refused() -> None:
    keeper = Keeper(FixedToken("abc"), Clock())
    assert await keeper.current() == "abc"
    with pytest.raises(SignInError, match="BULKEXO_TOKEN") as caught:
        await keeper.renew("abc", "")
    assert caught.value.exit_code == 4
    assert "--token-file" in str(caught.value)


async def test_a_token_file_is_read_again_when_its_token_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    keeper = Keeper(FileToken(path), Clock())
    assert await keeper.current() == "first"
    path.write_bytes(b"\xef\xbb\xbf second \r\n")
    assert await keeper.current() == "first"
    assert await keeper.renew("first", "") == "second"
    with pytest.raises(SignInError):
        await keeper.renew("second", "")


@pytest.mark.parametrize("content", [None, b"", b" \n", b"a\nb", "tök".encode(), b"\xff\xfe", b"a\x00b"])
def test_a_token_file_without_a_token(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SignInError, match="token file") as caught:
        FileToken(path).fetch("", anew=False)
    assert str(path) in str(caught.value)


def chosen(**given: str | Path | None) -> Source:
    """The source for these options."""
    all_given: dict[str, str | Path | None] = dict.fromkeys(
        ["token", "token_file", "client_id", "secret", "tenant", "ca_file"]
    )
    all_given |= {"authority": "https://login.test", "endpoint": "https://service.test"}
    return source(**(all_given | given))  # type: ignore[arg-type]


def test_which_way_to_sign_in() -> None:
    app = {"client_id": "id", "secret": "s", "tenant": "t"}
    file = Path("token")
    assert chosen(token_file=file, token="abc", **app) == FileToken(file)
    assert chosen(token="abc", **app) == FixedToken("abc")
    assert isinstance(chosen(**app), SecretApp)


@pytest.mark.parametrize("text", ["abc\n", " abc ", "\tabc\r\n"])
def test_blanks_around_a_token_are_not_the_token(text: str) -> None:
    """A line break in a header would end the run with a traceback."""
    assert chosen(token=text).fetch("", anew=False) == Token("abc")


@pytest.mark.parametrize("text", ["a\nb", "tök", "a\x00"])
def test_a_token_that_no_header_can_carry_is_refused_in_words(text: str) -> None:
    with pytest.raises(SignInError, match="BULKEXO_TOKEN"):
        chosen(token=text).fetch("", anew=False)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["--client-id", "BULKEXO_CLIENT_SECRET", "--tenant"]),
        ({"client_id": "id", "tenant": "t"}, ["BULKEXO_CLIENT_SECRET"]),
        ({"client_id": "id", "secret": "s"}, ["--tenant"]),
        ({"secret": "s", "tenant": "t"}, ["--client-id"]),
    ],
)
def test_no_way_to_sign_in_is_told_by_what_is_missing(given: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(**given)
    for name in missing:
        assert name in str(caught.value)
    for name in {"--client-id", "BULKEXO_CLIENT_SECRET", "--tenant"} - set(missing):
        assert name not in str(caught.value)
    assert "--sandbox" in str(caught.value)


@pytest.mark.parametrize("code", sorted(REMEDIES))
def test_a_sign_in_error_in_words(code: str) -> None:
    text = f"{code}: Some words\r\nof the service. Trace ID: 1-2-3 Correlation ID: 4 Timestamp: now"
    said = explain(text)
    assert said == f"Signing in failed. {code}: Some words of the service. {REMEDIES[code]}"


def test_a_longer_code_is_not_taken_for_a_shorter_one() -> None:
    assert explain("AADSTS700016: No such app.").endswith(REMEDIES["AADSTS700016"])
    assert explain("AADSTS70001: Something else.") == "Signing in failed. AADSTS70001: Something else."
