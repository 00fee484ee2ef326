"""What a service gives, read from what it was sent and from how it delays.

Whoever sends more than the allowance runs up a debt, and the delay of a reply is the debt at its sending. So
a delay grows with every item sent and shrinks with every second, evenly; the ratio of the two is the
allowance, whatever rate one sent at and however late the replies came. What an item costs varies, and stays
in the debt: the delay walks at random about that line, and is off the more, the more has been sent. So what
counts is its change from point to point (a Kalman filter), not its distance from a line through all of them:
a hundred heavy items by chance, sent in the rush before the first delay, would turn that line for a minute.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise

SCATTER = 0.35
"""Seconds by which a measured delay is off by chance, whatever was sent."""
UNEVEN = 1.5
"""Standard deviation of what an item costs, as a share of the mean: some cmdlets are ten times as heavy."""
GROWTH, GROWTH_DOUBT = 0.6, 0.25
"""Seconds of delay for each second's worth of items sent, before anything has shown how many, and by how much
that is uncertain: 1 is right for a queue, and a budget of server time delays two or three times as softly."""
SOFTEST, HARDEST = 0.3, 1.0
"""What it is taken to be at least and at most. A queue that is sent more than it allows exceeds that; its
allowance is then read too low, and the rate is cut the sooner."""
ANY = 3.0
"""Seconds of delay per second by which it may grow or shrink at a steady rate, before anything is known."""
WEIGHT, CALM = 6, 0.5
"""Points that the assumed scatter counts for, and the share of it that is assumed at least: few points that
happen to lie on a line prove little."""
VAGUE, CLEAR = 0.15, 3.0
"""A standard error beyond which a reading says little; and the number of them from which the delay clearly
grows even if an item delays as much as it can, so that at least this much is sent too fast."""
MEMORY = 24
"""Points kept: a minute or two."""


class Trend:
    """Collects (clock second of sending, items sent by then, seconds of delay)."""

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
        walk = self._walk(rate, last)
        return walk.share() if walk else (1.0, math.inf)

    def slope(self, rate: float) -> float:
        """Seconds of delay that each second at `rate` adds, or takes off if negative; 0 if unknown."""
        walk = self._walk(rate, MEMORY)
        return walk.slope if walk else 0.0

    def _walk(self, rate: float, last: int) -> _Walk | None:
        """The last points, seen from `rate`; None where they are too few."""
        points = list(self._points)[-last:]
        if len(points) < 3 or points[-1][0] <= points[0][0]:
            return None
        walk = _Walk(points[0][2])
        for (before, had, _), (at, sent, delay) in pairwise(points):
            walk.step(at - before, (sent - had) / rate, rate, delay)
        return walk


class _Walk:
    """Three unknowns and what is known of them. The delay, in seconds; its growth for each second's worth of
    items sent; its slope, in seconds per second, had `rate` been kept to throughout."""

    def __init__(self, delay: float) -> None:
        self._state = [delay, GROWTH, 0.0]
        self._doubt = [[SCATTER**2, 0.0, 0.0], [0.0, GROWTH_DOUBT**2, 0.0], [0.0, 0.0, ANY**2]]
        self._steps = 0
        self._misfit = 0.0

    @property
    def slope(self) -> float:
        """Seconds of delay per second at the rate."""
        return self._state[2]

    def step(self, seconds: float, worth: float, rate: float, delay: float) -> None:
        """`seconds` later, and after items worth so many seconds at `rate`, the delay is measured anew."""
        state, doubt = self._state, self._doubt
        moves = (1.0, worth - seconds, seconds)
        expected = sum(move * value for move, value in zip(moves, state, strict=True))
        across = [sum(move * value for move, value in zip(moves, row, strict=True)) for row in doubt]
        walked = (UNEVEN * state[1]) ** 2 * worth / rate
        doubt[0][0] = sum(move * value for move, value in zip(moves, across, strict=True)) + walked
        for other in (1, 2):
            doubt[0][other] = doubt[other][0] = across[other]
        spread = doubt[0][0] + SCATTER**2
        off, shared = delay - expected, list(doubt[0])
        state[0] = expected
        for row in range(3):
            gain = shared[row] / spread
            state[row] += gain * off
            doubt[row] = [value - gain * other for value, other in zip(doubt[row], shared, strict=True)]
        self._steps += 1
        self._misfit += off**2 / spread

    def share(self) -> tuple[float, float]:
        """The allowance as a share of the rate, and its standard error."""
        (_, growth, slope), (_, (_, wide, both), (*_, steep)) = self._state, self._doubt
        kept = min(HARDEST, max(SOFTEST, growth))
        beyond = (slope + both / wide * (kept - growth)) / kept
        error = math.sqrt(max(0.0, steep - 2 * beyond * both + beyond**2 * wide)) / kept
        scatter = math.sqrt(max(CALM, (WEIGHT + self._misfit) / (WEIGHT + max(0, self._steps - 2))))
        least = (slope + both / wide * (HARDEST - growth)) / HARDEST
        sure = math.sqrt(max(0.0, steep - both**2 / wide)) / HARDEST
        if error * scatter > VAGUE and least > CLEAR * sure * scatter:
            return 1 - least, sure * scatter
        return 1 - beyond, error * scatter
