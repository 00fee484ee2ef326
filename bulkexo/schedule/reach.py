"""What a reply says beyond its items: of the tenant's allowance, and whether the service is within reach."""

from __future__ import annotations

from collections.abc import Sequence

from bulkexo.pace import Sighting
from bulkexo.wire import Action, Call, Lost, Reply, Verdict
from bulkexo.wire.rate_limit import rate_limit

REFUSALS = (Action.THROTTLED, Action.CROWDED)
NO_USE = (Action.BUSY, Action.UNANSWERED, Action.UNREACHED)
IN_PASSING = (*NO_USE, Action.PASSING, Action.FAULT)


def sighting(
    reply: Reply | Lost, calls: Sequence[Call], verdicts: Sequence[Verdict], started: float, ended: float
) -> Sighting:
    """One batch and its reply as the pacer takes them. Times: clock seconds."""
    kinds = {call.cmdlet for call in calls}
    kind = kinds.pop() if len(kinds) == 1 else ""
    remaining, reset = rate_limit(reply.headers) if isinstance(reply, Reply) else (None, None)
    actions = [verdict.action for verdict in verdicts]
    if actions.count(Action.DONE) == len(actions):
        return Sighting(started, ended, len(actions), remaining=remaining, reset=reset, kind=kind)
    refused = [action for action in actions if action in REFUSALS]
    waits = [verdict.retry_after for verdict in verdicts if verdict.retry_after is not None]
    busy = all(action in NO_USE for action in actions)
    return Sighting(
        started=started,
        ended=ended,
        sent=len(verdicts),
        refused=len(refused),
        retry_after=max(waits) if waits and (refused or busy) else None,
        crowded=Action.CROWDED in refused,
        busy=busy,
        remaining=remaining,
        reset=reset,
        failed=sum(action in IN_PASSING for action in actions),
        kind=kind,
    )


class Reach:
    """Notices when nothing reaches the service any more. offline: seconds of that after which to give up."""

    def __init__(self, offline: float) -> None:
        self._offline = offline
        self._since: float | None = None

    def reached(self) -> None:
        """Something has answered."""
        self._since = None

    def too_long(self, now: float) -> bool:
        """Note at clock second `now` that nothing was reached; whether that has gone on for too long."""
        if self._since is None:
            self._since = now
        return now - self._since > self._offline
