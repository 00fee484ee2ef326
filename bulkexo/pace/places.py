"""Batches in flight: fewer when the service complains of their number, one more now and then."""

from __future__ import annotations

from bulkexo.pace.ledger import Flight

FIRST = 15.0
"""Seconds until one more is tried after a complaint. Each try that fails costs the wait the service asks for
(a second or so), so that the interval doubles, to LONGEST: under 1 % of the time."""
LONGEST = 240.0
QUICK = 5.0
"""Seconds to the next try once two in a row went well: the limit has grown."""


class Places:
    """Learns how many batches one tenant lets be in flight. ceiling: the user's."""

    def __init__(self, ceiling: int, limit: int | None = None) -> None:
        self._ceiling = ceiling
        self.limit = max(1, min(ceiling, limit or ceiling))
        self._wait = FIRST
        self._changed_at = 0.0
        self._cut_at = 0.0
        self._won = 0
        self._trial: Flight | None = None

    @property
    def learned(self) -> int | None:
        """The limit, if the service set it; None if it is the user's ceiling."""
        return self.limit if self.limit < self._ceiling else None

    def may_try(self, now: float, in_flight: int) -> bool:
        """Whether one batch more than the limit, of a single item, may go."""
        full = in_flight == self.limit < self._ceiling
        return full and self._trial is None and now >= self._changed_at + self._wait

    def sent(self, flight: Flight) -> None:
        """A batch has gone."""
        if flight.abreast > self.limit:
            self._trial = flight

    def trying(self, flight: Flight) -> bool:
        """Whether a batch is the one more that is being tried, or that a try has lately found room for: the
        service counts a little late, so that a try can go well by luck."""
        return flight is self._trial or (self._won > 0 and flight.started >= self._cut_at)

    def passed(self, flight: Flight, now: float) -> None:
        """A batch was not complained of."""
        if flight is not self._trial:
            return
        self._trial = None
        self.limit = min(self._ceiling, self.limit + 1)
        self._won += 1
        self._changed_at = now
        if self._won > 1:
            self._wait = QUICK

    def refused(self, flight: Flight, now: float) -> None:
        """The service complained of too many in flight; what was sent before the last cut says nothing."""
        if flight is self._trial:
            self._trial = None
        elif flight.started >= self._cut_at:
            self.limit = max(1, min(self.limit, flight.abreast) - 1)
        else:
            return
        self._won = 0
        self._wait = min(LONGEST, max(FIRST, 2 * self._wait))
        self._cut_at = self._changed_at = now
