"""How a run stands at a moment, as it is shown: the counts, the speed, what it waits for, its end. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from bulkexo.model import Outcome, Status
from bulkexo.pace import State
from bulkexo.report.words import duration, many
from bulkexo.schedule import Tally
from bulkexo.schedule.waiting import waiting

NOW = 10.0
"""Seconds over which the speed of now is reckoned."""
LONG = 120.0
"""Seconds over which that is reckoned which the end follows from."""
IDLE = 5.0
"""Seconds without an item's end from which on that is worth a word."""

BRIEF = 2.0
"""Seconds up to which a wait is part of the pace, and no news: the line would flicker."""


class Speed:
    """Items per second over the last while. window: seconds."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now: float, done: int) -> float:
        """Note what is done at second `now`; the speed since."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > self._window:
            self._seen.popleft()
        first, before = self._seen[0]
        return (done - before) / (now - first) if now > first else 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Failures of one cause. words: of the cause, or of the service where none is known. row: of the last."""

    count: int
    words: str
    row: int
    identity: str


@dataclass(frozen=True, slots=True)
class Scene:
    """tally: the counts. total: items of the run. speed: items per second now. left: seconds until the end if
    it goes on like that, None if that cannot be told. state: what it waits for, or how it goes, "" if it goes
    as it should; stuck: whether it waits. clock: seconds since the epoch. elapsed: of this process."""

    tally: Tally
    total: int
    speed: float = 0.0
    left: float | None = None
    state: str = ""
    stuck: bool = False
    clock: float = 0.0
    elapsed: float = 0.0
    faults: list[Fault] = field(default_factory=list)

    @property
    def throttled(self) -> float:
        """The share of sendings that the service refused for the pace, 0 to 1."""
        return self.tally.refused / self.tally.sent if self.tally.sent else 0.0

    @property
    def end(self) -> str:
        """When it will be done, "" if that cannot be told: `done at 14:32:10, in 3 min 20 s`."""
        if self.left is None:
            return ""
        at, now = datetime.fromtimestamp(self.clock + self.left), datetime.fromtimestamp(self.clock)
        moment = f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%a %Y-%m-%d %H:%M}"
        return f"done at {moment}, in {took(self.left)}"


class Gauge:
    """Makes scenes of tallies. total: items of the run."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._now, self._long = Speed(NOW), Speed(LONG)
        self._began: float | None = None
        self._moved = (0.0, -1)

    def look(self, tally: Tally, now: float, clock: float) -> Scene:
        """now: second of the loop's clock. clock: seconds since the epoch."""
        self._began = now if self._began is None else self._began
        if tally.done != self._moved[1]:
            self._moved = (now, tally.done)
        speed, longer = self._now.add(now, tally.done), self._long.add(now, tally.done)
        idle = now - self._moved[0]
        why = waiting(tally, now)
        if idle < BRIEF and tally.hold_until - now < BRIEF and why.startswith("throttled"):
            why = ""
        stuck = bool(why)
        if not why and tally.state is State.DELAYED:
            why = "the service delays replies, so the pace is eased"
        if not why and idle >= IDLE and tally.batches:
            flight = many(tally.batches, "batch is", "batches are")
            why = f"waiting for replies: {flight} in flight, and none has come for {took(idle)}"
        todo = self._total - tally.done
        moving = not stuck and speed > 0 and longer > 0 and todo > 0
        return Scene(
            tally,
            self._total,
            speed,
            todo / longer if moving else None,
            why,
            stuck,
            clock,
            now - self._began,
            faults(tally),
        )


def took(seconds: float) -> str:
    """Like `duration`, in whole seconds from 1 on: for what changes while one looks."""
    return f"{max(1, round(seconds))} s" if seconds < 10 else duration(seconds)


def faults(tally: Tally, most: int = 5) -> list[Fault]:
    """The causes of the last failures, the most frequent first."""
    found: dict[str, Fault] = {}
    for kind, outcome in list(tally.latest.items())[-most:]:
        words = _words(outcome)
        count = tally.kinds[kind] + (found[words].count if words in found else 0)
        found[words] = Fault(count, words, outcome.item.row, outcome.item.identity)
    return sorted(found.values(), key=lambda fault: -fault.count)


def _words(outcome: Outcome) -> str:
    error = outcome.error
    if error is None:
        return outcome.status.value
    from bulkexo.facts.causes import OTHER, cause

    known = cause(error.code, error.type, error.message, outcome.http_status)
    return " ".join(error.message.split()) if known is OTHER else known.words


def words(scene: Scene) -> str:
    """All of it in one line, for logs and pipes."""
    tally = scene.tally
    parts = [f"{tally.done:,} of {scene.total:,}"]
    if tally.wave:
        parts.append(tally.wave)
    if scene.speed:
        allowed = f" of {tally.rate:,.1f}/s allowed" if tally.rate else ""
        parts.append(f"{scene.speed:,.1f}/s{allowed}")
    for number, name in (
        (tally.by_status[Status.FAILED], "failed"),
        (tally.by_status[Status.UNKNOWN], "unknown"),
        (tally.pages, "further pages"),
    ):
        if number:
            parts.append(f"{number:,} {name}")
    if tally.refused:
        parts.append(f"{tally.refused:,} throttled ({scene.throttled:.1%})")
    if scene.state:
        parts.append(scene.state)
    if scene.end:
        parts.append(scene.end)
    return ", ".join(parts)
