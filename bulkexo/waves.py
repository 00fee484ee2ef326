"""The waves of a run: which of them it is in, what has failed in it, and whether the next may begin. Pure.

Every row belongs to one wave, by its number, as it was decided when the run began; run.json keeps it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bulkexo.job.course import Course
from bulkexo.journal import Past
from bulkexo.model import Item, Outcome, Status, UsageError

BAD = (Status.FAILED, Status.UNKNOWN)


class Ahead:
    """Items in the order of their rows, taken as far as a row at a time."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._held: Item | None = None

    def until(self, row: float) -> Iterator[Item]:
        """The next items, up to those of this row."""
        if math.isinf(row) and self._held is None:
            return self._items
        return self._up_to(row)

    def _up_to(self, row: float) -> Iterator[Item]:
        while True:
            item = next(self._items, None) if self._held is None else self._held
            self._held = None
            if item is None:
                return
            if item.row > row:
                self._held = item
                return
            yield item


class Waves:
    """Where a run stands. bounds: the last row of each wave. passed: waves whose gates it has passed.
    waiting: since when it stands at the gate of the present one, in seconds since the epoch, None if it does
    not. approved: a person has said that it may pass this gate.

    recorded: what run.json says of them, in a run that is gone on with. Raises UsageError.
    """

    def __init__(
        self, course: Course, rows: int, past: Past | None, recorded: Mapping[str, Any] | None
    ) -> None:
        self.gate = course.gate
        self.bounds = course.bounds(rows)
        self.passed = 0
        self.waiting: float | None = None
        self.approved = False
        self._several = bool(course.waves)
        self._past = past
        if recorded:
            self._take_over(recorded, rows)
        self._failed = bytearray()
        self._begin()

    def _take_over(self, recorded: Mapping[str, Any], rows: int) -> None:
        try:
            self.bounds = [int(bound) for bound in recorded["bounds"]]
            self.passed = int(recorded["passed"])
            waiting = recorded["waiting"]
            self.waiting = None if waiting is None else float(waiting)
        except (KeyError, TypeError, ValueError):
            raise UsageError(
                "The run.json of this run does not tell its waves. Restore it from a copy."
            ) from None
        self.bounds[-1] = max(rows, self.bounds[-1])  # of a job that has changed

    def document(self) -> dict[str, Any]:
        """For run.json; nothing of a run of one wave."""
        if not self._several:
            return {}
        return {"waves": {"bounds": self.bounds, "passed": self.passed, "waiting": self.waiting}}

    @property
    def place(self) -> str:
        """Which wave it is in, in words; "" if there is one only."""
        return f"wave {self.passed + 1} of {len(self.bounds)}" if self._several else ""

    @property
    def last(self) -> int:
        """The last row of the present wave."""
        return self.bounds[self.passed]

    @property
    def over(self) -> bool:
        """Whether there is no wave after the present one."""
        return self.passed >= len(self.bounds) - 1

    @property
    def _first(self) -> int:
        return self.bounds[self.passed - 1] + 1 if self.passed else 1

    def _begin(self) -> None:
        self._failed = bytearray(self.last - self._first + 1 if self._several else 0)
        if self._several and self._past is not None:
            for row in range(self._first, self.last + 1):
                self._failed[row - self._first] = self._past.row_failed(row)

    def note(self, outcomes: Iterable[Outcome]) -> None:
        """Take in items that have ended."""
        for outcome in outcomes if self._several else ():
            place = outcome.item.row - self._first
            if outcome.status in BAD and 0 <= place < len(self._failed):
                self._failed[place] = 1

    @property
    def rows(self) -> int:
        """Rows of the present wave that belong to the run."""
        past = self._past
        if past is None or past.chosen is None:
            return self.last - self._first + 1
        return sum(past.row_chosen(row) for row in range(self._first, self.last + 1))

    @property
    def failed(self) -> int:
        """Of these, those of which an item has failed or is unknown."""
        return sum(self._failed)

    @property
    def tripped(self) -> bool:
        """Whether more rows of the wave have failed than its gate lets pass."""
        return self.gate.failures is not None and self.gate.failures.exceeded(self.failed, self.rows)

    def told(self) -> str:
        """How the present wave has ended, as a sentence."""
        count, failed = self.rows, self.failed
        rows = "1 row" if count == 1 else f"{count:,} rows"
        how = "none failed" if not failed else f"{failed:,} failed or unknown"
        return f"Wave {self.passed + 1} of {len(self.bounds)} has ended: {rows}, {how}."

    def next_told(self) -> str:
        """The wave after the present one."""
        size = self.bounds[self.passed + 1] - self.last
        return f"wave {self.passed + 2} ({'1 row' if size == 1 else f'{size:,} rows'})"

    def arrive(self, now: float) -> None:
        """All rows of the wave have ended: the run stands at its gate, from `now` if it has not before."""
        self.waiting = now if self.waiting is None else self.waiting

    def pass_on(self) -> None:
        """The gate is passed."""
        self.passed += 1
        self.waiting = None
        self.approved = False
        self._begin()
