"""Noticing that the machine slept, or that its clock was set. Pure: the clocks are read elsewhere."""

from __future__ import annotations

NOTABLE = 30.0
"""Seconds of difference that are worth a sentence: more than any adjustment of a running clock."""


class Clocks:
    """Compares the wall clock with the steady one, from one look to the next, `every` seconds apart.

    A steady clock that stood still while the wall clock went on, or a look that came far too late, is a
    machine that slept; a wall clock that went backwards was set. Neither loses anything: all waits run on
    the steady clock, and a token that ended meanwhile is renewed when it is refused.
    """

    def __init__(self, wall: float, steady: float, every: float) -> None:
        self._wall = wall
        self._steady = steady
        self._every = every

    def look(self, wall: float, steady: float) -> str:
        """A sentence on what has happened since the last look, "" if nothing has. Both in seconds."""
        passed, ticked = wall - self._wall, steady - self._steady
        self._wall, self._steady = wall, steady
        late = max(passed - ticked, ticked - self._every)
        if passed - ticked < -NOTABLE:
            back = ticked - passed
            return f"The clock was set back by {back:.0f} s; the times in the results follow it. Going on."
        if late > NOTABLE:
            return f"The machine slept, or its clock was set forward, for {late:.0f} s. Going on."
        return ""
