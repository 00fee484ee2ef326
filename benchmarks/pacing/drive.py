"""Runs a client against a service on a virtual clock: events in a heap, no asyncio."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from bulkexo.pace import Allowance, Sighting

from .services import Answer, Service
from .tenants import TRIP

BATCH = 10
GIVE_UP = 6000.0
"""Seconds after which a run counts as stalled: ten times what the allowance needs."""


class Client(Protocol):
    """What drives the sending; `bulkexo.pace.Pacer` is one."""

    def allowance(self, now: float) -> Allowance:
        """What is allowed now."""

    def sent(self, now: float, items: int) -> None:
        """A batch has gone."""

    def saw(self, sighting: Sighting) -> None:
        """Its reply has come."""


@dataclass(slots=True)
class Trace:
    """What a run left. accepted, refused: (second of sending, items). spent: (second of sending, what was
    accepted weighed by what it took of the allowance). rates: (second, items per second
    allowed by the client). end: second of the last reply. last: second at which nothing was left to send."""

    accepted: list[tuple[float, int]] = field(default_factory=list)
    refused: list[tuple[float, int]] = field(default_factory=list)
    spent: list[tuple[float, float]] = field(default_factory=list)
    rates: list[tuple[float, float]] = field(default_factory=list)
    end: float = 0.0
    last: float = 0.0
    stalled: bool = False

    def count(self, sent_at: float, items: int, answer: Answer) -> None:
        """Note the reply to a batch."""
        accepted = items - answer.refused
        if accepted:
            self.accepted.append((sent_at, accepted))
            self.spent.append((sent_at, accepted if answer.spent is None else answer.spent))
        if answer.refused:
            self.refused.append((sent_at, answer.refused))


class Tokens:
    """A token bucket of one batch whose rate may change, as `bulkexo.pace.bucket.Bucket` is."""

    def __init__(self) -> None:
        self._level = 0.0
        self._at = 0.0

    def due(self, now: float, items: int, rate: float | None) -> float:
        """The second at which `items` may go at `rate`."""
        if rate is None:
            self._level, self._at = float(BATCH), now
            return now
        self._level = max(0.0, self._level - (now - self._at) * rate)
        self._at = now
        short = self._level + items - BATCH
        return now if short <= 1e-9 else now + short / rate

    def take(self, items: int) -> None:
        """`items` have gone."""
        self._level += items


def exchange(service: Service, random: Random, now: float, items: int) -> tuple[float, Answer]:
    """Second of the reply to a batch sent at `now`, and the reply."""
    there = TRIP / 2 * (0.5 + random.random())
    answer = service.arrive(now + there, items)
    return now + there + answer.after + TRIP / 2 * (0.5 + random.random()), answer


def sighting(sent_at: float, ended: float, items: int, answer: Answer) -> Sighting:
    """The reply as the pacer is told of it."""
    return Sighting(
        started=sent_at,
        ended=ended,
        sent=items,
        refused=answer.refused,
        retry_after=answer.retry_after,
        crowded=answer.crowded,
    )


def run(client: Client, service: Service, random: Random, items: int) -> Trace:
    """Drive `client` until `items` have been accepted, as `bulkexo.schedule` drives a Pacer."""
    trace, tokens = Trace(), Tokens()
    replies: list[tuple[float, int, float, int, Answer]] = []
    now, left, sequence, noted = 0.0, items, 0, -1.0
    while left or replies:
        allowed = client.allowance(now)
        due = float("inf")
        size = min(left, BATCH, allowed.batch_size)
        if size and len(replies) < allowed.concurrency:
            due = max(allowed.hold_until, tokens.due(now, size, allowed.rate))
        if now - noted >= 0.5 and allowed.rate is not None:
            trace.rates.append((now, allowed.rate))
            noted = now
        if replies and replies[0][0] <= due:
            ended, _, sent_at, size, answer = heapq.heappop(replies)
            now = ended
            left += answer.refused
            trace.count(sent_at, size, answer)
            client.saw(sighting(sent_at, ended, size, answer))
        elif due > now:
            now = due
        else:
            tokens.take(size)
            client.sent(now, size)
            ended, answer = exchange(service, random, now, size)
            sequence += 1
            heapq.heappush(replies, (ended, sequence, now, size, answer))
            left -= size
            trace.last = now
        if now > GIVE_UP:
            trace.stalled = True
            break
    trace.end = now
    return trace


def workers(service: Service, random: Random, items: int, count: int = 20) -> Trace:
    """What most scripts do: `count` workers, each backing off for itself, 1 s doubling to 60 s, jittered."""
    trace = Trace()
    left = items
    events = [(0.0, worker) for worker in range(count)]
    failures = [0] * count
    open_batches = 0
    pending: dict[int, tuple[float, int, Answer]] = {}
    for now, worker in _in_order(events):
        if worker in pending:
            sent_at, size, answer = pending.pop(worker)
            open_batches -= 1
            left += answer.refused
            trace.count(sent_at, size, answer)
            trace.end = max(trace.end, now)
            failures[worker] = failures[worker] + 1 if answer.refused else 0
            if answer.refused:
                wait = min(60.0, 2.0 ** (failures[worker] - 1)) * random.random()
                heapq.heappush(events, (now + max(wait, answer.retry_after or 0.0), worker))
                continue
        if now > GIVE_UP:
            trace.stalled = True
            break
        if left:
            size = min(BATCH, left)
            left -= size
            ended, answer = exchange(service, random, now, size)
            pending[worker] = (now, size, answer)
            open_batches += 1
            trace.last = now
            heapq.heappush(events, (ended, worker))
        elif open_batches:
            heapq.heappush(events, (now + 0.5, worker))
    return trace


def _in_order(events: list[tuple[float, int]]) -> Iterator[tuple[float, int]]:
    while events:
        yield heapq.heappop(events)
