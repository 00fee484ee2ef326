"""What a report says in sentences: how the run ended, its figures, what to do now. Pure."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bulkexo.facts.ruling import Mends
from bulkexo.model import Status
from bulkexo.report.html.curve import Point
from bulkexo.report.html.gather import Gathered
from bulkexo.report.html.plain import shown
from bulkexo.report.html.told import Told
from bulkexo.report.words import command, duration, many

READS = ("get-", "search-", "test-")


@dataclass(frozen=True, slots=True)
class Headline:
    """How the run ended. kind: good, warn, bad or info. note: more of it, "" if there is no more."""

    words: str
    kind: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Todo:
    """Something to do now. kind: done if it is nothing."""

    words: str
    command: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class WaveRow:
    """A wave, as the table shows it."""

    number: int
    rows: str
    counts: Counter[Status]
    stands: str


def number(value: float) -> str:
    """`12,345`."""
    return f"{value:,.0f}"


def share(part: float, whole: float) -> str:
    """`0.3%`."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1%"
    if 99 <= percent < 100:
        return f"{math.floor(10 * percent) / 10}%"
    return f"{percent:.1f}%" if percent < 10 and part else f"{percent:.0f}%"


class Words:
    """folder: of the run, as it was given. live: whether the run is under way."""

    def __init__(self, told: Told, found: Gathered, folder: Path, *, live: bool) -> None:
        self._told = told
        self._found = found
        self._folder = folder
        self._live = live
        self._counts = found.whole.statuses

    @property
    def _failed(self) -> int:
        return self._counts[Status.FAILED]

    @property
    def _unknown(self) -> int:
        return self._counts[Status.UNKNOWN]

    @property
    def _left(self) -> int:
        return max(0, self._told.total - self._found.whole.ended)

    @property
    def headline(self) -> Headline:
        """How it ended, in a word or two."""
        state, reason = self._told.state, self._told.reason
        if state == "complete":
            if self._failed or self._unknown:
                parts = [f"{number(self._failed)} failed"] if self._failed else []
                parts += [f"{number(self._unknown)} unknown"] if self._unknown else []
                return Headline(f"Complete, {', '.join(parts)}", "warn")
            return Headline("Complete, none failed", "good")
        if state == "stopped":
            return Headline("Stopped before the end", "bad", reason)
        if self._live:
            return Headline("Under way", "info", "The run was going on when this report was made.")
        note = "Its process ended without saying so (a crash, a power cut). What had ended is recorded."
        return Headline("Cut off", "bad", note)

    @property
    def lead(self) -> str:
        """The run in a line: which cmdlets, how many items, where."""
        cmdlets = sorted(self._found.whole.cmdlets.items(), key=lambda each: -each[1].total())
        names = [name for name, _ in cmdlets] or [step.cmdlet for step in self._told.steps]
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        tenants = list(self._found.tenants) or self._told.tenants
        where = (
            shown(tenants[0], 120)
            if len(tenants) == 1
            else f"{number(len(tenants))} tenants"
            if tenants
            else ""
        )
        parts = [some, many(self._told.total, "item", "items"), where]
        if self._told.started:
            parts.append(f"{self._told.started.astimezone():%d %b %Y}".lstrip("0"))
        return " · ".join(part for part in parts if part)

    @cached_property
    def points(self) -> list[Point]:
        """The run over its time."""
        return self._found.curve.points()

    @property
    def _running(self) -> float:
        """Seconds in which it ran, pauses between its processes left out; of a short run all of them."""
        known = [point.at for point in self.points if point.rate is not None]
        ran = max(known, default=0.0) + self._found.curve.width / 2
        return ran if len(known) >= 20 or not self._span else min(ran, self._span) or self._span

    @property
    def _span(self) -> float:
        told = self._told
        return (told.ended - told.started).total_seconds() if told.ended and told.started else 0.0

    @property
    def _mean(self) -> float:
        """Items that were sent and ended, per second of running."""
        return self._found.whole.durations.count / self._running if self._running else 0.0

    @property
    def took(self) -> str:
        """How long it took."""
        if not self._span:
            return ""
        breaks = any(point.rate is None for point in self.points)
        return (
            f"{duration(self._span)}, {duration(self._running)} of it running"
            if breaks
            else duration(self._span)
        )

    @property
    def _refused(self) -> tuple[int, int]:
        """(throttled, sendings): of the whole run, or as far as run.json tells."""
        curve, counts = self._found.curve, self._told.counts
        if curve.sent:
            return curve.throttled or 0, curve.sent
        return counts.get("throttled", 0), counts.get("sent", 0)

    @property
    def tiles(self) -> list[tuple[str, str, str, str]]:
        """(words, figure, kind, note) of each tile."""
        ended, total = self._found.whole.ended, self._told.total
        found = [("Items", number(total), "", "" if ended >= total else f"{number(ended)} ended")]
        kinds = {
            Status.SUCCEEDED: ("Succeeded", "good"),
            Status.UNCHANGED: ("Unchanged", "good"),
            Status.FAILED: ("Failed", "bad"),
            Status.UNKNOWN: ("Unknown", "unknown"),
            Status.SKIPPED: ("Skipped", "warn"),
        }
        for status, (words, kind) in kinds.items():
            count = self._counts[status]
            if count or status in (Status.SUCCEEDED, Status.FAILED):
                note = share(count, ended) if count else ""
                found.append((words, number(count), kind if count else "", note))
        if self._left and self._told.state != "complete":
            found.append(("Not ended", number(self._left), "info", share(self._left, total)))
        if self._running:
            mean = f"{self._mean:,.1f} items/s" if self._mean else ""
            found.append(("Time", duration(self._span or self._running), "", mean))
        throttled, sent = self._refused
        if sent:
            found.append(("Throttled", share(throttled, sent), "", "of sendings"))
        return found

    @property
    def todo(self) -> list[Todo]:
        """What to do now, in order."""
        found = [*self._going_on(), *self._trouble()]
        if not found:
            found.append(Todo("Nothing: all items are as they should be.", kind="done"))
        return found

    def _going_on(self) -> list[Todo]:
        state = self._told.state
        if state == "complete":
            return []
        if state == "running" and self._live:
            return [Todo("Wait for its end, and make the report again.", command("report", self._folder))]
        waits = self._told.waves.get("waiting") is not None
        left = many(self._left, "item has", "items have")
        words = f"Go on with the run: {left} not ended."
        if waits:
            look = "what has failed" if self._failed or self._unknown else "what it has done"
            words = f"The run waits between two waves. Look at {look}; then let it go on."
        return [Todo(words, command("resume", self._folder) + (" --approve" if waits else ""))]

    def _trouble(self) -> list[Todo]:
        whole = self._found.whole
        people, again = whole.mended_by(Mends.PERSON), whole.mended_by(Mends.RETRY)
        retry = command("retry", self._folder)
        found = []
        if self._unknown:
            words = f"Look at the {many(self._unknown, 'item', 'items')} of unknown fate: they may have taken"
            found.append(Todo(f"{words} effect. They are listed below."))
        if people:
            words = f"See to the {many(people, 'failed item', 'failed items')} that no second try mends: the "
            found.append(
                Todo(f"{words}causes below tell what to do. failed.csv holds their rows as they came.")
            )
        if again:
            words = f"Run again what failed in passing ({many(again, 'item', 'items')})."
            found.append(Todo(words, retry if self._told.state == "complete" else ""))
        elif found and self._told.state == "complete":
            found.append(Todo("Then run what is left again.", retry))
        return found

    @property
    def speed(self) -> str:
        """The speed and the allowance, in sentences."""
        rates = [point.rate for point in self.points if point.rate is not None]
        allowed = [point.allowed for point in self.points if point.allowed is not None]
        text = f"{self._mean:,.1f} items per second on the whole, {max([*rates, self._mean]):,.1f} at most"
        if allowed:
            low, high = min(allowed), max(allowed)
            about = f"{low:,.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:,.1f} to {high:,.1f}"
            text += f"; the service allowed {about}, as far as bulkexo learned it"
        return f"{text}. {self.throttled}".strip()

    @property
    def throttled(self) -> str:
        """How much was throttled, as a sentence."""
        throttled, sent = self._refused
        if not sent:
            return ""
        if not throttled:
            return f"None of the {number(sent)} sendings was throttled."
        refused = f"{number(throttled)} of {number(sent)} sendings ({share(throttled, sent)})"
        return f"{refused} were refused for the pace and sent again; that is no failure."

    @property
    def returned(self) -> str:
        """What cmdlets that read have returned, as a sentence; "" if none reads."""
        whole = self._found.whole
        reads = any(name.lower().startswith(READS) for name in whole.cmdlets)
        return f"The cmdlets returned {many(whole.objects, 'object', 'objects')}." if reads else ""

    @property
    def waves(self) -> list[WaveRow]:
        """The waves, and where each stands."""
        passed, waiting = self._told.passed, self._told.waves.get("waiting")
        rows = []
        for place, wave in enumerate(self._found.waves):
            if self._told.state == "complete" or place < passed:
                stands = "has ended" if place == len(self._found.waves) - 1 else "has passed its gate"
            elif place == passed:
                stands = "stands at its gate" if waiting is not None else "is under way"
                if self._told.state == "stopped" and waiting is None:
                    stands = "was stopped"
            else:
                stands = "has not begun"
            bounds = f"{number(wave.first)}–{number(wave.last)}"
            rows.append(WaveRow(place + 1, bounds, wave.statuses, stands))
        return rows

    @property
    def items_title(self) -> str:
        """Of the table."""
        return "All items" if self._found.everything else "Items that are not fine"

    @property
    def left_out(self) -> str:
        """What the table leaves out, "" if nothing."""
        rows = self._found.rows
        if rows.kept >= rows.total:
            return ""
        return (
            f"The first {number(rows.kept)} of {number(rows.total)} items, in the order in which they ended; "
            "results.ndjson in the run’s folder has them all."
        )
