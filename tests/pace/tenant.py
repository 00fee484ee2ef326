"""A pretend tenant of a few lines, apart from that of the benchmarks: a token bucket, replies after a while.

A loop in the order of time drives a Pacer against it, as the scheduler would.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from bulkexo.pace import Pacer, Sighting

TRIP = 0.05


@dataclass
class Tenant:
    """rate: items per second at a clock second. burst: items. retry_after: what it says to a wait of so many
    seconds. took: seconds of a reply."""

    rate: Callable[[float], float]
    burst: float = 20.0
    retry_after: Callable[[float], float | None] = lambda wait: wait
    took: Callable[[float], float] = lambda now: 0.3
    level: float = 20.0
    at: float = 0.0

    def reply(self, now: float, items: int) -> Sighting:
        """What becomes of a batch sent at `now`."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate(now))
        self.at = now
        if self.level < items:
            wait = (items - self.level) / self.rate(now)
            asked = self.retry_after(wait)
            return Sighting(now, now + TRIP, items, refused=items, retry_after=asked)
        self.level -= items
        return Sighting(now, now + self.took(now), items)


@dataclass
class Course:
    """What a run was like: (second, items) accepted and refused, and the largest seen of what is allowed."""

    accepted: list[tuple[float, int]] = field(default_factory=list)
    refused: list[tuple[float, int]] = field(default_factory=list)
    rate: float = 0.0
    concurrency: int = 0
    in_flight: int = 0

    def goodput(self, since: float, until: float) -> float:
        """Items per second accepted."""
        return sum(items for at, items in self.accepted if since <= at < until) / (until - since)

    def share_refused(self, since: float) -> float:
        """Items refused ÷ items sent."""
        bad = sum(items for at, items in self.refused if at >= since)
        return bad / max(1, bad + sum(items for at, items in self.accepted if at >= since))


def drive(pacer: Pacer, reply: Callable[[float, int], Sighting], seconds: float) -> Course:
    """Send whatever `pacer` allows for `seconds`; there is always more to send."""
    course, replies = Course(), list[tuple[float, int, Sighting]]()
    now, level, sequence = 0.0, 0.0, 0
    while now < seconds:
        allowed = pacer.allowance(now)
        assert allowed.rate is not None
        course.rate = max(course.rate, allowed.rate)
        course.concurrency = max(course.concurrency, allowed.concurrency)
        size = min(10, allowed.batch_size)
        free = len(replies) < allowed.concurrency
        due = max(now, allowed.hold_until, now + (level + size - 10) / allowed.rate) if free else seconds
        upcoming = min(due, replies[0][0]) if replies else due
        level = max(0.0, level - (upcoming - now) * allowed.rate)
        now = upcoming
        if replies and replies[0][0] <= now:
            sighting = heapq.heappop(replies)[2]
            pacer.saw(sighting)
            course.accepted.append((sighting.started, sighting.sent - sighting.refused))
            course.refused.append((sighting.started, sighting.refused))
        elif now < seconds and pacer.allowance(now).hold_until <= now:
            pacer.sent(now, size)
            level += size
            sequence += 1
            answer = reply(now, size)
            heapq.heappush(replies, (answer.ended, sequence, answer))
            course.in_flight = max(course.in_flight, len(replies))
    return course
