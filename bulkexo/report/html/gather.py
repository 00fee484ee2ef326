"""One pass over results.ndjson: the figures of a run and of its tenants, in flat memory."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkexo.facts.causes import OTHER, cause
from bulkexo.facts.ruling import Cause, Mends
from bulkexo.journal.lines import seconds
from bulkexo.model import BY_RULE, Status
from bulkexo.report.html.curve import Curve
from bulkexo.report.html.plain import shown
from bulkexo.report.html.rows import Rows

EXAMPLES = 3
"""Items shown of a cause."""
PEOPLE = 10
"""Items of unknown fate that are listed."""
KINDS = 60
"""Kinds of failure told apart beside those of the table of causes; what comes after is one."""
TENANTS = 2000
"""Tenants told apart; what comes after is one."""
CMDLETS = 200
HIGHEST = 1 << 53
"""No number of a line is larger; JSON's own readers know none beyond it."""
STEP = math.log(1.05)
"""Of the durations, which are kept as a histogram: each class is 5% longer than the one before."""
BAD = frozenset({Status.FAILED, Status.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Example:
    """An item, as it is named to people."""

    row: int
    step: int
    tenant: str
    cmdlet: str
    identity: str
    message: str


@dataclass(slots=True)
class Failed:
    """Items that failed for one cause. title: more than the cause's words where these say little."""

    cause: Cause
    title: str
    count: int = 0
    cmdlets: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)


class Durations:
    """How long items took, in milliseconds, as a histogram of 5% classes."""

    def __init__(self) -> None:
        self.classes: Counter[int] = Counter()
        self.count = 0
        self.longest = 0.0

    def add(self, milliseconds: float) -> None:
        """Take in an item."""
        self.classes[int(math.log(max(milliseconds, 1.0)) / STEP)] += 1
        self.count += 1
        self.longest = max(self.longest, milliseconds)

    def below(self, share: float) -> float:
        """The time within which this share of the items ended, within 3%; 0 if there are none."""
        wanted, passed = share * self.count, 0
        for number in sorted(self.classes):
            passed += self.classes[number]
            if passed >= wanted:
                return min(math.exp((number + 0.5) * STEP), self.longest)
        return 0.0

    def between(self, bounds: Iterable[float]) -> list[int]:
        """How many took no longer than each bound, and longer than the one before; then those beyond."""
        edges = list(bounds)
        found = [0] * (len(edges) + 1)
        for number, count in self.classes.items():
            found[bisect_left(edges, math.exp((number + 0.5) * STEP))] += count
        return found


@dataclass(slots=True)
class Group:
    """The items of a tenant, or of the whole run. attempts: sendings. again: items sent more than once.
    objects: that they returned. kept: kinds of failure beside those of the table. unknown: some of those.
    first, last: when the first was sent and the last ended, since the epoch; 0 if none was."""

    statuses: Counter[Status] = field(default_factory=Counter)
    cmdlets: dict[str, Counter[Status]] = field(default_factory=dict)
    causes: dict[tuple[str, str], Failed] = field(default_factory=dict)
    durations: Durations = field(default_factory=Durations)
    unknown: list[Example] = field(default_factory=list)
    attempts: int = 0
    again: int = 0
    objects: int = 0
    first: float = 0.0
    last: float = 0.0

    @property
    def seconds(self) -> float:
        """From the first sending to the last end, pauses included; 0 if not known."""
        return max(0.0, self.last - self.first)

    @property
    def speed(self) -> float:
        """Items that were sent, per second; 0 if not known."""
        return self.durations.count / self.seconds if self.seconds else 0.0

    @property
    def ended(self) -> int:
        """Items with a line."""
        return self.statuses.total()

    @property
    def failures(self) -> list[Failed]:
        """By cause, the most frequent first."""
        return sorted(self.causes.values(), key=lambda each: -each.count)

    def mended_by(self, mends: Mends) -> int:
        """Failed items whose cause is mended so; the unknown are for a person, and are not among them."""
        found = (each.count for each in self.causes.values() if each.cause.mends is mends)
        return sum(found) - (self.statuses[Status.UNKNOWN] if mends is Mends.PERSON else 0)

    def add(self, line: Mapping[str, Any], status: Status, why: Cause | None) -> None:
        """Take in a line of the results."""
        self.statuses[status] += 1
        cmdlet = shown(line.get("cmdlet"), 100)
        if cmdlet not in self.cmdlets and len(self.cmdlets) >= CMDLETS:
            cmdlet = "others"
        self.cmdlets.setdefault(cmdlet, Counter())[status] += 1
        attempts = line["attempts"]
        self.attempts += attempts
        self.again += attempts > 1
        if attempts:
            self.durations.add(line["duration_ms"])
        self.objects += line["objects"]
        if why is not None and status in BAD:
            self._fail(line, cmdlet, status, why)

    def ran(self, started: float, ended: float) -> None:
        """When an item was first sent, and when it ended."""
        self.first = min(self.first, started) if self.first else started
        self.last = max(self.last, ended)

    def _fail(self, line: Mapping[str, Any], cmdlet: str, status: Status, why: Cause) -> None:
        error = line.get("error") or {}
        last = shown(str(error.get("type") or "").rpartition(".")[2], 80)
        named = last if why is OTHER else ""
        if named and (why.kind, named) not in self.causes and len(self.causes) >= KINDS:
            named = ""
        words = why.words[:1].upper() + why.words[1:]
        failed = self.causes.setdefault(
            (why.kind, named), Failed(why, f"{words} ({named})" if named else words)
        )
        failed.count += 1
        failed.cmdlets[cmdlet] += 1
        if len(failed.examples) < EXAMPLES:
            failed.examples.append(example(line))
        if status is Status.UNKNOWN and len(self.unknown) < PEOPLE:
            self.unknown.append(example(line))


@dataclass(slots=True)
class Wave:
    """Rows up to `last`. Of its items, how many have ended, and how."""

    first: int
    last: int
    statuses: Counter[Status] = field(default_factory=Counter)


class Gathered:
    """What a run has come to. waves: the last row of each, none for a run of one. everything: whether all
    items go into the table, and not only those that are not fine. started: of the run, since the epoch."""

    def __init__(self, rows: Rows, curve: Curve, waves: list[int], *, everything: bool) -> None:
        self.whole = Group()
        self.tenants: dict[str, Group] = {}
        self.waves = [
            Wave(last_before + 1, last) for last_before, last in zip([0, *waves], waves, strict=False)
        ]
        self.rows = rows
        self.curve = curve
        self._bounds = waves
        self.everything = everything

    def add(self, line: Mapping[str, Any]) -> None:
        """Take in a line of the results; one that is none of ours is left out."""
        if (known := _known(line)) is None:
            return
        line, status = known
        row, error = line["row"], line["error"]
        why = _why(line, error) if error else None
        tenant = str(line.get("tenant") or "")
        self.whole.add(line, status, why)
        at = seconds(started) if (started := line.get("started")) else None
        if tenant:
            if tenant not in self.tenants and len(self.tenants) >= TENANTS:
                tenant = "others"
            group = self.tenants.setdefault(tenant, Group())
            group.add(line, status, why)
            if at is not None:
                group.ran(at, at + line["duration_ms"] / 1000)
        if self.waves:
            self.waves[min(bisect_left(self._bounds, row), len(self.waves) - 1)].statuses[status] += 1
        if at is not None:
            self.curve.ended(at + line["duration_ms"] / 1000)
        if self.everything or not (status.good or _left_out(status, error)):
            self.rows.add(line, status, why)


def _known(line: Mapping[str, Any]) -> tuple[dict[str, Any], Status] | None:
    """A line with the members that are reckoned with as they should be, and its status; None of one that is
    no result of an item."""
    error, pages, value, warnings = (line.get(name) for name in ("error", "pages", "value", "warnings"))
    try:
        numbers = {name: int(line.get(name) or 0) for name in ("row", "step", "attempts", "duration_ms")}
        status = Status(line["status"])
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    if not all(0 <= number <= HIGHEST for number in numbers.values()):
        return None
    found = {
        **line,
        **numbers,
        "error": error if isinstance(error, dict) else None,
        "objects": _objects(pages)
        if isinstance(pages, dict)
        else len(value)
        if isinstance(value, list)
        else 0,
        "warnings": warnings if isinstance(warnings, list) else [],
    }
    return found, status


def _objects(pages: Mapping[str, Any]) -> int:
    objects = pages.get("objects")
    return objects if isinstance(objects, int) else 0


def _why(line: Mapping[str, Any], error: Mapping[str, Any]) -> Cause:
    code, kind, message = (str(error.get(name) or "") for name in ("code", "type", "message"))
    status = line.get("http_status")
    return cause(code, kind, message, status if isinstance(status, int) else None)


def _left_out(status: Status, error: Mapping[str, Any] | None) -> bool:
    """Whether a rule of the job has left it out, which is as it should be."""
    return status is Status.SKIPPED and error is not None and error.get("code") == BY_RULE


def example(line: Mapping[str, Any]) -> Example:
    """An item of the results."""
    error = line.get("error") or {}
    return Example(
        line["row"],
        line["step"],
        shown(line.get("tenant"), 100),
        shown(line.get("cmdlet"), 100),
        shown(line.get("identity"), 120),
        shown(error.get("message"), 500),
    )
