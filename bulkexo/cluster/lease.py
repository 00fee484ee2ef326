"""Until when a worker process may send, by a clock that goes on while the machine sleeps. Floor 4."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

_CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def awake() -> float:
    """Seconds on a clock that nobody sets and that counts the time asleep: a worker that was suspended must
    find its lease over. Linux's CLOCK_BOOTTIME; the monotonic clock of macOS and of Windows does so too."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


class Lease:
    """clock: see `awake`. granted: seconds from the sending of a question to which the answer renews it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = -math.inf
        self.granted = 0.0

    def renew(self, sent: float, seconds: float) -> None:
        """It lasts from the moment at which the question was sent that has been answered."""
        self.granted = seconds
        self._until = max(self._until, sent + seconds)

    def lasts(self) -> bool:
        """Whether something may be sent now."""
        return self._clock() < self._until
