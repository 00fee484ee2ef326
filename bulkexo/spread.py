"""Where the tenants of a run are run: in this process, or spread over others. Floor 4, beside run.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import anyio

from bulkexo.net.sessions import TOGETHER
from bulkexo.tenancy import Executor, Place, Surroundings, Tenancy

CLUSTER = "cluster"
"""The member of run.json that tells of workers."""
SLACK = 0.5
"""Seconds by which the coordinator waits longer than a worker may go on: clocks do not go alike."""
LONGEST = 600.0
"""Seconds that a worker may go on at the most, whatever --worker-timeout says."""


class Spread(Protocol):
    """Where they are run. together: batches in flight that all tenants share."""

    @property
    def together(self) -> int: ...

    def executor(self, place: Place, around: Surroundings) -> Executor:
        """What runs a tenant."""

    def document(self, *, over: bool) -> dict[str, Any]:
        """Members for run.json. over: this process has done with the run."""


class Here:
    """All of them in this process."""

    together = TOGETHER

    def executor(self, place: Place, around: Surroundings) -> Tenancy:
        """One that speaks to the service itself."""
        return Tenancy(place, around)

    def document(self, *, over: bool) -> dict[str, Any]:
        """Nothing."""
        return {}


class EarlierWorkers:
    """Those of an earlier process of the run, which may not have noticed that it has ended. first: run.json
    as that process left it."""

    def __init__(self, first: Mapping[str, Any]) -> None:
        self._began = time.monotonic()
        told = first.get(CLUSTER)
        self._told: Mapping[str, Any] = told if isinstance(told, Mapping) else {"ended": True}
        self._over = self._told.get("ended") is True

    @property
    def left(self) -> float:
        """Seconds until none of them can send any more."""
        if self._over:
            return 0.0
        told = self._told.get("lease")
        lease = told if isinstance(told, int | float) and 0 < told <= LONGEST else LONGEST
        return max(0.0, self._began + lease + SLACK - time.monotonic())

    async def over(self, note: Callable[[str], None]) -> None:
        """Wait until then."""
        if left := self.left:
            note(
                f"Workers of the process before have {left:.0f} s to notice that it has ended: until then "
                "what they had could be sent twice, so nothing is sent."
            )
            await anyio.sleep(left)
        self._over = True

    def document(self) -> dict[str, Any]:
        """For run.json, once they are of no account any more."""
        return {CLUSTER: {**self._told, "ended": True}} if self._over and len(self._told) > 1 else {}
