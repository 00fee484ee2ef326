"""`window:`: the hours of the day in which a run may send. Pure.

A window that ends before it begins goes past midnight, and belongs to the day on which it begins. Its ends
are times of the wall clock there: one that the change to summer time leaves out comes an hour later, of two
that the change back brings the first counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALL = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Hours:
    """start, end: of the window; the same for the whole day. days: on which it begins, 0 for Monday."""

    start: time
    end: time
    zone: ZoneInfo
    days: frozenset[int] = _ALL

    def state(self, now: float) -> tuple[bool, float]:
        """Whether it is open at `now`, and until when it stays so, both in seconds since the epoch."""
        day = datetime.fromtimestamp(now, UTC).astimezone(self.zone).date()
        for number in range(-1, 9):
            opens, closes = self._span(day + timedelta(days=number))
            if opens is None or closes <= now:
                continue
            return (True, closes) if opens <= now else (False, opens)
        return False, now + 7 * 86400.0  # no such week: asked again then

    def _span(self, day: date) -> tuple[float | None, float]:
        """When the window of a day opens and closes; None if there is none."""
        if day.weekday() not in self.days:
            return None, 0.0
        later = timedelta(days=self.end <= self.start)
        opens = datetime.combine(day, self.start, self.zone).timestamp()
        closes = datetime.combine(day + later, self.end, self.zone).timestamp()
        return (opens, closes) if opens < closes else (None, 0.0)

    def told(self, moment: float, now: float) -> str:
        """A moment as a person there reads it: `20:00 Europe/Zurich`, with the day if it is another."""
        there = datetime.fromtimestamp(moment, UTC).astimezone(self.zone)
        today = datetime.fromtimestamp(now, UTC).astimezone(self.zone).date()
        day = "" if there.date() == today else f"{DAYS[there.weekday()].capitalize()} {there:%Y-%m-%d} "
        return f"{day}{there:%H:%M} {self.zone.key}"

    def __str__(self) -> str:
        days = "" if self.days == _ALL else " " + ",".join(DAYS[day] for day in sorted(self.days))
        return f"{self.start:%H:%M} to {self.end:%H:%M} {self.zone.key}{days}"
