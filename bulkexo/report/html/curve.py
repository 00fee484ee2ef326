"""What changes over the time of a run: items that ended, what the tenants allow, what was throttled.

Kept in slots of time, which grow to twice their length whenever they become too many. A slot in which
nothing happened takes no room, so a run that was gone on with days later is seen as well as any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bulkexo.journal.lines import seconds

SLOTS = 480
"""Slots at the most; half as many at the least, once there have been more."""
FIRST = 1.0
"""Seconds of a slot at first."""
GAP = 30
"""Slots without anything behind which a run is taken to have stood still."""


@dataclass(slots=True)
class Slot:
    """done: items that ended. allowed: sum of items per second × seconds, of the seconds in `known`. sent,
    throttled: sendings. covered: seconds of which progress.ndjson tells."""

    done: float = 0.0
    allowed: float = 0.0
    known: float = 0.0
    sent: float = 0.0
    throttled: float = 0.0
    covered: float = 0.0

    def take(self, other: Slot) -> None:
        """Take in another slot."""
        self.done += other.done
        self.allowed += other.allowed
        self.known += other.known
        self.sent += other.sent
        self.throttled += other.throttled
        self.covered += other.covered


@dataclass(frozen=True, slots=True)
class Point:
    """at: seconds of running. rate: items per second. allowed: items per second, None where nothing limits or
    it is not known. throttled: share of the sendings, None where it is not known. All None: a break."""

    at: float
    rate: float | None = None
    allowed: float | None = None
    throttled: float | None = None


class Curve:
    """sent, throttled: sendings of the whole run, as progress.ndjson has counted them; None without it."""

    def __init__(self) -> None:
        self.width = FIRST
        self.sent: int | None = None
        self.throttled: int | None = None
        self._slots: dict[int, Slot] = {}
        self._first = 0.0
        self._last = 0.0

    def ended(self, at: float) -> None:
        """An item ended. at: seconds since the epoch."""
        self._slot(at).done += 1

    def progress(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take in progress.ndjson: each line tells of the time since the one before it."""
        before: Mapping[str, Any] | None = None
        for line in lines:
            if "time" not in line:
                continue
            if before is not None and before.get("pid") == line.get("pid"):
                self._between(before, line)
            before = line
        if before is not None:
            self.sent, self.throttled = _count(before, "attempts"), _count(before, "throttled")

    def _between(self, before: Mapping[str, Any], line: Mapping[str, Any]) -> None:
        start, end = seconds(before.get("time")), seconds(line.get("time"))
        if start is None or end is None or end <= start:
            return
        sent = max(0, _count(line, "attempts") - _count(before, "attempts")) / (end - start)
        throttled = max(0, _count(line, "throttled") - _count(before, "throttled")) / (end - start)
        allowed = line.get("allowed_per_second")
        if allowed is None:  # while nothing is sent, such as at the end
            allowed = before.get("allowed_per_second")
        at = start
        while at < end:
            slot = self._slot(at)
            here = min(end, (int(at / self.width) + 1) * self.width) - at
            slot.covered += here
            slot.sent += sent * here
            slot.throttled += throttled * here
            if isinstance(allowed, int | float):
                slot.known += here
                slot.allowed += allowed * here
            at += max(here, 1e-6)

    def _slot(self, at: float) -> Slot:
        self._first = min(self._first or at, at)
        self._last = max(self._last, at)
        number = int(at / self.width)
        found = self._slots.get(number)
        if found is None:
            if len(self._slots) >= SLOTS:
                self._widen()
                return self._slot(at)
            found = self._slots[number] = Slot()
        return found

    def _widen(self) -> None:
        self.width *= 2
        merged: dict[int, Slot] = {}
        for number, slot in self._slots.items():
            merged.setdefault(number // 2, Slot()).take(slot)
        self._slots = merged

    def points(self, most: int = 240) -> list[Point]:
        """The run from its first item to its last, in at most about `most` points; times when nothing ran are
        left out, and a break stands in their place."""
        while len(self._slots) > most:
            self._widen()
        found: list[Point] = []
        at, previous = 0.0, None
        for number, slot, length in self._whole():
            missing = 0 if previous is None else number - previous - 1
            if missing > GAP:
                found.append(Point(at))
            else:
                for step in range(missing):
                    found.append(Point(at + (step + 0.5) * self.width, 0.0))
                at += missing * self.width
            found.append(_point(slot, at + length / 2, length))
            at += length
            previous = number
        return found

    def _whole(self) -> list[tuple[int, Slot, float]]:
        """(number, slot, its seconds), in order. The first and the last are not whole; one of which little is
        there is taken together with its neighbour, for a speed over a moment says nothing."""
        found = [(number, self._slots[number], self._length(number)) for number in sorted(self._slots)]
        for place, other in ((-1, -2), (0, 1)):
            if len(found) < 2 or found[place][2] >= self.width / 2:
                continue
            (number, short, length), (next_to, long, seconds) = found[place], found[other]
            if abs(number - next_to) == 1:
                joined = replace(long)
                joined.take(short)
                found[other] = (next_to, joined, seconds + length)
                del found[place]
        return found

    def _length(self, number: int) -> float:
        """Seconds of a slot in which the run was."""
        start = max(number * self.width, self._first)
        end = min((number + 1) * self.width, self._last)
        return max(end - start, self.width / 4)


def _point(slot: Slot, at: float, length: float) -> Point:
    allowed = slot.allowed / slot.known if slot.known > slot.covered / 2 and slot.known else None
    throttled = slot.throttled / slot.sent if slot.sent > 0 else (0.0 if slot.covered else None)
    return Point(at, slot.done / length, allowed, throttled)


def _count(line: Mapping[str, Any], name: str) -> int:
    value = line.get(name)
    return int(value) if isinstance(value, int | float) else 0
