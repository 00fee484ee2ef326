"""Pretend services: what becomes of a batch that arrives, as arithmetic on (seconds, items).

The shapes are those of protocol.md, "Throttling". The true limits are unknown.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist
from typing import Protocol

_INVERSE = NormalDist().inv_cdf


@dataclass(frozen=True, slots=True)
class Answer:
    """after: seconds from arrival to the reply. refused: items. retry_after: seconds, None if absent.
    spent: what the accepted items took of the allowance, in items of mean weight; None if all weigh alike."""

    after: float
    refused: int = 0
    retry_after: float | None = None
    crowded: bool = False
    spent: float | None = None


class Service(Protocol):
    """Decides on a batch of `items` that arrives at clock second `now`."""

    def arrive(self, now: float, items: int) -> Answer:
        """What becomes of it."""


class Profile:
    """An allowance over time: steps of (from second, items per second)."""

    def __init__(self, steps: Sequence[tuple[float, float]]) -> None:
        self.starts = [start for start, _ in steps]
        self.rates = [rate for _, rate in steps]
        self._sums = [0.0]
        for index in range(1, len(steps)):
            span = self.starts[index] - self.starts[index - 1]
            self._sums.append(self._sums[-1] + span * self.rates[index - 1])

    def at(self, now: float) -> float:
        """Items per second at `now`."""
        return self.rates[max(0, bisect_right(self.starts, now) - 1)]

    def until(self, now: float) -> float:
        """Items allowed from second 0 to `now`."""
        index = max(0, bisect_right(self.starts, now) - 1)
        return self._sums[index] + (now - self.starts[index]) * self.rates[index]


@dataclass(frozen=True, slots=True)
class Latency:
    """Log-normal seconds of one cmdlet; those of a batch overlap, so a batch takes as long as its slowest."""

    median: float = 0.25
    sigma: float = 0.4

    def draw(self, random: Random, items: int) -> float:
        """Seconds of a batch."""
        quantile = min(1 - 1e-12, max(1e-12, random.random() ** (1 / items)))
        return self.median * math.exp(self.sigma * _INVERSE(quantile))

    def mean(self, items: int) -> float:
        """Seconds that a batch takes on average."""
        steps = 2000
        return (
            sum(
                self.median * math.exp(self.sigma * _INVERSE(((i + 0.5) / steps) ** (1 / items)))
                for i in range(steps)
            )
            / steps
        )


class TokenBucket:
    """An allowance with a burst, refusing a batch as a whole or item by item.

    retry_after: exact, second (rounded up to whole seconds), short (half of it), none. inside: the batch
    is accepted and the items over the allowance are refused in its reply. other: the part of the allowance
    that another client takes, one item at a time at irregular intervals, its bucket first come first served.
    """

    def __init__(
        self,
        random: Random,
        profile: Profile,
        burst: float,
        *,
        latency: Latency,
        inside: float = 0.0,
        retry_after: str = "exact",
        other: float = 0.0,
    ) -> None:
        self._random = random
        self._profile = profile
        self._burst = burst
        self._latency = latency
        self._inside = inside
        self._style = retry_after
        self._other = other
        self._other_at = 0.0
        self._level = burst
        self._at = 0.0

    def arrive(self, now: float, items: int) -> Answer:
        self._refill(now)
        after = self._latency.draw(self._random, items)
        if self._inside and self._random.random() < self._inside:
            granted = min(items, int(self._level))
            self._level -= granted
            wait = self._wait(now, 1.0)
            return Answer(after, items - granted, wait if granted < items else None)
        if self._level < items:
            return Answer(0.0, items, self._wait(now, items))
        self._level -= items
        return Answer(after)

    def _wait(self, now: float, items: float) -> float | None:
        exact = max(1e-3, (items - self._level) / self._profile.at(now) / (1 - self._other))
        if self._style == "none":
            return None
        return {"exact": exact, "second": float(math.ceil(exact)), "short": exact / 2}[self._style]

    def _refill(self, now: float) -> None:
        while self._other and self._other_at < now:
            self._fill_to(self._other_at)
            if self._level >= 1:
                self._level -= 1
            interval = 1 / (self._profile.at(self._other_at) * self._other)
            self._other_at += interval * (0.5 + self._random.random())
        self._fill_to(now)

    def _fill_to(self, now: float) -> None:
        if now > self._at:
            gained = self._profile.until(now) - self._profile.until(self._at)
            self._level = min(self._burst, self._level + gained)
            self._at = now


class Slots:
    """A limit on batches in flight and nothing else."""

    def __init__(self, random: Random, slots: int, latency: Latency) -> None:
        self._random = random
        self._slots = slots
        self._latency = latency
        self._ends: list[float] = []

    def arrive(self, now: float, items: int) -> Answer:
        while self._ends and self._ends[0] <= now:
            heapq.heappop(self._ends)
        if len(self._ends) >= self._slots:
            return Answer(0.0, items, 1.0, crowded=True)
        after = self._latency.draw(self._random, items)
        heapq.heappush(self._ends, now + after)
        return Answer(after)


class ServerTime:
    """A budget of server time: debt delays every cmdlet, deep debt refuses (protocol.md).

    recharge: seconds of cmdlet time given per second. cutoff: the debt, in seconds of cmdlet time, at which
    everything is refused. light, heavy: seconds that a cmdlet costs; share: how many are heavy.
    """

    FULL_DELAY = 40.0  # seconds at the cutoff: the delay on record (21.956 s) at its share of the cutoff

    def __init__(
        self, random: Random, recharge: float, cutoff: float, *, light: float, heavy: float, share: float
    ) -> None:
        self._random = random
        self._recharge = recharge
        self._cutoff = cutoff
        self._light, self._heavy, self._share = light, heavy, share
        self._balance = cutoff / 10
        self._at = 0.0

    def arrive(self, now: float, items: int) -> Answer:
        gained = max(0.0, now - self._at) * self._recharge
        self._balance = min(self._cutoff / 10, self._balance + gained)
        self._at = max(now, self._at)
        if self._balance < -self._cutoff:
            return Answer(0.0, items, (-self._cutoff - self._balance) / self._recharge + 1e-3)
        delay = self.FULL_DELAY * max(0.0, -self._balance / self._cutoff)
        random, slowest, before = self._random.random, 0.0, self._balance
        for _ in range(items):
            cost = self._heavy if random() < self._share else self._light
            cost *= 0.75 + 0.5 * random()
            slowest = max(slowest, cost)
            self._balance -= cost
        mean = self._light * (1 - self._share) + self._heavy * self._share
        return Answer(slowest + delay, spent=(before - self._balance) / mean)


class Queue:
    """Works off `rate` items a second, one after the other; whoever sends faster waits longer."""

    def __init__(self, random: Random, rate: float, latency: Latency) -> None:
        self._random = random
        self._rate = rate
        self._latency = latency
        self._free_at = 0.0

    def arrive(self, now: float, items: int) -> Answer:
        self._free_at = max(now, self._free_at) + items / self._rate
        return Answer(self._free_at - now + self._latency.draw(self._random, items))
