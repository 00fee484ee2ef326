"""Silent delays: replies that take longer the faster one sends.

The service pays cmdlets from a budget of server time; in debt it delays each of them, long before it
refuses (protocol.md, "Throttling"). Sending faster then gains nothing. The debt itself is unknown, but equal
delays mean equal debts: while the delay neither grows nor shrinks, what is sent is the allowance. Where it
does, `trend.py` reads the allowance from what was sent and from the delays of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bulkexo.pace.ledger import Flight
from bulkexo.pace.trend import Trend

COHORT = 9
"""Batches, in the order of sending, that are judged together, once five of them are answered: slow mailboxes
in four of nine go unheard, and nobody waits for them."""
LIMIT = 1.0
"""Seconds beyond the usual (or the usual once more, where that is longer) that count as a delay."""
NEW, CREEP = 50, 0.0005
"""Replies from which the usual is known so well that it hardly follows what is half a delay: by this share
with each reply."""
FIRST, TRIM = 0.58, 0.97
"""What the delivered rate is multiplied by when the first delays of all show, which were met at an unknown
overshoot, and when later ones do."""
WIDE, DOUBT = 0.25, 0.1
"""By what share the rate may be off after the first delays of all, and after later ones. A reading of the
allowance counts the more, the surer it is in comparison."""
GATE = 0.15
"""A reading that may be off by a larger share does not count, unless the delay will be over before a surer
one: a queue is idle then, and what it could have done is lost. While much debt is left, waiting is free."""
AIM = 0.998
"""What share of the allowance is sent during delays: the debt is paid back, but slowly. As long as it lasts,
none of the allowance is lost."""
KEEP, PULL, MOST = 4.0, 0.005, 1.02
"""Seconds of delay under which the debt is not paid back but kept, as a buffer: by what share more is sent
for each second less, and at most. Where no debt is left, nothing shows whether the rate is right."""
CUT = 0.7
"""Beyond which no single change goes, nor its inverse."""
RECENT, CHANGED = 6, 3.0
"""Points that are looked at by themselves, and the standard errors from which they show that the allowance
has changed, so that older ones count no more."""
SAME = 0.01
"""A smaller change is not worth making."""
MEMORY = 30
"""Replies over which the delivered rate is taken."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """factor: what to multiply the rate with; or the delays are over, and lasted, by the sending of what
    was delayed, from `since` to `until`, in which `paid` seconds of delay were paid back. early: replies take
    longer, but not yet so much longer that it is called a delay."""

    factor: float = 1.0
    early: bool = False
    since: float = 0.0
    until: float = 0.0
    paid: float = 0.0

    @property
    def over(self) -> bool:
        """Whether the delays have ended."""
        return self.until > 0


class Delay:
    """Learns how long replies usually take, per kind and size of batch, and tells when they take longer."""

    def __init__(self) -> None:
        self._usual: dict[tuple[str, int], tuple[float, int]] = {}
        self._sent = 0
        self._items = 0
        self._judged = -1
        self._cohorts: dict[int, list[float]] = {}
        self._replies: deque[tuple[float, int]] = deque(maxlen=MEMORY)
        self._excess = 0.0
        self._trend = Trend()
        self._since: float | None = None
        self._deep = 0.0  # the delay at that time
        self._turned = 0.0  # clock second of the last change
        self._fresh = 0  # points sent since then
        self._suspected = False
        self._warned = False
        self._step = FIRST
        self._assumed: float | None = None  # items per second before anything was read from the delays
        self._doubt = WIDE  # by what share that may be off

    @property
    def on(self) -> bool:
        """Whether there are silent delays now."""
        return self._since is not None

    @property
    def suspected(self) -> bool:
        """Whether replies take longer, be it by too little to be called a delay."""
        return self.on or self._suspected

    @property
    def delivered(self) -> float:
        """Items per second that were answered of late."""
        seconds = self._replies[-1][0] - self._replies[0][0]
        return sum(items for _, items in self._replies) / max(0.5, seconds)

    def sent(self, flight: Flight) -> None:
        """A batch has gone."""
        flight.cohort = self._sent // COHORT
        flight.number = self._items
        self._sent += 1
        self._items += flight.items

    def refused(self, flight: Flight) -> None:
        """A batch was refused or lost: what is left of its cohort is no fair sample, and what was
        refused is no debt."""
        self._items -= flight.refused
        self._judged = max(self._judged, flight.cohort)

    def saw(self, flight: Flight, now: float, kind: str, rate: float) -> Verdict | None:
        """A batch was answered, nothing of it refused. kind: what it held; unlike kinds are not compared.
        rate: items per second of now."""
        self._replies.append((now, flight.items))
        usual = self._learn((kind, flight.items), now - flight.started)
        if flight.cohort <= self._judged:
            return None  # late
        answered = self._cohorts.setdefault(flight.cohort, [])
        answered.append(now - flight.started - usual)
        if len(answered) <= COHORT // 2:
            return None
        self._excess = sorted(answered)[-2]  # one of five may be slow by chance
        self._judged = flight.cohort
        self._cohorts = {number: some for number, some in self._cohorts.items() if number > flight.cohort}
        return self._judge(now, flight, max(LIMIT, usual), rate)

    def _learn(self, key: tuple[str, int], took: float) -> float:
        """The usual seconds of such a batch: a running median, which stands still during delays. A batch of
        a size never seen is bounded by what others of its kind take, as if its items ran one by one."""
        kind, items = key
        usual, count = self._usual.get(key, (0.0, 0))
        if not count:
            others = [(size, value) for (label, size), (value, _) in self._usual.items() if label == kind]
            usual = min([took, *(value * max(1.0, items / size) for size, value in others)])
        limit = max(LIMIT, usual)
        if self._since is None and self._excess <= limit:
            known = count >= NEW and self._excess > limit / 2
            count += 1
            step = 1 + (CREEP if known else max(0.002, 0.3 / count))
            usual = usual * step if took > usual else usual / step
        self._usual[key] = usual, count
        return usual

    def _judge(self, now: float, flight: Flight, limit: float, rate: float) -> Verdict | None:
        """Conclude from the delay of the cohort that `flight` belongs to."""
        at = flight.started
        if self._excess <= limit:
            self._warned = False
            return self._end(at) or self._suspect(limit / 2)
        if self._since is None:
            if not self._warned:  # five heavy batches of nine are no rarity where heavy ones are
                self._warned = True
                return self._suspect(limit / 2)
            self._since, self._deep = at, self._excess
            self._trend.add(at, flight.number, self._excess)
            self._turned, self._fresh = now, 0
            return Verdict(self._step)
        self._trend.add(at, flight.number, self._excess)
        return self._watch(now, flight, limit, rate)

    def _suspect(self, limit: float) -> Verdict | None:
        """Tell it once when replies begin to take longer."""
        before, self._suspected = self._suspected, self._excess > limit
        return Verdict(early=True) if self._suspected and not before else None

    def _watch(self, now: float, flight: Flight, limit: float, rate: float) -> Verdict | None:
        """Follow the allowance, once for each delay: before a reply to what was sent at the present rate has
        come, nothing can tell whether it is the right one. Every reading is of all points, so that it
        corrects what was assumed at first, not the reading before."""
        self._assumed = self._assumed or rate
        self._fresh += flight.started >= self._turned
        recent, error = self._trend.share(rate, RECENT)
        if self._fresh >= RECENT and abs(recent - 1) > CHANGED * error:
            self._trend.keep(RECENT)
            self._assumed, self._doubt = rate, WIDE
        share, error = self._trend.share(rate)
        if not self._fresh or (error > GATE and not self._ending(now, flight, limit, rate)):
            return None
        assumed = self._assumed / rate
        weight = 1 / (1 + (error / (self._doubt * assumed)) ** 2)
        factor = self._aim() * (assumed + weight * (share - assumed))
        if abs(factor - 1) < SAME:
            return None
        self._turned, self._fresh = now, 0
        return Verdict(min(1 / CUT, max(CUT, factor)))

    def _ending(self, now: float, flight: Flight, limit: float, rate: float) -> bool:
        """Whether the delay, as it shrinks at `rate`, will be no more before another cohort has gone."""
        shrinks = -self._trend.slope(rate)
        until = now + COHORT * flight.items / rate
        return self._excess - limit < shrinks * (until - flight.started)

    def _aim(self) -> float:
        """What share of the allowance to send."""
        return max(AIM, min(MOST, 1 + PULL * (KEEP - self._excess)))

    def _end(self, middle: float) -> Verdict | None:
        if self._since is None:
            return None
        since, self._since = self._since, None
        self._trend.clear()
        self._step = TRIM
        self._assumed, self._doubt = None, DOUBT
        return Verdict(since=since, until=max(middle, since + 1e-3), paid=self._deep - max(0.0, self._excess))
