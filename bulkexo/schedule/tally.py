"""Counts of a run, kept while it goes; whoever shows progress reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from bulkexo.model import Outcome, Status
from bulkexo.pace import State

KINDS_LIMIT = 200
"""Kinds of failure told apart; what comes after counts as one, so that memory does not grow."""


@dataclass(slots=True)
class Tally:
    """by_status: items that ended. sent: items sent, every attempt counted. pages: of these, those that
    asked for a further page; reads: that read what was there before an item. unsent: items that ended without
    a sending. refused: of these, throttled. retried: attempts after a failure. batches: in flight now;
    signing: of these, those that wait for a token. hold_until: loop seconds before which the service wants
    nothing. state, rate, places: what pace says of the tenant; rate: items per second that it takes, as far
    as is known; places: batches that may be in flight; None and 0 while nothing of it runs. unreachable: why
    the service is not reached now, "" if it is. resting: until when nothing is to be sent, in words, "" if
    something is. wave: which one the run is in, in words, "" if it has one only. tenants: whose counts these
    are; working: those of which something runs. kinds: failures by (cmdlet, type or code); examples: the
    first of each; latest: the last, those that came last at the end."""

    by_status: Counter[Status] = field(default_factory=Counter)
    sent: int = 0
    pages: int = 0
    reads: int = 0
    unsent: int = 0
    refused: int = 0
    retried: int = 0
    batches: int = 0
    signing: int = 0
    hold_until: float = 0.0
    state: State = State.OPEN
    rate: float | None = None
    places: int = 0
    unreachable: str = ""
    resting: str = ""
    wave: str = ""
    tenants: int = 1
    working: int = 0
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    latest: dict[tuple[str, str], Outcome] = field(default_factory=dict)

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
        succeeded = 0
        for outcome in outcomes:
            if not outcome.attempts:
                self.unsent += 1
            if outcome.status is Status.SUCCEEDED:
                succeeded += 1
                continue
            self.by_status[outcome.status] += 1
            if outcome.status in (Status.FAILED, Status.UNKNOWN):
                self._count_kind(outcome)
        self.by_status[Status.SUCCEEDED] += succeeded

    def add(self, other: Tally) -> None:
        """Take in the counts of another."""
        self.by_status.update(other.by_status)
        self.sent += other.sent
        self.pages += other.pages
        self.reads += other.reads
        self.unsent += other.unsent
        self.refused += other.refused
        self.retried += other.retried
        self.batches += other.batches
        self.signing += other.signing
        self.places += other.places
        if other.rate is not None:
            self.rate = (self.rate or 0.0) + other.rate
        self.kinds.update(other.kinds)
        self.examples = other.examples | self.examples

    def after(self, earlier: Tally) -> Tally:
        """The same with the items that had ended before, and how they failed; all else is of now."""
        kinds = earlier.kinds + self.kinds
        return replace(
            self,
            by_status=earlier.by_status + self.by_status,
            kinds=kinds,
            examples=self.examples | earlier.examples,
        )

    def _count_kind(self, outcome: Outcome) -> None:
        error = outcome.error
        kind = (outcome.item.cmdlet, (error.type or error.code) if error else outcome.status.value)
        if kind not in self.kinds and len(self.kinds) >= KINDS_LIMIT:
            kind = ("", "other")
        self.kinds[kind] += 1
        self.examples.setdefault(kind, outcome)
        self.latest.pop(kind, None)
        self.latest[kind] = outcome


def _end(outcome: Outcome) -> float:
    return (outcome.started or 0.0) + outcome.duration


def together(tallies: Sequence[Tally]) -> Tally:
    """The tallies of several tenants as one; at least one. Of the waits of those at work, the one that ends
    first, since the others go on."""
    if len(tallies) == 1:
        return tallies[0]
    total = Tally(tenants=len(tallies))
    for tally in tallies:
        total.add(tally)
    latest = [pair for tally in tallies for pair in tally.latest.items()]
    total.latest = dict(sorted(latest, key=lambda pair: _end(pair[1])))
    working = [tally for tally in tallies if tally.places]
    total.working = len(working)
    working = working or list(tallies)
    total.hold_until = min(tally.hold_until for tally in working)
    states = {tally.state for tally in working}
    total.state = states.pop() if len(states) == 1 else State.OPEN
    if all(tally.unreachable for tally in working):
        total.unreachable = working[0].unreachable
    total.resting = next((tally.resting for tally in tallies if tally.resting), "")
    return total


async def signing(tally: Tally, token: Awaitable[str]) -> str:
    """The token of a batch in flight, which may have to be fetched, and is counted meanwhile."""
    tally.signing += 1
    try:
        return await token
    finally:
        tally.signing -= 1
