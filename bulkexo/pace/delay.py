"""Silent delays: replies that take longer the faster one sends.

The service pays cmdlets from a budget of server time; in debt it delays each of them, long before it
refuses (protocol.md, "Throttling"). Sending faster then gains nothing. The debt itself is unknown, but equal
delays mean equal debts: while the delay neither grows nor shrinks, what is sent is the allowance.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bulkexo.pace.ledger import Flight

COHORT = 9
"""Batches, in the order of sending, that are judged together, once five of them are answered: slow mailboxes
in four of nine go unheard, and nobody waits for them."""
LIMIT = 1.0
"""Seconds beyond the usual (or the usual once more, where that is longer) that count as a delay."""
DEAF = 0.8
"""Seconds by which the delay of a cohort may change by chance where light and heavy cmdlets are mixed."""
FIRST, TRIM = 0.7, 0.97
"""What the delivered rate is multiplied by when the first delays of all show, which were met at an unknown
overshoot, and when later ones do."""
GAIN = 2.0
"""By how much the rate is changed once the delay is seen to grow or shrink: a share of the rate for each
second of delay a second. 1 is right for a queue; a budget of server time answers two or three times as
softly."""
CUT = 0.8
"""Beyond which no single change goes, nor its inverse."""
GROWING, SHRINKING = 0.005, 0.02
"""Seconds of delay a second: what counts as slow growth, and up to which a shrinking is left alone. The debt
is paid back, but slowly: as long as it lasts, none of the allowance is lost."""
PATIENCE = 20.0
"""Seconds over which slow growth is told from chance."""
MEMORY = 30
"""Replies over which the delivered rate is taken."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """factor: what to multiply the rate with; or the delays are over, and lasted, by the sending of what
    was delayed, from `since` to `until`."""

    factor: float = 1.0
    since: float = 0.0
    until: float = 0.0

    @property
    def over(self) -> bool:
        """Whether the delays have ended."""
        return self.until > 0


class Delay:
    """Learns how long replies usually take, per kind and size of batch, and tells when they take longer."""

    def __init__(self) -> None:
        self._usual: dict[tuple[str, int], tuple[float, int]] = {}
        self._sent = 0
        self._judged = -1
        self._cohorts: dict[int, list[float]] = {}
        self._replies: deque[tuple[float, int]] = deque(maxlen=MEMORY)
        self._excess = 0.0
        self._before: tuple[float, float] | None = None  # second of sending, excess
        self._since: float | None = None
        self._cut_at = 0.0
        self._warned = False
        self._step = FIRST

    @property
    def on(self) -> bool:
        """Whether there are silent delays now."""
        return self._since is not None

    @property
    def delivered(self) -> float:
        """Items per second that were answered of late."""
        seconds = self._replies[-1][0] - self._replies[0][0]
        return sum(items for _, items in self._replies) / max(0.5, seconds)

    def sent(self, flight: Flight) -> None:
        """A batch has gone."""
        flight.cohort = self._sent // COHORT
        self._sent += 1

    def refused(self, flight: Flight) -> None:
        """A batch was refused or lost: what is left of its cohort is no fair sample."""
        self._judged = max(self._judged, flight.cohort)

    def saw(self, flight: Flight, now: float, kind: str) -> Verdict | None:
        """A batch was answered, nothing of it refused. kind: what it held; unlike kinds are not compared."""
        self._replies.append((now, flight.items))
        usual = self._learn((kind, flight.items), now - flight.started)
        if flight.started < self._cut_at or flight.cohort <= self._judged:
            return None  # sent at the rate before the last cut, or late
        answered = self._cohorts.setdefault(flight.cohort, [])
        answered.append(now - flight.started - usual)
        if len(answered) <= COHORT // 2:
            return None
        self._excess = max(answered)  # the median of the cohort, for the others take longer
        self._judged = flight.cohort
        self._cohorts = {number: some for number, some in self._cohorts.items() if number > flight.cohort}
        return self._judge(now, flight.started, max(LIMIT, usual))

    def _learn(self, key: tuple[str, int], took: float) -> float:
        """The usual seconds of such a batch: a running median, which stands still during delays. A batch of
        a size never seen is bounded by what others of its kind take, as if its items ran one by one."""
        kind, items = key
        usual, count = self._usual.get(key, (0.0, 0))
        if not count:
            others = [(size, value) for (label, size), (value, _) in self._usual.items() if label == kind]
            usual = min([took, *(value * max(1.0, items / size) for size, value in others)])
        if self._excess < max(LIMIT, usual) / 2:
            step = 1 + max(0.002, 0.3 / (count + 1))
            usual = usual * step if took > usual else usual / step
        self._usual[key] = usual, count + 1
        return usual

    def _judge(self, now: float, at: float, limit: float) -> Verdict | None:
        """Conclude from the delay of a cohort sent about second `at`."""
        before = self._before
        if self._excess <= limit:
            self._warned = False
            return self._end(at)
        if self._since is None:
            if not self._warned:  # five heavy batches of nine are no rarity where heavy ones are
                self._warned = True
                return None
            self._since = at
            return self._turn(now, self._step)
        if before is None:
            self._before = at, self._excess  # the first cohort after a turn: what the next are compared with
            return None
        return self._watch(now, self._excess - before[1], at - before[0])

    def _watch(self, now: float, grown: float, seconds: float) -> Verdict | None:
        """See to it that the delay does not grow, and that it does not shrink too fast."""
        if abs(grown) <= DEAF and seconds < PATIENCE:
            return None
        self._step = TRIM
        slope = grown / max(seconds, 1e-3)
        if -SHRINKING <= slope <= GROWING:
            return None
        sure = slope * max(0.0, 1 - DEAF / 2 / abs(grown))
        return self._turn(now, min(1 / CUT, max(CUT, 1 - GAIN * sure)))

    def _turn(self, now: float, factor: float) -> Verdict:
        """Another rate; only what is sent from now on can tell whether it is the right one."""
        self._before = None
        self._cut_at = now
        return Verdict(factor)

    def _end(self, middle: float) -> Verdict | None:
        if self._since is None:
            return None
        since, self._since, self._before = self._since, None, None
        self._step = TRIM
        return Verdict(since=since, until=max(middle, since + 1e-3))
