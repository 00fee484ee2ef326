"""Spending what the service has saved up while it made everybody wait."""

from __future__ import annotations

import math

BOOST = 1.5
"""Times the rate while catching up: what a wait saved is spent in twice its length."""


class CatchUp:
    """After a wait longer than the allowance needed, sends faster until that time is made good.

    How much the service can save up, its burst, is not known: the reach is what it was found to bear.
    """

    def __init__(self) -> None:
        self._left = 0.0
        self._given = 0.0
        self._reach = math.inf
        self._until = -math.inf

    @property
    def active(self) -> bool:
        """Whether there is something left to make good."""
        return self._left > 0

    def begin(self, saved: float) -> float:
        """A wait has begun that will have saved `saved` items. Returns how many are likely to be left over
        once the catching up is done: a fifth, for the end of a burst is a bad place to stand."""
        self._given = min(0.8 * saved, self._reach)
        self._left = self._given if self._given >= 1 else 0.0
        self._until = -math.inf
        return max(0.0, min(saved, 1.4 * self._reach) - self._given)

    def sent(self, now: float, items: int) -> None:
        """`items` went at BOOST times the rate."""
        self._left -= items * (1 - 1 / BOOST)
        if self._left <= 0:
            self._reach *= 1.05
            self._until = now

    def covers(self, started: float) -> bool:
        """Whether a batch sent at `started`, and refused, was part of it."""
        return self.active or started <= self._until

    def refused(self) -> None:
        """The service had saved less."""
        self._reach = 0.7 * (self._given - max(0.0, self._left))
