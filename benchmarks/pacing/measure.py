"""What a run comes to: the ratios that docs/pace.md tells."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from .drive import Trace
from .tenants import Tenant

SETTLED = 30.0
"""Seconds after which the steady state is measured."""


@dataclass(frozen=True, slots=True)
class Result:
    """goodput: accepted ÷ allowed, steady state: after 30 s, and clear of the time granted after a change,
    which `regain` judges. Weighed by what is rationed: 12,000 cmdlets of which one in five is ten times as
    heavy cost 3 % more or less by chance. refused: items ÷ sent after 30 s, changes included. settle: seconds
    until 90 % of the allowance is reached for good. regain: the longest time to get back above 90 % after a
    change, as a share of what is granted (None without changes). swing: the largest deviation from the
    allowance of any `width` of time once settled; in items, which the client chooses, and not in their
    weight, which chance does. total: seconds. stalled: it did not end."""

    goodput: float
    refused: float
    settle: float
    regain: float | None
    swing: float
    total: float
    stalled: bool


class Counter:
    """Items by the second of their sending."""

    def __init__(self, events: Sequence[tuple[float, float]]) -> None:
        events = sorted(events)
        self._times = [time for time, _ in events]
        self._sums = [0.0, *accumulate(items for _, items in events)]

    def between(self, start: float, end: float) -> float:
        """Items sent in [start, end)."""
        return self._sums[bisect_left(self._times, end)] - self._sums[bisect_left(self._times, start)]


class Flow(Counter):
    """The same with each batch spread over the time since the one before, so that counting whole batches
    is no swing."""

    def between(self, start: float, end: float) -> float:
        return self._until(end) - self._until(start)

    def _until(self, at: float) -> float:
        index = bisect_right(self._times, at)
        if index == len(self._times):
            return self._sums[-1]
        before = self._times[index - 1] if index else 0.0
        share = (at - before) / (self._times[index] - before)
        return self._sums[index] + share * (self._sums[index + 1] - self._sums[index])


def granted(tenant: Tenant, change: float) -> float:
    """Seconds granted for getting back: 10, or the time of 400 items at the new rate."""
    return max(10.0, 400 / tenant.profile.at(change))


def measure(tenant: Tenant, trace: Trace) -> Result:
    """The ratios of one run."""
    accepted, refused = Counter(trace.accepted), Counter(trace.refused)
    start, end = min(SETTLED, trace.last / 2), trace.last
    good, bad = accepted.between(start, end), refused.between(start, end)
    steady = list(_steady(tenant, start, end))
    spent = Counter(trace.spent)
    share = _share(tenant, accepted)
    regains = [
        (back(share, change, end, width(tenant, change)) - change) / granted(tenant, change)
        for change in tenant.changes
        if change < end
    ]
    return Result(
        goodput=sum(spent.between(*span) for span in steady)
        / max(1e-9, sum(tenant.profile.until(stop) - tenant.profile.until(at) for at, stop in steady)),
        refused=bad / max(1, good + bad),
        settle=back(share, 0.0, end, width(tenant, 0.0)),
        regain=max(regains) if regains else None,
        swing=_swing(tenant, _share(tenant, Flow(trace.accepted)), end),
        total=trace.end,
        stalled=trace.stalled,
    )


def width(tenant: Tenant, at: float) -> float:
    """Seconds of a window wide enough to judge by: 10, as are granted for getting back after a change, or the
    time of 200 items, half of what is granted where that is longer. A swing of twice that length shows at its
    fullest."""
    return max(10.0, 200 / tenant.profile.at(at))


def _share(tenant: Tenant, accepted: Counter) -> Callable[[float, float], float]:
    def share(start: float, end: float) -> float:
        allowed = tenant.profile.until(end) - tenant.profile.until(start)
        return accepted.between(start, end) / allowed

    return share


def back(share: Callable[[float, float], float], since: float, end: float, wide: float) -> float:
    """The first second after `since` from which a window has 90 % of its allowance."""
    at = since
    while at + wide < end:
        if share(at, at + wide) >= 0.9:
            return at
        at += 0.25
    return end


def _steady(tenant: Tenant, start: float, end: float) -> Iterator[tuple[float, float]]:
    """[start, end) without the time granted after each change."""
    for change in tenant.changes:
        if start < change < end:
            yield start, change
            start = change + granted(tenant, change)
    if start < end:
        yield start, end


def _windows(tenant: Tenant, end: float) -> Iterator[tuple[float, float]]:
    """Windows of the settled state, overlapping by three quarters: after 60 s, and clear of the time granted
    after a change."""
    at = 60.0
    while at + (wide := width(tenant, at)) < end:
        clash = next((c for c in tenant.changes if at - granted(tenant, c) < c < at + wide), None)
        if clash is None:
            yield at, at + wide
            at += wide / 4
        else:
            at = clash + granted(tenant, clash)


def _swing(tenant: Tenant, share: Callable[[float, float], float], end: float) -> float:
    return max((abs(share(start, stop) - 1) for start, stop in _windows(tenant, end)), default=0.0)
