"""The allowance, measured: what was accepted between two moments at which it was used up.

A refusal shows that the service has nothing left to give. Whatever its burst, what it accepts between two
such moments is what it gained in between: the allowance itself, however fast one was sending. Probing up
and down finds the same number slowly and with many refusals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bulkexo.pace.ledger import Ledger

ENOUGH = 30
"""Items between two anchors from which a rate is read: a refused batch of one leaves one in doubt, 3 %."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A moment at which the allowance was used up. at: clock seconds of the sending that was refused.
    level: items that may have been left. least, most: items that the service may have gained and lost, its
    burst being full, in the wait that followed."""

    at: float
    level: float
    least: float = 0.0
    most: float = 0.0


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
    def doubt(self) -> float:
        """Items of which it is not known whether a wait has lost them."""
        return self._anchor.most - self._anchor.least if self._anchor else 0.0

    def seconds(self, now: float) -> float:
        """How long the present measurement has taken."""
        return now - self._anchor.at if self._anchor else 0.0

    def anchor(self, anchor: Anchor) -> None:
        """Measure from `anchor` on."""
        self._anchor = anchor

    def waited(self, least: float, most: float) -> None:
        """So many items more of the present measurement may have been lost."""
        if self._anchor is not None:
            anchor = self._anchor
            self._anchor = replace(anchor, least=anchor.least + least, most=anchor.most + most)

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
        return (gained + self._anchor.least) / seconds, (gained + self._anchor.most) / seconds
