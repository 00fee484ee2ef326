"""How long an item waits before its next attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: a wait drawn evenly from 0 to the doubling ceiling.

    random: draws from [0, 1). base, cap: seconds. Microsoft's module waits 2 s × 2ⁿ exactly; drawing
    below that ceiling spreads the retries, so that items that failed together do not return together.
    """

    random: Callable[[], float]
    base: float = 2.0
    cap: float = 60.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after the `failures`-th failed attempt (1, 2, …)."""
        return self.ceiling(failures) * self.random()

    def ceiling(self, failures: int) -> float:
        """The most that `wait` gives."""
        return min(self.cap, self.base * 2.0 ** min(failures - 1, 30))
