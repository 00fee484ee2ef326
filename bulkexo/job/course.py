"""How a job is to go on: `waves:`, `gate:` and `window:` of a YAML job.

waves: [10, 500, 5%, rest]      rows, or a share of all rows; what is left is the last wave, said or not
gate: {failures: 2%, pause: 10m, approve: true}      what is between one wave and the next
window: {from: "20:00", to: "06:00", tz: Europe/Zurich, days: mon-fri}
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fractions import Fraction

    from bulkexo.pace.hours import Hours

REST: Final = "rest"


@dataclass(frozen=True, slots=True)
class Size:
    """A number of rows, or a share of them (0 to 1). text: as it is written."""

    text: str
    count: int | None
    share: Fraction | int = 0

    def of(self, rows: int) -> int:
        """How many of so many rows it is; a share is rounded up."""
        return math.ceil(self.share * rows) if self.count is None else self.count

    def exceeded(self, failed: int, rows: int) -> bool:
        """Whether more than this have failed of so many rows."""
        return failed > (self.share * rows if self.count is None else self.count)


@dataclass(frozen=True, slots=True)
class Gate:
    """What is between a wave and the next. failures: rows of the wave that may have failed at the most, None
    for any number. pause: seconds after its end. approve: a person has to say that it goes on."""

    failures: Size | None = None
    pause: float = 0.0
    approve: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """How a job goes on. waves: without the last, which is what is left; none for a job of one."""

    waves: tuple[Size, ...] = ()
    gate: Gate = Gate()
    hours: Hours | None = None

    def bounds(self, rows: int) -> list[int]:
        """The last row of each wave of a job of so many; each wave has at least one row."""
        found: list[int] = []
        for size in self.waves:
            last = (found[-1] if found else 0) + max(1, size.of(rows))
            if last >= rows:
                break
            found.append(last)
        return [*found, rows]

    def described(self) -> dict[str, Any]:
        """The same for run.json."""
        gate = self.gate
        told: dict[str, Any] = {
            "waves": [*(size.text for size in self.waves), REST] if self.waves else [],
            "gate": {
                "failures": gate.failures and gate.failures.text,
                "pause": gate.pause,
                "approve": gate.approve,
            },
            "window": str(self.hours) if self.hours else "",
        }
        return {name: each for name, each in told.items() if each and (name != "gate" or self.waves)}

    def written(self) -> dict[str, Any]:
        """The keys as a job would write them, in values of JSON."""
        gate, hours = self.gate, self.hours
        told: dict[str, Any] = {}
        if self.waves:
            failures = {"failures": gate.failures.text} if gate.failures else {}
            told["waves"] = [*(size.text for size in self.waves), REST]
            told["gate"] = {**failures, "pause": f"{gate.pause:g}s", "approve": gate.approve}
        if hours:
            from bulkexo.pace.hours import DAYS  # noqa: PLC0415 (few jobs have a window)

            days = [DAYS[day] for day in sorted(hours.days)]
            times = {"from": f"{hours.start:%H:%M}", "to": f"{hours.end:%H:%M}"}
            told["window"] = {**times, "tz": hours.zone.key, "days": days}
        return told


STRAIGHT: Final = Course()
