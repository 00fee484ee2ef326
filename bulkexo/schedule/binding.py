"""Stopping early where every row will fail: a parameter that the cmdlet, or this role, does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bulkexo.model import Outcome, Status
from bulkexo.wire.errors import last_part

ENOUGH = 20
"""Items of a cmdlet that must have failed so, and none otherwise: two batches, for rows can differ."""


class Binding:
    """Watches outcomes for `ParameterBindingException` (protocol.md: every row will fail, so stop early)."""

    def __init__(self) -> None:
        self._failed: Counter[str] = Counter()
        self._fine: set[str] = set()

    def hopeless(self, outcomes: Iterable[Outcome]) -> str:
        """A sentence if a cmdlet has failed so for all of its items up to now, else ""."""
        for outcome in outcomes:
            cmdlet, error = outcome.item.cmdlet, outcome.error
            if outcome.status is Status.SKIPPED:
                continue
            if error is None or last_part(error.type) != "ParameterBindingException":
                self._fine.add(cmdlet)
                continue
            self._failed[cmdlet] += 1
            if self._failed[cmdlet] >= ENOUGH and cmdlet not in self._fine:
                return (
                    f"{cmdlet} fails for every row: {error.message} Correct the parameter in the job, or "
                    "give the identity a role that grants it."
                )
        return ""
