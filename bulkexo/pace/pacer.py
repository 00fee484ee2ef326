"""One tenant's pace: what has been seen of the service → what is allowed now."""

from __future__ import annotations

import math

from bulkexo.pace.backoff import Backoff
from bulkexo.pace.delay import Delay
from bulkexo.pace.ledger import Flight, Ledger
from bulkexo.pace.patience import Patience
from bulkexo.pace.places import Places
from bulkexo.pace.rate import BATCH, RateLaw
from bulkexo.pace.retries import Retries
from bulkexo.pace.sights import Allowance, Learned, Sighting, State

START = 40.0
"""Items per second to begin with at a tenant never met. People measured 1 to 30 a second (protocol.md); a
burst lets the first second of even a slow tenant pass, and three steps lead to 100 a second."""
LONGEST = 86400.0
"""Seconds of the longest wait that is believed; a header that asks for more is broken."""


class Pacer:
    """Learns what a tenant allows, uses all of it, and stays under the user's ceilings.

    rate: items per second or None; concurrency: batches in flight. Both are upper limits, never goals.
    learned: what an earlier run knew. give_up_after: seconds without an accepted item after which
    `Allowance.give_up_at` is due, None for never.

    Call `sent` when a batch goes and `saw` when its reply has come or is given up; ask `allowance` before
    each batch. Times are seconds of one clock that never goes back.
    """

    def __init__(
        self,
        *,
        rate: float | None,
        concurrency: int,
        backoff: Backoff,
        learned: Learned | None = None,
        give_up_after: float | None = None,
    ) -> None:
        self._backoff = backoff
        self._ceiling = math.inf if rate is None else rate
        self._ledger = Ledger()
        start, climbing = (START, 4) if learned is None else (learned.rate, 0)
        self._law = RateLaw(self._ledger, start=start, ceiling=rate, climbing=climbing)
        self._places = Places(concurrency, learned.concurrency if learned else None)
        self._delay = Delay()
        self._retries = Retries(backoff)
        self._patience = Patience(give_up_after)
        self._asked_until = 0.0
        self._refusals = 0
        self._refused_at = -math.inf

    @property
    def hold_until(self) -> float:
        """Clock seconds before which nothing may be sent."""
        return max(self._law.hold_until, self._asked_until, self._retries.hold_until)

    @property
    def rate(self) -> float | None:
        """Items per second to send now, None for no limit."""
        return self._law.pace

    def allowance(self, now: float) -> Allowance:
        """What is allowed at clock second `now`."""
        hold = self.hold_until
        places, size = self._places.limit, self._law.batch_size
        if self._places.may_try(now, self._ledger.in_flight):
            places, size = places + 1, 1
        if self._retries.spent:
            places = 1
        return Allowance(self._law.pace, places, hold, size, self._state(now), self._patience.ends)

    @property
    def steady(self) -> float:
        """Items per second that are allowed, without what a probe adds for a moment."""
        return min(self._law.rate, self._ceiling)

    @property
    def learned(self) -> Learned:
        """What the next run may begin with."""
        return Learned(self._law.rate, self._places.learned)

    def rested(self, now: float) -> None:
        """The run has kept still until clock second `now`: nobody can have accepted anything meanwhile."""
        self._patience.rested(now)

    def sent(self, now: float, items: int) -> None:
        """A batch of `items` goes at clock second `now`."""
        flight = self._ledger.sent(now, items)
        self._patience.began(now)
        self._places.sent(flight)
        self._delay.sent(flight)
        self._law.sent(flight, self._places.limit)

    def saw(self, sighting: Sighting) -> None:
        """Learn from one reply. It may have refused all of the batch, some items of it, or none."""
        if not self._ledger.knows(sighting.started, sighting.sent):
            self.sent(sighting.started, sighting.sent)
        flight = self._ledger.replied(sighting.started, sighting.sent, sighting.refused)
        accepted = sighting.sent - sighting.refused - sighting.passing
        self._retries.saw(flight.started, sighting.ended, accepted, sighting.passing)
        if accepted > 0:
            self._patience.progressed(sighting.ended)
            self._refusals = 0
        if sighting.crowded and self._places.trying(flight):
            self._places.refused(flight, sighting.ended)
            return  # one too many, as may be: the item waits, and the others go on as before
        self._heed(sighting, flight)
        if sighting.crowded:
            self._places.refused(flight, sighting.ended)
            self._law.spoilt()
            return
        self._places.passed(flight, sighting.ended)
        if sighting.passing == sighting.sent:
            self._law.spoilt()  # nothing of it was carried out: it tells nothing of the pace
            return
        self._time(sighting, flight)
        self._law.saw(flight, sighting.ended, slow=self._delay.suspected, asked=self._asked_until)

    def _heed(self, sighting: Sighting, flight: Flight) -> None:
        """Wait as long as the service asks; where it names no time, as long as refusals in a row suggest."""
        now = sighting.ended
        if sighting.retry_after is not None:
            self._ask(now + _bounded(sighting.retry_after))
        if sighting.remaining is not None and sighting.reset is not None and sighting.remaining < BATCH:
            self._ask(now + _bounded(sighting.reset))
        if not sighting.refused or flight.started < self._refused_at:
            return
        self._refused_at = now
        self._refusals += 1
        if sighting.retry_after is None and self._refusals > 2:
            self._ask(now + self._backoff.wait(self._refusals - 2))

    def _time(self, sighting: Sighting, flight: Flight) -> None:
        """Notice silent delays."""
        if sighting.refused or sighting.busy:
            self._delay.refused(flight)
            return
        verdict = self._delay.saw(flight, sighting.ended, sighting.kind, self._law.rate)
        if verdict is None:
            return
        if verdict.over:
            self._law.cleared(verdict.since, verdict.until, verdict.paid)
        elif verdict.early:
            self._law.eased()
        else:
            self._law.slowed(verdict.factor, self._delay.delivered)

    def _ask(self, until: float) -> None:
        self._asked_until = max(self._asked_until, until)

    def _state(self, now: float) -> State:
        if self._retries.spent:
            return State.SICK
        if now < self._asked_until:
            return State.HELD
        return State.DELAYED if self._delay.on else State.OPEN


def _bounded(seconds: float) -> float:
    """`seconds` as a wait that is finite and no mistake."""
    return min(LONGEST, max(0.0, seconds)) if math.isfinite(seconds) else 0.0
