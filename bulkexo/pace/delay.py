"""Silent delays: replies that take longer the faster one sends.

The service pays cmdlets from a budget of server time; in debt it delays each of them, long before it
refuses (protocol.md, "Throttling"). Sending faster then gains nothing. The debt itself is unknown, but equal
delays mean equal debts: while the delay neither grows nor shrinks, what is sent is the allowance.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

from bulkexo.pace.ledger import Flight

WINDOW = 9
"""Replies that are judged together. Their median is deaf to one slow mailbox, or to four of nine."""
LIMIT = 1.0
"""Seconds beyond the usual (or the usual once more, where that is longer) that count as a delay."""
DEAF = 0.25
"""Seconds by which the median of a window wavers by chance."""
CUT, TRIM, RAISE = 0.85, 0.95, 1.03
"""What the rate is multiplied by while the delay grows, the same once it has been seen to shrink, and while
it shrinks."""
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
        self._window: list[tuple[float, float]] = []
        self._replies: deque[tuple[float, int]] = deque(maxlen=MEMORY)
        self._excess = 0.0
        self._before: float | None = None
        self._since: float | None = None
        self._cut_at = 0.0
        self._growing = CUT

    @property
    def on(self) -> bool:
        """Whether there are silent delays now."""
        return self._since is not None

    @property
    def delivered(self) -> float:
        """Items per second that were answered of late."""
        seconds = self._replies[-1][0] - self._replies[0][0]
        return sum(items for _, items in self._replies) / max(0.5, seconds)

    def saw(self, flight: Flight, now: float, kind: str) -> Verdict | None:
        """A batch was answered, nothing of it refused. kind: what it held; unlike kinds are not compared."""
        self._replies.append((now, flight.items))
        usual = self._learn((kind, flight.items), now - flight.started)
        if flight.started < self._cut_at:
            return None  # sent at the rate before the last cut
        self._window.append((now - flight.started - usual, flight.started))
        if len(self._window) < WINDOW:
            return None
        self._excess = median(excess for excess, _ in self._window)
        middle = self._window[WINDOW // 2][1]
        self._window.clear()
        return self._judge(now, middle, max(LIMIT, usual))

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

    def _judge(self, now: float, middle: float, limit: float) -> Verdict | None:
        before, self._before = self._before, self._excess
        if self._excess <= limit:
            return self._end(middle)
        if self._since is None:
            self._since = middle
        elif before is None:
            return None  # the first window after a cut: what the next is compared with
        elif abs(self._excess - before) <= DEAF:
            self._before = before
            return None
        elif self._excess < before:
            self._growing = TRIM
            return Verdict(RAISE)
        self._before = None
        self._cut_at = now
        return Verdict(self._growing)

    def _end(self, middle: float) -> Verdict | None:
        if self._since is None:
            return None
        since, self._since = self._since, None
        self._growing = TRIM
        return Verdict(since=since, until=max(middle, since + 1e-3))
