"""`--give-up-after`: how long to wait for a tenant that accepts nothing."""

from __future__ import annotations

import math


class Patience:
    """Bounds all waiting. limit: seconds without a single accepted item, None for no bound."""

    def __init__(self, limit: float | None) -> None:
        self._limit = math.inf if limit is None else limit
        self._since: float | None = None

    def began(self, now: float) -> None:
        """Something was sent; the first sending starts the clock."""
        if self._since is None:
            self._since = now

    def rested(self, now: float) -> None:
        """Nothing was to be sent until now."""
        if self._since is not None:
            self._since = now

    def progressed(self, now: float) -> None:
        """Something was accepted."""
        self._since = now

    @property
    def ends(self) -> float:
        """The clock second at which to give up; infinite before anything was sent."""
        return math.inf if self._since is None else self._since + self._limit
