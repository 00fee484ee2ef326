"""The one thing in `pace/` that waits: tokens at a rate that may change while somebody is waiting."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter

_TICK = 1e-6  # seconds: later than the reckoned instant by more than rounding, by less than anyone sees
STILL = 0.001
"""Seconds for which the clock of a loop may stand still: uvloop looks at it once a round, by milliseconds."""


class Bucket:
    """Hands out items at `rate` per second, a burst of `burst` at most, first come first served.

    rate: items per second, None for no limit. burst: items; 10 is the largest batch anyone is known to
    send, so that an idle bucket lets one batch go at once and never a whole second's worth.

    aiolimiter does the counting. Its rate is fixed when it is made, so a change of rate makes a new
    limiter, filled to the level of the old one: neither a free burst nor a second wait for what was
    granted. It is asked only for what it has at once: its own waiters go smallest amount first, cannot
    see a new rate, and spin where a timer fires a nanosecond early.

    What a waiter gets late, since the loop was busy, counts from the instant at which it was there, as far
    back as one burst: at 400/s a batch is due every 25 ms, and a millisecond lost at each would be 4 %.
    """

    def __init__(self, rate: float | None = None, *, burst: int = 10) -> None:
        self._rate = rate
        self._burst = burst
        self._level = 0.0  # items handed out and not yet leaked at `_level_at`
        self._level_at = 0.0
        self._due: float | None = None  # when what is waited for is there, if nothing changes
        self._limiter: AsyncLimiter | None = None
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    @property
    def rate(self) -> float | None:
        """Items per second; None for no limit."""
        return self._rate

    def set_rate(self, rate: float | None) -> None:
        """Hand out at `rate` (> 0, None for no limit) from now on; whoever waits is reckoned anew."""
        if rate == self._rate:
            return
        self._leak()
        self._rate = rate
        self._due = self._limiter = None
        self._changed.set()

    def take(self, items: float) -> bool:
        """Take `items` (at most `burst`) if they are there and nobody waits for any; else `acquire` waits."""
        if self._turn.locked():
            return False
        if self._rate is None:
            self._level, self._level_at = float(self._burst), _now()
            return True
        self._leak()
        if self._level + items > self._burst + self._rate * STILL:
            return False
        self._level += items
        self._limiter = None
        return True

    async def acquire(self, items: float) -> None:
        """Return when `items` (at most `burst`) may go."""
        if items > self._burst:
            raise ValueError(f"{items} items are more than the bucket's burst of {self._burst}.")
        async with self._turn:
            self._due = None
            while not await self._try(items):
                pass

    def give_back(self, items: int) -> None:
        """`items` were handed out and will not be used."""
        if items:
            self._leak()
            self._level = max(0.0, self._level - items)
            self._due = self._limiter = None
            self._changed.set()

    async def _try(self, items: float) -> bool:
        """Take `items` if they are there; else wait until they should be, or until the rate changes."""
        if self._rate is None:
            self._level, self._level_at = float(self._burst), _now()
            return True
        limiter = await self._current(self._rate)
        if limiter.has_capacity(items):
            await limiter.acquire(items)  # has them: does not wait
            self._leak()
            self._level += items
            if self._due is not None and self._due < self._level_at:  # as if taken when they were there
                self._level, self._level_at = float(self._burst), self._due
                self._leak()
                self._limiter = None
            return True
        self._leak()
        self._changed.clear()
        wait = (self._level + items - self._burst) / self._rate
        self._due = self._level_at + wait
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait + _TICK):
                await self._changed.wait()
        return False

    async def _current(self, rate: float) -> AsyncLimiter:
        """The limiter for `rate`, made at the level where the last one was left."""
        if self._limiter is None:
            from aiolimiter import AsyncLimiter  # noqa: PLC0415 (it looks for its own version first)

            self._leak()
            self._limiter = AsyncLimiter(self._burst, self._burst / rate)
            await self._limiter.acquire(min(self._level, self._burst))  # fits an empty limiter: does not wait
        return self._limiter

    def _leak(self) -> None:
        now = _now()
        if self._rate is not None:
            self._level = max(0.0, self._level - (now - self._level_at) * self._rate)
        self._level_at = now


def _now() -> float:
    return asyncio.get_running_loop().time()
