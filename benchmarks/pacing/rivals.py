"""What the pacer is measured against: the oracle, Microsoft's module, and the laws that were not kept.

All of them hold the whole tenant for as long as `Retry-After` says; they differ in what they learn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from random import Random

from bulkexo.pace import Allowance, Sighting

from .tenants import Tenant


class Rival(ABC):
    """A tenant-wide hold, and no other law."""

    ceiling = 64

    def __init__(self, random: Random) -> None:
        self._random = random
        self._hold_until = 0.0
        self._failures = 0

    def allowance(self, now: float) -> Allowance:
        """What is allowed."""
        return Allowance(self.rate(now), self.slots(), self._hold_until)

    @abstractmethod
    def rate(self, now: float) -> float | None:
        """Items per second."""

    def slots(self) -> int:
        """Batches in flight."""
        return self.ceiling

    def sent(self, now: float, items: int) -> None:  # noqa: B027 - most have nothing to do here
        """Nothing is learnt from sending."""

    def saw(self, sighting: Sighting) -> None:
        """Hold, then learn."""
        fresh = sighting.refused > 0 and sighting.started >= self._hold_until
        if sighting.refused:
            if fresh:
                self._failures += 1
            wait = sighting.retry_after
            if wait is None:
                wait = min(20.0, 0.5 * 2.0 ** (self._failures - 1)) * self._random.random()
            if fresh or sighting.retry_after is not None:
                self._hold_until = max(self._hold_until, sighting.ended + wait)
        else:
            self._failures = 0
        self.learn(sighting, fresh)

    def learn(self, sighting: Sighting, fresh: bool) -> None:  # noqa: B027 - the oracle does not learn
        """fresh: a refusal of something sent after the last hold."""


class Oracle(Rival):
    """A fixed limiter at the true rate, and as many in flight as are allowed."""

    def __init__(self, random: Random, tenant: Tenant) -> None:
        super().__init__(random)
        self._tenant = tenant

    def rate(self, now: float) -> float | None:
        return None if self._tenant.slots < self.ceiling else self._tenant.profile.at(now)

    def slots(self) -> int:
        return self._tenant.slots


class Module(Rival):
    """Batches one after the other; 2 s × 2ⁿ on an error unless `Retry-After` says, as Microsoft's module."""

    def rate(self, now: float) -> float | None:
        return None

    def slots(self) -> int:
        return 1

    def saw(self, sighting: Sighting) -> None:
        self._failures = self._failures + 1 if sighting.refused else 0
        if sighting.refused:
            wait = sighting.retry_after
            self._hold_until = sighting.ended + (
                2.0 * 2.0 ** min(self._failures, 5) if wait is None else wait
            )


class Aimd(Rival):
    """Additive increase of 2 items/s every second, decrease to 0.7 on a refusal."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._rate = 10.0
        self._raised = 0.0

    def rate(self, now: float) -> float | None:
        return self._rate

    def learn(self, sighting: Sighting, fresh: bool) -> None:
        if fresh:
            self._rate = max(0.5, self._rate * 0.7)
            self._raised = sighting.ended
        elif not sighting.refused and sighting.ended - self._raised >= 1.0:
            self._rate += 2.0
            self._raised = sighting.ended


class Cubic(Rival):
    """The AWS SDKs' adaptive mode: to 0.7 of the measured rate, back on a cubic of scale 0.4."""

    beta, scale, smoothing, step = 0.7, 0.4, 0.8, 0.5

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._fill: float | None = None
        self._measured = 0.0
        self._bucket = 0.0
        self._count = 0
        self._peak = 0.0
        self._failed_at = 0.0

    def rate(self, now: float) -> float | None:
        return self._fill

    def learn(self, sighting: Sighting, fresh: bool) -> None:
        now = sighting.ended
        self._count += sighting.sent
        bucket = now // self.step * self.step
        if bucket > self._bucket:
            current = self._count / (bucket - self._bucket)
            self._measured += (current - self._measured) * self.smoothing
            self._bucket, self._count = bucket, 0
        if sighting.refused:
            if not fresh:
                return
            self._peak = self._measured if self._fill is None else min(self._measured, self._fill)
            self._failed_at = now
            wanted = self._peak * self.beta
        elif self._fill is None:
            return
        else:
            turn = (self._peak * (1 - self.beta) / self.scale) ** (1 / 3)
            wanted = self.scale * (now - self._failed_at - turn) ** 3 + self._peak
            wanted = min(wanted, 2 * self._measured)
        self._fill = max(0.5, wanted)


class Gradient(Rival):
    """Netflix's second gradient: batches in flight follow long ÷ short latency, 0.9 on a refusal."""

    tolerance, smoothing, window = 1.5, 0.2, 600

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._limit = 4.0
        self._long = 0.0
        self._open = 0

    def rate(self, now: float) -> float | None:
        return None

    def slots(self) -> int:
        return max(1, min(self.ceiling, int(self._limit)))

    def sent(self, now: float, items: int) -> None:
        self._open += 1

    def learn(self, sighting: Sighting, fresh: bool) -> None:
        self._open -= 1
        if sighting.refused:
            if fresh:
                self._limit = max(1.0, self._limit * 0.9)
            return
        short = sighting.ended - sighting.started
        self._long = self._long + (short - self._long) * 2 / (self.window + 1) if self._long else short
        if self._open < self._limit / 2 - 1:
            return
        gradient = max(0.5, min(1.0, self.tolerance * self._long / short))
        wanted = self._limit * gradient + self._limit**0.5
        self._limit = min(self.ceiling, self._limit * (1 - self.smoothing) + wanted * self.smoothing)


class AttackDecay(Rival):
    """rclone's default pacer: the time between batches doubles on a refusal, and shrinks by a quarter."""

    shortest, longest = 0.01, 2.0

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._sleep = self.shortest

    def rate(self, now: float) -> float | None:
        return 10 / self._sleep

    def learn(self, sighting: Sighting, fresh: bool) -> None:
        if fresh:
            self._sleep = min(self.longest, self._sleep * 2)
        elif not sighting.refused:
            self._sleep = max(self.shortest, self._sleep * 0.75)


LAWS: dict[str, Callable[[Random], Rival]] = {
    "AWS adaptive (cubic)": Cubic,
    "AIMD": Aimd,
    "Netflix gradient": Gradient,
    "rclone attack/decay": AttackDecay,
}
