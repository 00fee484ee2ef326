"""The run's budget of retries that are not the pace's fault, so that a sick service is not hammered."""

from __future__ import annotations

from bulkexo.pace.backoff import Backoff

CAPACITY = 100.0
"""Items that may fail for a passing reason before sending pauses. The AWS SDKs give 500 tokens at 5 a retry,
which is the same."""
RETURNED = 0.1
"""Given back per item that succeeded: one retry in ten can go on for ever, as gRPC's default ratio has it."""


class Retries:
    """Counts failures that are to be tried again, throttling left out. Spent: a pause, doubling and jittered,
    then one batch as a probe; when most of it succeeds, half of the budget is back and all go on."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._left = CAPACITY
        self._pauses = 0
        self._since = 0.0
        self.hold_until = 0.0

    @property
    def spent(self) -> bool:
        """Whether only probes may go."""
        return self._pauses > 0

    def saw(self, started: float, now: float, succeeded: int, failed: int) -> None:
        """A batch was answered (or lost): items that succeeded or failed for good, and items to try again."""
        if self.spent:
            if started >= self._since:
                self._probed(now, succeeded, failed)
            return
        self._left = min(CAPACITY, self._left + RETURNED * succeeded - failed)
        if self._left < 0:
            self._pause(now)

    def _probed(self, now: float, succeeded: int, failed: int) -> None:
        if succeeded > failed:
            self._pauses, self._left = 0, CAPACITY / 2
        elif failed:
            self._pause(now)

    def _pause(self, now: float) -> None:
        self._pauses += 1
        self._left = 0.0
        self.hold_until = self._since = now + self._backoff.wait(self._pauses)
