"""Keeping still outside the hours of a job (`window:`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bulkexo.schedule.tally import Tally

if TYPE_CHECKING:
    from bulkexo.pace.hours import Hours

LOOK_EVERY = 30.0
"""Seconds until the clock is looked at again, which may be set, or jump when the machine wakes up."""


class Rest:
    """hours: None for all day. wall: seconds since the epoch. tally: told that the run rests."""

    def __init__(self, hours: Hours | None, wall: Callable[[], float], tally: Tally) -> None:
        self._hours = hours
        self._wall = wall
        self._tally = tally
        self._since = self._until = 0.0
        self._open = True

    def left(self) -> float:
        """Seconds for which nothing is to be sent, as far as is known now; 0 if something may be."""
        if self._hours is None:
            return 0.0
        now = self._wall()
        if not self._since <= now < self._until:
            self._since = now
            self._open, self._until = self._hours.state(now)
        self._tally.resting = "" if self._open else f"resting until {self._hours.told(self._until, now)}"
        return 0.0 if self._open else min(self._until - now, LOOK_EVERY)
