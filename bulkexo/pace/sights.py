"""What is seen of a tenant, and what follows for the sending: the two ends of the Pacer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bulkexo.model import light


class State(StrEnum):
    """How things stand with a tenant, in words for the screen.

    OPEN: sending at the pace learned. HELD: the service asked for a wait. DELAYED: it does not refuse but
    grows slow, so the pace is eased. SICK: too many replies failed for reasons other than the pace; sending
    pauses, then goes on with one batch at a time until one succeeds.
    """

    OPEN = "open"
    HELD = "held"
    DELAYED = "delayed"
    SICK = "sick"


@light
@dataclass(frozen=True, slots=True)
class Sighting:
    """What the reply to one batch (or its absence) says about the tenant's allowance.

    started, ended: clock seconds at sending and at the reply. sent: items in the batch. refused: those
    that were throttled. retry_after: seconds the service asked for, None if it named none.
    crowded: it complained of concurrent requests. busy: 503, 504 or no reply at all.
    remaining, reset: `Rate-Limit-Remaining` and `Rate-Limit-Reset` where they came, reset in seconds.
    failed: items to be sent again for another reason than throttling; 0 with `busy` means all of them.
    kind: what the batch held, such as its cmdlet ("" if mixed or not known): replies of unlike kinds take
    unlike times and are not compared.
    """

    started: float
    ended: float
    sent: int
    refused: int = 0
    retry_after: float | None = None
    crowded: bool = False
    busy: bool = False
    remaining: float | None = None
    reset: float | None = None
    failed: int = 0
    kind: str = ""

    @property
    def passing(self) -> int:
        """Items that failed for a passing reason of the service's or their own, not of the pace."""
        return self.sent - self.refused if self.busy and not self.failed else self.failed


@light
@dataclass(frozen=True, slots=True)
class Allowance:
    """What is allowed now. rate: items per second, None for no limit. concurrency: batches in flight.
    hold_until: clock seconds before which nothing may be sent. batch_size: items in the next batch, at most.
    state: how things stand. give_up_at: clock seconds at which to stop the run if nothing has been accepted
    until then; infinite if the user set no limit."""

    rate: float | None
    concurrency: int
    hold_until: float
    batch_size: int = 10
    state: State = State.OPEN
    give_up_at: float = float("inf")


@dataclass(frozen=True, slots=True)
class Learned:
    """What a run learned of a tenant, for the next to begin with. rate: items per second. concurrency:
    batches in flight, None if the service never complained of their number."""

    rate: float
    concurrency: int | None = None
