"""How a run stands, seen from outside: read from its folder, whether it goes on, has ended, or has died."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bulkexo.journal import RunFolder
from bulkexo.journal.lines import seconds, timestamp
from bulkexo.journal.lock import held
from bulkexo.journal.progress import latest
from bulkexo.model import Status
from bulkexo.report.words import command, duration, readable

LINES = 13
"""Of progress.ndjson that the end is reckoned from: two minutes."""
STALE = 60.0
"""Seconds after the last line from which on a run is held to be dead, where its lock tells nothing."""
RUNNING, COMPLETE, STOPPED, DIED = "running", "complete", "stopped", "died"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one run stands. state: running, complete, stopped, or died: it says that it runs, and no process
    does. reason: why it stopped. counts: items that ended, by status. speed, allowed: items per second, None
    if not known. left: seconds until the end if it goes on like that. waiting: why nothing moves. times:
    seconds since the epoch, None if not known; told: when it last said how it stands. approval: it waits
    between two waves for somebody to let it go on."""

    folder: Path
    job: str
    state: str
    reason: str
    total: int
    counts: Mapping[Status, int]
    attempts: int = 0
    throttled: int = 0
    speed: float | None = None
    allowed: float | None = None
    left: float | None = None
    batches: int = 0
    places: int = 0
    waiting: str = ""
    pid: int | None = None
    started: float | None = None
    ended: float | None = None
    told: float | None = None
    approval: bool = False

    @property
    def done(self) -> int:
        """Items that ended."""
        return sum(self.counts.values())

    @property
    def exit_code(self) -> int:
        """3 if it has to be gone on with, 1 if items failed or are unknown, else 0."""
        if self.state in (STOPPED, DIED):
            return 3
        return 1 if self.counts[Status.FAILED] or self.counts[Status.UNKNOWN] else 0

    @property
    def next(self) -> str:
        """What to type now, "" for nothing."""
        if self.state in (STOPPED, DIED):
            return command("resume", self.folder) + (" --approve" if self.approval else "")
        if self.state == COMPLETE and self.exit_code:
            return command("retry", self.folder)
        return ""


def standing(folder: Path, now: float) -> Standing:
    """Read a run. now: seconds since the epoch. Raises UsageError if the folder holds none."""
    run = RunFolder(folder)
    document = run.read()
    lines = latest(run.progress, LINES)
    newest: Mapping[str, Any] = lines[0] if lines else {}
    state = _state(document.get("state"), folder, seconds(newest.get("time")), now)
    recorded = document.get("counts") or {}
    source = recorded if state in (COMPLETE, STOPPED) or not newest else newest
    counts = {status: _whole(source.get(status.value)) for status in Status}
    running = newest if state == RUNNING and newest.get("state") == "running" else {}
    total = _whole(recorded.get("items")) or _whole(newest.get("total"))
    job, waves = document.get("job") or {}, document.get("waves") or {}
    return Standing(
        folder,
        Path(str(job.get("path", "?"))).name,
        state,
        str(document.get("reason") or ""),
        total,
        counts,
        attempts=_whole(newest.get("attempts")),
        throttled=_whole(newest.get("throttled")),
        speed=_number(running.get("items_per_second")),
        allowed=_number(running.get("allowed_per_second")),
        left=_left(lines, total) if running and not running.get("waiting") else None,
        batches=_whole(running.get("batches")),
        places=_whole(running.get("places")),
        waiting=str(running.get("waiting") or "") if running else _before(state, job),
        pid=_whole(newest.get("pid")) or None,
        started=seconds(document.get("started")),
        ended=seconds(document.get("ended")) if state in (COMPLETE, STOPPED) else None,
        told=seconds(newest.get("time")),
        approval=state == STOPPED and waves.get("waiting") is not None,
    )


def as_object(seen: Standing) -> dict[str, Any]:
    """The same for a script."""
    return {
        "run": readable(str(seen.folder)),
        "job": readable(seen.job),
        "state": seen.state,
        "reason": seen.reason,
        "exit_code": seen.exit_code,
        "total": seen.total,
        "done": seen.done,
        **{status.value: seen.counts[status] for status in Status},
        "attempts": seen.attempts,
        "throttled": seen.throttled,
        "items_per_second": seen.speed,
        "allowed_per_second": seen.allowed,
        "seconds_left": None if seen.left is None else round(seen.left),
        "batches": seen.batches,
        "places": seen.places,
        "waiting": seen.waiting,
        "pid": seen.pid,
        "started": _time(seen.started),
        "ended": _time(seen.ended),
        "told": _time(seen.told),
        "next": readable(seen.next),
    }


