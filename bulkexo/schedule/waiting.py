"""Why nothing moves, as a sentence for a person. Pure."""

from __future__ import annotations

from bulkexo.pace import State
from bulkexo.schedule.tally import Tally


def waiting(tally: Tally, now: float) -> str:
    """What a run waits for at `now`, a second of its loop's clock; "" while it sends."""
    if tally.resting:
        return tally.resting
    if tally.unreachable:
        return f"waiting: {tally.unreachable}"
    if tally.signing and tally.signing == tally.batches:
        return "signing in again"
    if tally.state is State.SICK:
        return "too much fails in passing: pausing, then trying with one batch"
    if tally.hold_until > now:
        left = tally.hold_until - now
        return f"throttled by the service, next try in {f'{left:.0f} s' if left >= 1 else 'a moment'}"
    return ""
