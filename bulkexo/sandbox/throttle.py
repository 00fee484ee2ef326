"""When the service refuses or slows down: arithmetic on (seconds, numbers), no clock and no sleep.

Seconds here are seconds of life: with `--speed 20`, twenty of them pass in a real one.
Sources: `protocol.md`, "Throttling". The true limits are not known; these are the shapes that were seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from bulkexo.sandbox.options import Budget, SandboxOptions

CROWDED = "You have reached the maximum number of concurrent requests per tenant. Please wait and try again"
_RATE_LIMIT = 30_000
_FULL_DELAY = 40.0
"""Seconds of micro delay at the cutoff. The one delay on record (21.956 s at 1,608,289 of 3,000,000 ms of
debt) fits a delay that grows with the debt to about 41 s."""


class Bucket:
    """A token bucket. rate: tokens per second. burst: the most it holds; it starts full."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = max(1.0, burst)
        self._tokens = self.burst
        self._at = 0.0

    def share(self, now: float) -> tuple[float, float]:
        """How full it is, from 0 (or less, in debt) to 1, and the seconds until it is full."""
        tokens = min(self.burst, self._tokens + max(0.0, now - self._at) * self.rate)
        return tokens / self.burst, (self.burst - tokens) / self.rate

    def take(self, now: float, count: int) -> float:
        """Take `count` tokens and return 0.0, or take none and return the seconds until there are enough.

        More than the bucket holds is granted when it is full, and leaves it in debt.
        """
        self._tokens = min(self.burst, self._tokens + max(0.0, now - self._at) * self.rate)
        self._at = max(now, self._at)
        short = min(count, self.burst) - self._tokens
        if short > 1e-9:
            return short / self.rate
        self._tokens -= count
        return 0.0


class ServerTime:
    """A budget of server time: cmdlets spend it, it recharges, debt slows down, deep debt refuses."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._balance = budget.burst
        self._at = 0.0

    def balance(self, now: float) -> float:
        """Milliseconds left at `now`; negative: debt."""
        gained = max(0.0, now - self._at) * self._budget.recharge / 3600
        self._balance = min(self._budget.burst, self._balance + gained)
        self._at = max(now, self._at)
        return self._balance

    def spend(self, now: float, seconds: float) -> None:
        """A cmdlet has used `seconds` of the server."""
        self._balance = self.balance(now) - seconds * 1000

    def delay(self, now: float) -> float:
        """The micro delay of a cmdlet that starts at `now`, in seconds."""
        balance = self.balance(now)
        return 0.0 if balance >= 0 else _FULL_DELAY * min(1.0, balance / self._budget.cutoff)

    def refusal(self, now: float) -> float:
        """Seconds until the debt is no longer below the cutoff; 0.0 if it is not."""
        return max(0.0, (self._budget.cutoff - self.balance(now)) / self._budget.recharge * 3600)


@dataclass(frozen=True, slots=True)
class Admission:
    """What becomes of a request of n cmdlets. whole: seconds to wait if all of it is refused, else None.
    items: for each cmdlet, seconds to wait if it is refused, else None. crowded: too many in flight."""

    whole: float | None
    items: tuple[float | None, ...] = ()
    crowded: bool = False


class Throttle:
    """All limits of the tenant together. A refused cmdlet takes nothing from any of them."""

    def __init__(self, options: SandboxOptions, random: Random) -> None:
        self._random = random
        self._style = options.throttle_style
        self._max_concurrent = options.max_concurrent
        self.in_flight = 0
        self.server_time = ServerTime(options.budget) if options.budget else None
        self._bucket = None
        if options.allowance is not None:
            burst = options.burst if options.burst is not None else max(10.0, options.allowance)
            self._bucket = Bucket(options.allowance, burst)

    def admit(self, now: float, count: int, *, batch: bool) -> Admission:
        """Decide on a request of `count` cmdlets that arrives at `now`, when `in_flight` others are on."""
        if self._max_concurrent is not None and self.in_flight >= self._max_concurrent:
            return Admission(1.0, crowded=True)
        if self.server_time is not None and (wait := self.server_time.refusal(now)) > 0:
            return self._refuse_all(wait, count, inside=batch and self._inside())
        if self._bucket is None:
            return Admission(None, (None,) * count)
        if batch and self._inside():
            return Admission(None, tuple(self._bucket.take(now, 1) or None for _ in range(count)))
        wait = self._bucket.take(now, count)
        return self._refuse_all(wait, count, inside=False) if wait else Admission(None, (None,) * count)

    def headers(self, now: float, speed: float) -> dict[str, str]:
        """What answers said of the limits in 2024 (`protocol.md`, "Rates"). The unit of the 30,000 is
        unknown: here it is the full allowance. Reset is in real seconds."""
        share, seconds = (1.0, 0.0) if self._bucket is None else self._bucket.share(now)
        return {
            "Rate-Limit-Limit": str(_RATE_LIMIT),
            "Rate-Limit-Remaining": str(max(0, math.floor(share * _RATE_LIMIT))),
            "Rate-Limit-Reset": str(math.ceil(seconds / speed)),
            "X-ConcurrencyCount": str(self.in_flight),
        }

    def _inside(self) -> bool:
        return self._style == "inside" or (self._style == "mixed" and self._random.random() < 0.5)

    @staticmethod
    def _refuse_all(wait: float, count: int, *, inside: bool) -> Admission:
        return Admission(None, (wait,) * count) if inside else Admission(wait)


def retry_after(style: str, wait: float, speed: float) -> float | None:
    """Real seconds to name in Retry-After for a wait of `wait` seconds of life; None for no header.

    exact: whole seconds of life, rounded up. fraction: to the millisecond. short: half of the wait, so
    that a client comes back too early. date: as exact, sent as a date (whole real seconds).
    """
    if style == "none":
        return None
    if style == "short":
        return _milliseconds(wait / 2 / speed)
    if style == "fraction":
        return _milliseconds(wait / speed)
    whole = max(1, math.ceil(wait - 1e-9)) / speed
    return float(math.ceil(whole)) if style == "date" else _milliseconds(whole)


def _milliseconds(seconds: float) -> float:
    return math.ceil(seconds * 1000 - 1e-6) / 1000
