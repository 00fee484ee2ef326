"""Counts of a run, kept while it goes; whoever shows progress reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bulkexo.model import Outcome, Status
from bulkexo.pace import State

KINDS_LIMIT = 200
"""Kinds of failure told apart; what comes after counts as one, so that memory does not grow."""


@dataclass(slots=True)
class Tally:
    """by_status: items that ended. sent: items sent, every attempt counted. refused: of these, throttled.
    retried: attempts after a failure. batches: in flight now. hold_until: loop seconds before which the
    service wants nothing. state, rate: what pace says of the tenant, in items per second. unreachable: why
    the service is not reached now, "" if it is. kinds: failures by (cmdlet, type or code); examples: the
    first of each."""

    by_status: Counter[Status] = field(default_factory=Counter)
    sent: int = 0
    refused: int = 0
    retried: int = 0
    batches: int = 0
    hold_until: float = 0.0
    state: State = State.OPEN
    rate: float | None = None
    unreachable: str = ""
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], Outcome] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Items that ended, in whatever way."""
        return sum(self.by_status.values())

    @property
    def trouble(self) -> int:
        """Items that failed or whose fate is unknown."""
        return self.by_status[Status.FAILED] + self.by_status[Status.UNKNOWN]

    def count(self, outcomes: Iterable[Outcome]) -> None:
        """Take in items that have just ended."""
        for outcome in outcomes:
            self.by_status[outcome.status] += 1
            if outcome.status in (Status.FAILED, Status.UNKNOWN):
                self._count_kind(outcome)

    def _count_kind(self, outcome: Outcome) -> None:
        error = outcome.error
        kind = (outcome.item.cmdlet, (error.type or error.code) if error else outcome.status.value)
        if kind not in self.kinds and len(self.kinds) >= KINDS_LIMIT:
            kind = ("", "other")
        self.kinds[kind] += 1
        self.examples.setdefault(kind, outcome)
