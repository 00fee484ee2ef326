"""Spending what the service has saved up while it made everybody wait."""

from __future__ import annotations

import math
from dataclasses import dataclass

BOOST = 1.5
"""Times the rate while catching up: what a wait saved is spent in twice its length."""
TRUST = 0.8
"""The share that is spent of what is thought to be saved: the end of a burst is a bad place to stand."""
LEAST = 20.0
"""Items gained in a wait from which catching up is worth while: two batches."""
DOUBT = 0.1
"""By what share the room may be misjudged."""
GROWTH = 1.005
"""Times what the service is thought to have room for after each success; failing costs another wait."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a wait comes to, in items. spare: likely to be left once the catching up is done. least, most:
    what the service would have given in that time and cannot give any more."""

    spare: float
    least: float
    most: float


class CatchUp:
    """After a wait longer than the allowance needed, sends faster until that time is made good.

    room: items that the service can save up, its burst. Unknown at first, hence endless; it is measured when
    the catching up is refused.
    """

    def __init__(self) -> None:
        self.room = math.inf
        self._left = 0.0
        self._until = -math.inf
        self._wait = (0.0, 0.0)

    @property
    def active(self) -> bool:
        """Whether there is something left to make good."""
        return self._left > 0

    def begin(self, wait: tuple[float, float], gained: float, needed: float, *, sure: bool) -> Saved:
        """A wait from the second at which the service had nothing left to its end, in which it gains `gained`
        items, `needed` of which are spoken for. Nothing is made good at a rate that is not sure."""
        self._wait = wait
        self._until = -math.inf
        kept = max(0.0, min(gained, self.room) - needed)
        self._left = TRUST * kept if sure and gained >= LEAST else 0.0
        spare = kept - self._left
        if math.isinf(self.room):
            return Saved(spare, 0.0, spare)
        least, most = (max(0.0, gained - self.room * (1 + doubt)) for doubt in (DOUBT, -DOUBT))
        return Saved(spare, least, most)

    def sent(self, now: float, items: int) -> None:
        """`items` went at BOOST times the rate."""
        self._left -= items * (1 - 1 / BOOST)
        if self._left <= 0:
            self.room *= GROWTH
            self._until = now

    def covers(self, started: float) -> bool:
        """Whether a batch sent at `started`, and refused, was part of it."""
        return self.active or started <= self._until

    def refused(self, now: float, spent: float, rate: float) -> None:
        """The service had saved less: between the refusal before the wait and that of `now`, it gave `spent`
        items, of which it gained some after the wait."""
        self.room = max(1.0, spent - rate * (now - self._wait[1]))

    @property
    def since(self) -> float:
        """The second of the refusal that led to the wait."""
        return self._wait[0]
