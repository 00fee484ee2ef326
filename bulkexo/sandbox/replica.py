"""Reads that lag writes (`protocol.md`, "Errors": "an object created now is found seconds to minutes later").

A second tenant, made like the first, on which every write that took effect is done again some time later;
reads are answered from it. What a write finds is never late.
"""

from __future__ import annotations

from collections import deque

from bulkexo.sandbox.parameters import Bound
from bulkexo.sandbox.registry import Cmdlet
from bulkexo.sandbox.tenant import Run, Tenant


class Replica:
    """lag: seconds. Time is passed in."""

    def __init__(self, tenant: Tenant, lag: float) -> None:
        self._tenant = tenant
        self._lag = lag
        self._due: deque[tuple[float, Cmdlet, Bound, str]] = deque()

    def note(self, cmdlet: Cmdlet, bound: Bound, stamp: str, now: float) -> None:
        """A write took effect."""
        self._due.append((now + self._lag, cmdlet, bound, stamp))

    def at(self, now: float) -> Tenant:
        """The tenant as reads see it."""
        while self._due and self._due[0][0] <= now:
            _, cmdlet, bound, stamp = self._due.popleft()
            cmdlet.handler(Run(self._tenant, cmdlet.signature, bound, None, stamp))
        return self._tenant
