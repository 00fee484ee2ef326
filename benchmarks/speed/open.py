"""A tenant whose allowance is beyond what this machine can send."""

from __future__ import annotations

import bulkexo.tenancy
from bulkexo.memory import Memory
from bulkexo.pace import Learned


class Known(Memory):
    """It is known from an earlier run, and stays so."""

    def recall(self) -> Learned | None:
        """Far too much."""
        return Learned(10_000_000.0)

    def remember(self, learned: Learned) -> None:
        """Nothing is kept."""


def no_limit() -> None:
    """From now on pace holds nothing up in this process."""
    setattr(bulkexo.tenancy, "Memory", Known)  # noqa: B010 - a class is put in the place of another