def as_text(seen: Standing, now: float) -> str:
    """Some lines for a person."""
    lines = [("Run", str(seen.folder)), ("Job", seen.job), ("State", _told_state(seen))]
    if seen.total:
        share = int(100 * seen.done / seen.total)
        kinds = ", ".join(f"{number:,} {status}" for status, number in seen.counts.items() if number)
        lines.append(
            ("Items", f"{seen.done:,} of {seen.total:,} ({share}%)" + (f": {kinds}" if kinds else ""))
        )
    if seen.speed is not None:
        allowed = f" of {seen.allowed:,.1f}/s allowed" if seen.allowed else ""
        batches = f", {seen.batches:,} of {seen.places:,} batches in flight" if seen.places else ""
        lines.append(("Pace", f"{seen.speed:,.1f}/s{allowed}{batches}"))
    if seen.throttled:
        share_of = seen.throttled / seen.attempts if seen.attempts else 0.0
        lines.append(("Throttled", f"{seen.throttled:,} of {seen.attempts:,} sendings ({share_of:.1%})"))
    if seen.started is not None:
        lines.append(("Started", _ago(seen.started, now)))
    if seen.ended is not None:
        lines.append(("Ended", _ago(seen.ended, now)))
    elif seen.told is not None:
        lines.append(("Last word", f"{_ago(seen.told, now)}, from process {seen.pid}"))
    if seen.left is not None:
        lines.append(("Done", f"in {duration(max(10.0, seen.left))}, at {_clock(now + seen.left, now)}"))
    if seen.next:
        lines.append(("Try again" if seen.state == COMPLETE else "Go on with", seen.next))
    return "\n".join(f"{name + ':':<12}{text}" for name, text in lines)


def as_line(seen: Standing) -> str:
    """One line, for `--follow`."""
    parts = [f"{seen.done:,} of {seen.total:,}"]
    if seen.state != RUNNING:
        parts = [f"{seen.state}: {parts[0]}"]
    if seen.speed:
        parts.append(f"{seen.speed:,.1f}/s" + (f" of {seen.allowed:,.1f}/s allowed" if seen.allowed else ""))
    for status in (Status.FAILED, Status.UNKNOWN):
        if seen.counts[status]:
            parts.append(f"{seen.counts[status]:,} {status}")
    if seen.waiting:
        parts.append(seen.waiting)
    return ", ".join(parts)


def as_table(several: Sequence[Standing], now: float) -> str:
    """Several runs, a line each."""
    rows = [("STATE", "DONE", "FAILED", "UNKNOWN", "AGE", "RUN")]
    for seen in several:
        last = next((time for time in (seen.ended, seen.told, seen.started) if time is not None), now)
        rows.append(
            (
                seen.state,
                f"{seen.done:,} of {seen.total:,}",
                f"{seen.counts[Status.FAILED]:,}",
                f"{seen.counts[Status.UNKNOWN]:,}",
                duration(max(10.0, now - last)),
                str(seen.folder),
            )
        )
    widths = [max(len(row[at]) for row in rows) for at in range(5)]
    return "\n".join(
        f"{row[0]:<{widths[0]}}  "
        + "  ".join(f"{text:>{width}}" for text, width in zip(row[1:5], widths[1:], strict=True))
        + f"  {row[5]}"
        for row in rows
    )


def worst(several: Iterable[Standing]) -> int:
    """The exit code for several."""
    return max((seen.exit_code for seen in several), default=0)


def _state(said: Any, folder: Path, told: float | None, now: float) -> str:
    if said in (COMPLETE, STOPPED):
        return str(said)
    lives = held(folder)
    if lives is None:
        lives = told is not None and now - told < STALE
    return RUNNING if lives else DIED


def _before(state: str, job: Mapping[str, Any]) -> str:
    """What a run that has not said anything yet is doing."""
    if state != RUNNING:
        return ""
    rows = job.get("rows")
    asked = [each for each in (rows if isinstance(rows, list) else [rows]) if isinstance(each, Mapping)]
    unread = any("asked" in each and not each.get("sha256") for each in asked)
    return "reading its rows" if unread else "starting"


def _told_state(seen: Standing) -> str:
    if seen.state == DIED:
        return "died: no process is at work in it, and it did not come to its end"
    if seen.state == STOPPED:
        return f"stopped: {seen.reason}" if seen.reason else "stopped"
    return f"{seen.state}; {seen.waiting}" if seen.waiting else seen.state


def _left(lines: Sequence[Mapping[str, Any]], total: int) -> float | None:
    """Seconds until the end, by the lines of this process over the last while; the newest first."""
    lines = [line for line in lines if line.get("pid") == lines[0].get("pid")]
    first, last = seconds(lines[-1].get("time")), seconds(lines[0].get("time"))
    done, before = _whole(lines[0].get("done")), _whole(lines[-1].get("done"))
    if first is None or last is None or last <= first or done <= before:
        return None
    return (total - done) * (last - first) / (done - before)


def _ago(then: float, now: float) -> str:
    return f"{_clock(then, now)}, {duration(max(1.0, now - then))} ago"


def _clock(moment: float, now: float) -> str:
    at = datetime.fromtimestamp(moment)
    today = at.date() == datetime.fromtimestamp(now).date()
    return f"{at:%H:%M:%S}" if today else f"{at:%Y-%m-%d %H:%M}"


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else timestamp(seconds)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
