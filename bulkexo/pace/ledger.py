"""What has been sent and what became of it, in the order of sending."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Flight:
    """One batch. started: clock seconds. items: its size. abreast: batches in flight once it was sent,
    itself included. refused: items that were throttled, 0 until known. probe: sent to test the allowance.
    cohort: those sent about the same time, by number, whose replies are judged together. number: items sent
    before it."""

    started: float
    items: int
    abreast: int
    refused: int = 0
    probe: bool = False
    cohort: int = 0
    number: int = 0


class Ledger:
    """The flights of the recent past. keep: how many; 4096 hold a minute of the fastest tenant imagined."""

    def __init__(self, keep: int = 4096) -> None:
        self._flights: deque[Flight] = deque(maxlen=keep)
        self._open: list[Flight] = []

    @property
    def in_flight(self) -> int:
        """Batches whose reply has not come."""
        return len(self._open)

    def sent(self, now: float, items: int) -> Flight:
        """A batch of `items` goes at `now`."""
        flight = Flight(now, items, len(self._open) + 1)
        self._flights.append(flight)
        self._open.append(flight)
        return flight

    def knows(self, started: float, items: int) -> bool:
        """Whether a batch of `items` sent at `started` is in flight."""
        return any(flight.started == started and flight.items == items for flight in self._open)

    def replied(self, started: float, items: int, refused: int) -> Flight:
        """The reply to the batch of `items` sent at `started`, which is known to be in flight."""
        flight = next(f for f in self._open if f.started == started and f.items == items)
        self._open.remove(flight)
        flight.refused = refused
        return flight

    def accepted(self, since: float, until: float) -> int:
        """Items sent in (since, until) and not refused; what is not known yet counts as accepted."""
        items = 0
        for flight in reversed(self._flights):
            if flight.started <= since:
                break
            if flight.started < until:
                items += flight.items - flight.refused
        return items
