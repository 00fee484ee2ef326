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
FIRST, TRIM = 0.65, 0.97
"""What the delivered rate is multiplied by when the first delays of all show, which were met at an unknown
overshoot, and when later ones do."""
DOUBT = 0.08
"""By what share the rate may be off. A reading of the allowance counts the more, the surer it is in
comparison; one that is less sure does not count."""
AIM = 0.998
"""What share of the allowance is sent during delays: the debt is paid back, but slowly. As long as it lasts,
none of the allowance is lost."""
CUT = 0.7
"""Beyond which no single change goes, nor its inverse."""
RECENT, CHANGED = 6, 3.0
"""Points that are looked at by themselves, and the standard errors from which they show that the allowance
has changed, so that older ones count no more."""
FRESH = 2
"""Points sent since the last change without which there is no other."""
SAME = 0.01
"""A smaller change is not worth making."""
MEMORY = 30
"""Replies over which the delivered rate is taken."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """factor: what to multiply the rate with; or the delays are over, and lasted, by the sending of what
    was delayed, from `since` to `until`, in which `paid` seconds of delay were paid back."""

    factor: float = 1.0
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
        self._fresh = 0  # points since then
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
        if self._excess < max(LIMIT, usual) / 2:
            step = 1 + max(0.002, 0.3 / (count + 1))
            usual = usual * step if took > usual else usual / step
        self._usual[key] = usual, count + 1
        return usual

    def _judge(self, now: float, flight: Flight, limit: float, rate: float) -> Verdict | None:
        """Conclude from the delay of the cohort that `flight` belongs to."""
        at = flight.started
        if self._excess <= limit:
            self._warned = False
            return self._end(at)
        if self._since is None:
            if not self._warned:  # five heavy batches of nine are no rarity where heavy ones are
                self._warned = True
                return None
            self._since, self._deep = at, self._excess
            self._trend.add(at, flight.number, self._excess)
            self._turned, self._fresh = now, 0
            return Verdict(self._step)
        self._trend.add(at, flight.number, self._excess)
        return self._watch(now, at, rate)

    def _watch(self, now: float, at: float, rate: float) -> Verdict | None:
        """Follow the allowance, once for each delay: before a reply to what was sent at the present rate has
        come, nothing can tell whether it is the right one."""
        self._fresh += at >= self._turned
        recent, error = self._trend.share(rate, RECENT)
        if self._fresh >= RECENT and abs(recent - 1) > CHANGED * error:
            self._trend.keep(RECENT)
        share, error = self._trend.share(rate)
        if self._fresh < FRESH or error > DOUBT:
            return None
        factor = 1 + DOUBT**2 / (DOUBT**2 + error**2) * (AIM * share - 1)
        if abs(factor - 1) < SAME:
            return None
        self._turned, self._fresh = now, 0
        self._step = TRIM
        return Verdict(min(1 / CUT, max(CUT, factor)))

    def _end(self, middle: float) -> Verdict | None:
        if self._since is None:
            return None
        since, self._since = self._since, None
        self._trend.clear()
        self._step = TRIM
        return Verdict(since=since, until=max(middle, since + 1e-3), paid=self._deep - max(0.0, self._excess))
