"""Tickets that wait for a moment."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from bulkexo.schedule.lanes import Ticket


class Delays:
    """Tickets by the clock second at which they may go again; at the same second first come, first served."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Ticket]] = []
        self._sequence = 0

    def put(self, ticket: Ticket, due: float) -> None:
        """Keep a ticket until clock second `due`."""
        self._sequence += 1
        heapq.heappush(self._heap, (due, self._sequence, ticket))

    def due(self, now: float) -> Iterator[Ticket]:
        """Take out those whose moment has come."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    def __iter__(self) -> Iterator[Ticket]:
        return (ticket for _, _, ticket in self._heap)

    @property
    def next(self) -> float:
        """The next moment; infinity if there is none."""
        return self._heap[0][0] if self._heap else float("inf")
