"""What a run tells whoever observes it: each request as it ends, and the items as they end.

For telemetry and for the log; nobody observes by default, and then nothing of this is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bulkexo.model import Outcome
from bulkexo.pace import Sighting
from bulkexo.wire import Call, Lost, Reply
from bulkexo.wire.doors import Way

REQUEST_ID = "request-id"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it; no identity, value or secret is in it.

    endpoint: scheme, host and port. method: of HTTP. started: seconds since the epoch, UTC. seconds: until
    the reply, or until it was given up. cmdlets: how many calls of each. status: of HTTP, None if no reply
    came. refused: calls that were throttled. failed: calls that failed in passing, and go again. request_id:
    the service's, "" if it gave none. lost: why no reply came, a sentence, "" if one did. attempt: of the
    call that has been tried most often, from 1. wait: seconds that the service asked for, None if for none.
    """

    endpoint: str
    method: str
    started: float
    seconds: float
    cmdlets: Mapping[str, int]
    status: int | None
    refused: int
    failed: int
    request_id: str
    lost: str
    attempt: int = 1
    wait: float | None = None

    @property
    def calls(self) -> int:
        """Calls in the request."""
        return sum(self.cmdlets.values())


class Observer(Protocol):
    """Whoever wants to know. Called in the run's own loop: it returns at once and raises nothing."""

    def exchanged(self, exchange: Exchange) -> None:
        """A request has ended."""

    def ended(self, outcomes: Sequence[Outcome]) -> None:
        """Items have ended, a reply's worth at a time."""


def tell(
    observers: Sequence[Observer],
    endpoint: str,
    calls: Sequence[Call],
    reply: Reply | Lost,
    seen: Sighting,
    wall: float,
    attempt: int,
) -> None:
    """Tell of a request that has just ended. wall: seconds since the epoch, now. attempt: see Exchange."""
    seconds = seen.ended - seen.started
    lone_get = len(calls) == 1 and calls[0].door.way is Way.REST
    exchange = Exchange(
        endpoint=endpoint,
        method="GET" if lone_get else "POST",
        started=wall - seconds,
        seconds=seconds,
        cmdlets=Counter(call.cmdlet for call in calls),
        status=reply.status if isinstance(reply, Reply) else None,
        refused=seen.refused,
        failed=seen.failed,
        request_id=reply.headers.get(REQUEST_ID, "") if isinstance(reply, Reply) else "",
        lost=reply.reason if isinstance(reply, Lost) else "",
        attempt=attempt,
        wait=seen.retry_after,
    )
    for each in observers:
        each.exchanged(exchange)
