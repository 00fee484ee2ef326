"""The token of a run: kept, and renewed once for all who ask, before its end and behind their backs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import anyio

from bulkexo.model import SignInError, SignInUnreachableError

RENEW_BEFORE = 300.0
"""Seconds before its end at which a token is renewed: longer than most replies take."""

RENEW_AGAIN = 60.0
"""Seconds until a renewal that came to nothing is tried again, while the token at hand still serves."""

EARLIER = 8
"""Tokens whose end is remembered; one before them has long ended."""


@dataclass(frozen=True, slots=True)
class Token:
    """text: as it is sent. lifetime: seconds from now, None if not known."""

    text: str = field(repr=False)
    lifetime: float | None = None


class Source(Protocol):
    """One way to get tokens. Blocking: called in a thread."""

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """A token that meets the claims of a challenge ("" for none); `anew` if the last one was refused.
        Raises SignInError."""


def _nobody(_text: str) -> None:
    """Tells nobody."""


class Keeper:
    """Holds the token of a run and renews it, once for all who ask.

    clock: seconds, monotonic. note: told when a renewal failed while the old token still serves. Until `keep`
    runs, a token is renewed when it has ended; while it runs, nobody waits for a renewal.
    """

    def __init__(
        self, source: Source, clock: Callable[[], float], note: Callable[[str], None] = _nobody
    ) -> None:
        self._source = source
        self._clock = clock
        self._note = note
        self._lock = anyio.Lock()
        self._threads = anyio.CapacityLimiter(1)  # a slow authority takes no thread from anybody else
        self._fetched = anyio.Event()
        self._text = ""
        self._claims = ""  # of the latest challenge: they hold for the tokens after it too
        self._renew_at = 0.0
        self._ends_at = 0.0
        self._earlier: dict[str, float] = {}  # the ends of the latest ones, which are still in flight

    async def current(self) -> str:
        """The token to send now. Raises SignInError."""
        if self._serves():
            return self._text
        async with self._lock:
            if not self._serves():
                await self._fetch(anew=False)
            return self._text

    async def renew(self, refused: str, claims: str) -> str:
        """A token other than the one refused: fetched, unless another has done so. Raises SignInError."""
        async with self._lock:
            if self._text == refused:
                self._claims = claims or self._claims
                await self._fetch(anew=True)
                if self._text == refused:
                    raise SignInError(
                        "The service refuses the token, and no other is to be had. Check that the "
                        "app has Exchange.ManageAsApp with admin consent, and a role."
                    )
            return self._text

    async def lend(self, refused: str, claims: str) -> Token:
        """The token for another process: `current`, or with a token that was refused, `renew`."""
        text = await (self.renew(refused, claims) if refused else self.current())
        left = self._ends_at - self._clock()
        return Token(text, left if math.isfinite(left) else None)

    def ended(self, token: str) -> bool:
        """Whether a token that was given here has ended by itself."""
        return self._clock() >= self._earlier.get(token, 0.0)

    async def keep(self) -> None:
        """Renew the token before each end, until cancelled. What fails is tried again; once the old token has
        ended, whoever asks for one is told why there is none."""
        told = ""
        while True:
            fetched = self._fetched
            with anyio.move_on_after(self._renew_at - self._clock()):
                await fetched.wait()
            if self._clock() < self._renew_at:
                continue
            try:
                async with self._lock:
                    if self._clock() >= self._renew_at:
                        await self._fetch(anew=False)
                told = ""
            except SignInError as error:
                told = self._put_off(error, told)

    def _put_off(self, error: SignInError, told: str) -> str:
        """Try again later, more often as the end comes near; what the person has been told by then."""
        left = max(0.0, self._ends_at - self._clock())
        soon = max(1.0, min(RENEW_AGAIN, left / 4)) if left else RENEW_AGAIN
        self._renew_at = self._clock() + soon
        if not left or isinstance(error, SignInUnreachableError) or str(error) == told:
            return told
        self._note(f"The sign-in cannot be renewed; it serves for another {left:.0f} s. {error}")
        return str(error)

    def _serves(self) -> bool:
        return bool(self._text) and self._clock() < self._ends_at

    async def _fetch(self, *, anew: bool) -> None:
        claims = self._claims
        token = await anyio.to_thread.run_sync(
            lambda: self._source.fetch(claims, anew=anew), abandon_on_cancel=True, limiter=self._threads
        )
        lifetime = float("inf") if token.lifetime is None else token.lifetime
        now = self._clock()
        self._ends_at = now + lifetime
        # A short life (the sandbox's, say) is not worth more than its half; the same token again is not
        # worth asking for at once.
        ahead = max(lifetime - RENEW_BEFORE, lifetime / 2)
        self._renew_at = now + (max(ahead, RENEW_AGAIN) if token.text == self._text else ahead)
        self._text = token.text
        self._earlier[token.text] = self._ends_at
        while len(self._earlier) > EARLIER:
            del self._earlier[next(iter(self._earlier))]
        self._fetched.set()
        self._fetched = anyio.Event()
