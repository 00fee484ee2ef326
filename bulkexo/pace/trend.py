"""What a service gives, read from what it was sent and from how it delays.

Whoever sends more than the allowance runs up a debt, and the delay of a reply is the debt at its sending. So
a delay grows with every item sent and shrinks with every second, evenly; the ratio of the two is the
allowance, whatever rate one sent at and however late the replies came.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

SCATTER = 0.35
"""Seconds by which a delay is taken to vary by chance, as long as few points have shown how much it does."""
WEIGHT = 6
"""Points that this assumption counts for."""
UNEVEN = 1.5
"""Standard deviation of what an item costs, as a share of the mean: some cmdlets are ten times as heavy."""
GROWTH, GROWTH_DOUBT = 0.6, 0.25
"""Seconds of delay for each second's worth of items sent, before anything has shown how many, and by how much
that is uncertain: 1 is right for a queue, and a budget of server time delays two or three times as softly."""
SOFTEST, HARDEST = 0.3, 1.0
"""What it is taken to be at least and at most. A queue that is sent more than it allows exceeds that; its
allowance is then read too low, and the rate is cut the sooner."""
MEMORY = 24
"""Points kept: a minute or two."""


class Trend:
    """Least squares over (clock second of sending, items sent by then, seconds of delay)."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int, float]] = deque(maxlen=MEMORY)

    def add(self, at: float, sent: int, delay: float) -> None:
        """One point more."""
        self._points.append((at, sent, delay))

    def clear(self) -> None:
        """Begin anew."""
        self._points.clear()

    def keep(self, last: int) -> None:
        """Forget all points but the last ones."""
        while len(self._points) > last:
            self._points.popleft()

    def share(self, rate: float, last: int = MEMORY) -> tuple[float, float]:
        """The allowance as a share of `rate` items per second, and its standard error: infinite if unknown.
        last: points to go by."""
        points = list(self._points)[-last:]
        count = len(points)
        if count < 3 or points[-1][0] <= points[0][0]:
            return 1.0, math.inf
        time = _centred([at for at, _, _ in points])
        ahead = _centred([sent / rate - at for at, sent, _ in points])
        delay = _centred([seconds for _, _, seconds in points])
        prior = (SCATTER / GROWTH_DOUBT) ** 2
        wide, spread, mixed = _dot(ahead, ahead) + prior, _dot(time, time), _dot(ahead, time)
        by_items, by_time = _dot(ahead, delay) + prior * GROWTH, _dot(time, delay)
        free = wide * spread - mixed**2
        growth = min(HARDEST, max(SOFTEST, (by_items * spread - by_time * mixed) / free))
        slope = (by_time - growth * mixed) / spread  # had `rate` been kept to throughout
        left = sum((d - growth * a - slope * t) ** 2 for d, a, t in zip(delay, ahead, time, strict=True))
        scatter = (left + WEIGHT * SCATTER**2) / (count - 2 + WEIGHT)
        uneven = UNEVEN**2 / max(1, points[-1][1] - points[0][1])
        return 1 - slope / growth, math.sqrt(scatter * wide / free / growth**2 + uneven)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _centred(values: Sequence[float]) -> list[float]:
    mean = sum(values) / len(values)
    return [value - mean for value in values]
