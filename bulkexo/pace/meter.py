"""The allowance, measured: what was accepted between two moments at which it was used up.

A refusal shows that the service has nothing left to give. Whatever its burst, what it accepts between two
such moments is what it gained in between: the allowance itself, however fast one was sending. Probing up
and down finds the same number slowly and with many refusals.
"""

from __future__ import annotations

from dataclasses import dataclass

from bulkexo.pace.ledger import Ledger

ENOUGH = 30
"""Items between two anchors from which a rate is read: a refused batch of one leaves one in doubt, 3 %."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A moment at which the allowance was used up. at: clock seconds of the sending that was refused.
    level: items that may have been left. idle: seconds of the wait that followed in which the service may
    have had its burst full and lost what it gained."""

    at: float
    level: float
    idle: float


class Meter:
    """Measures from one anchor to the next."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._anchor: Anchor | None = None

    @property
    def anchored(self) -> bool:
        """Whether a measurement has begun."""
        return self._anchor is not None

    @property
    def idle(self) -> float:
        """Seconds since the anchor of which it is not known whether they count."""
        return self._anchor.idle if self._anchor else 0.0

    def anchor(self, anchor: Anchor) -> None:
        """Measure from `anchor` on."""
        self._anchor = anchor

    def waited(self, idle: float) -> None:
        """`idle` more seconds of the present measurement are in doubt."""
        if self._anchor is not None:
            self._anchor = Anchor(self._anchor.at, self._anchor.level, self._anchor.idle + idle)

    def measure(self, until: float, level: float) -> tuple[float, float] | None:
        """Items per second from the anchor to a refusal at `until` that left `level` items: the least and
        the most it can be, equal unless a wait is in doubt. None if too little was sent to tell."""
        if self._anchor is None:
            return None
        accepted = self._ledger.accepted(self._anchor.at, until)
        if accepted < ENOUGH:
            return None
        gained = accepted + level - self._anchor.level
        seconds = until - self._anchor.at
        return gained / seconds, gained / max(seconds - self._anchor.idle, 0.3 * seconds)
