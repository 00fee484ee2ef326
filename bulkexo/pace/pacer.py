"""One tenant's pace: what has been seen of the service → what is allowed now."""

from __future__ import annotations

from dataclasses import dataclass

from bulkexo.pace.backoff import Backoff


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the reply to one batch (or its absence) says about the tenant's allowance.

    started, ended: clock seconds at sending and at the reply. sent: items in the batch. refused: those
    that were throttled. retry_after: seconds the service asked for, None if it named none.
    crowded: it complained of concurrent requests. busy: 503, 504 or no reply at all.
    remaining, reset: `Rate-Limit-Remaining` and `Rate-Limit-Reset` where they came.
    """

    started: float
    ended: float
    sent: int
    refused: int = 0
    retry_after: float | None = None
    crowded: bool = False
    busy: bool = False
    remaining: float | None = None
    reset: float | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is allowed now. rate: items per second, None for no limit. concurrency: batches in flight.
    hold_until: clock seconds before which nothing may be sent."""

    rate: float | None
    concurrency: int
    hold_until: float


class Pacer:
    """Holds the whole tenant while the service asks for it, under the user's ceilings.

    rate: items per second or None; concurrency: batches in flight. Both are upper limits.
    """

    def __init__(self, *, rate: float | None, concurrency: int, backoff: Backoff) -> None:
        self._rate = rate
        self._concurrency = concurrency
        self._backoff = backoff
        self._hold_until = 0.0
        self._refusals = 0

    def allowance(self, now: float) -> Allowance:
        """What is allowed at clock second `now`."""
        return Allowance(self._rate, self._concurrency, self._hold_until)

    def saw(self, sighting: Sighting) -> None:
        """Learn from one reply. A refusal without `Retry-After` is held for a jittered, doubling wait."""
        if not sighting.refused:
            self._refusals = 0
            return
        if sighting.started < self._hold_until and sighting.retry_after is None:
            return  # sent before the hold that is running: it says nothing new
        self._refusals += 1
        wait = sighting.retry_after
        if wait is None:
            wait = self._backoff.wait(self._refusals)
        self._hold_until = max(self._hold_until, sighting.ended + wait)
