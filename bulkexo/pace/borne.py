"""What a service bore during silent delays, and how the rate grows beyond it once they are over.

Nothing is refused where replies only grow slow, so a probe would tell nothing: the rate itself is the probe.
It stands a little above what was borne until more has gone than a service may have saved up; if nothing has
been delayed by then, that is what is borne.
"""

from __future__ import annotations

BEYOND, IDLE, MOST, NEXT = 0.05, 60.0, 0.25, 0.1
"""By what share the rate grows beyond what was borne; or, after the first delays of all, which were met with
a large cut, by as many items as may have been missed between the end of the debt and its being seen, where
that is more, up to MOST; by NEXT once that is borne."""
SAVED = 15.0
"""Seconds' worth of items that a service may have saved up, so that sending them delays nothing yet."""
STEP = 1.02
"""What the rate is multiplied by at most, every five seconds, or by a third of what it is to grow by."""
LEAST = 200
"""Items from which what was borne is measured, with CAUTION."""
CAUTION = 0.98


class Borne:
    """rate: items per second borne during the last delays, None if there have been none."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self._beyond = BEYOND
        self._first = True  # the delays are the first
        self._ahead = 0.0  # items sent beyond it

    def slowed(self, rate: float, delivered: float) -> float:
        """Delays grow at `rate` items per second, of which `delivered` were answered of late. Returns what is
        borne of it."""
        self.rate = min(rate, delivered) if self.rate is None else rate
        return self.rate

    def cleared(self, items: int, seconds: float, rate: float) -> float:
        """The delays are over; `items` were worked off in `seconds`. Returns the rate to go on with; `rate`
        is that of now."""
        self._ahead = 0.0
        missed = IDLE / max(1, items) if self._first else 0.0
        self._beyond, self._first = min(MOST, max(BEYOND, missed)), False
        self.rate = CAUTION * items / seconds if items >= LEAST else max(rate, self.rate or 0.0)
        return min(2 * rate, self.rate)

    def grown(self, borne: float, rate: float, sent: float) -> float:
        """`sent` items more went at `rate`, without a delay. Returns the rate to go on with."""
        self._ahead += sent * max(0.0, 1 - borne / rate)
        if self._ahead > SAVED * borne:
            borne, self._ahead, self._beyond = rate, 0.0, NEXT
        self.rate = borne
        return min(rate * max(STEP, 1 + self._beyond / 3), max(rate, (1 + self._beyond) * borne))

    def forget(self) -> None:
        """The service counts: its refusals tell more than its delays."""
        self.rate = None
