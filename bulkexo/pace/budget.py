"""How many items may be refused: a share of those sent, spent by every refusal, whoever provoked it.

Asking for more than is known to be allowed is the only way to see it grow, and costs what is refused. So a
probe waits until its likely cost has been earned: the share refused in the long run is bounded by what is
earned, whatever a probe costs, and where others provoke refusals, probes give way to them.
"""

from __future__ import annotations

SHARE, SLOW_SHARE = 0.007, 0.025
"""Items that probes may have refused per item sent, the second for slow tenants, where a single item is much:
the target is 1 % at most, and 3 % under 20 a second. The rest is for what nobody foresees."""
DEBT = 15.0
"""Seconds of earning after which what is owed is forgiven: who is blind for longer misjudges the rate, and
that provokes more."""
USUAL = 0.3
"""By how much the latest cost of a probe counts against the earlier ones."""


class Budget:
    """cost: items that a probe is expected to have refused."""

    def __init__(self) -> None:
        self.cost = 1.0
        self._left = 0.0
        self._earning = 0.0  # items a second

    @property
    def affords(self) -> bool:
        """Whether a probe may cost what it usually does."""
        return self._left >= self.cost

    def sent(self, items: int, rate: float, share: float) -> None:
        """`items` went, at about `rate` a second; `share` of them may be refused. Not saved up without end,
        or a calm hour would pay for a wild minute."""
        self._earning = share * rate
        self._left = min(2 * self.cost, self._left + share * items)

    def refused(self, items: int) -> None:
        """`items` were refused."""
        self._left = max(-DEBT * self._earning, self._left - items)

    def probe_cost(self, items: int) -> None:
        """A probe had `items` refused."""
        self.cost += USUAL * (max(1, items) - self.cost)
