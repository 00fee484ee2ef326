"""Sign-in that fails on demand: an outage, or a refusal that no input can bring about."""

from __future__ import annotations

from bulkexo.sandbox.aadsts import Answer, refusal


class Trouble:
    """What was asked to go wrong. down_until: seconds since the epoch."""

    def __init__(self) -> None:
        self.down_until = 0.0
        self._refusals: list[int] = []

    def refuse(self, number: int, times: int) -> None:
        """The next `times` requests for a token or a code get the AADSTS number."""
        self._refusals += [number] * times

    def clear(self) -> None:
        """All is well again."""
        self.down_until = 0.0
        self._refusals.clear()

    def down(self, now: float) -> bool:
        """Whether the service is down."""
        return now < self.down_until

    def due(self, **values: object) -> Answer | None:
        """The refusal that the next request gets. values: what its text may name."""
        return refusal(self._refusals.pop(0), **values) if self._refusals else None
