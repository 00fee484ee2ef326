"""What must hold of a run over many tenants, by the job, results.ndjson and the sandbox's two files."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.chaos.compare import Figures, Ledger, compare, item_of, read
from tests.chaos.rows import Row

from .many import Many, Served

SETTLED = 30.0
"""Seconds after which the steady state is measured, as docs/pace.md does."""
OWN = ("started", "duration_ms", "request_id", "attempts")
"""Members of a line that differ between two runs of one job: times, the service's number, and how often the
service was not in the mood."""
OF_RULES = ("RuleIdentity", "Identity")
"""What the service makes up for an inbox rule, another each time."""
REPEATED = "New-InboxRule"
"""The cmdlet of the job that takes effect as often as it is sent; the others are harmless twice, by their
verb or because the service sees to it, and may be sent again."""
GOODPUT, REFUSED = 0.95, 0.02
OVER = 0.05
"""Share of its allowance that a tenant may seem to get more than that: both ends of a window are somewhere
within a batch, and clocks are read at two ends of a connection."""


def stream(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of an NDJSON file, one by one."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def moment(text: str) -> float:
    """Seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


@dataclass(slots=True)
class Pace:
    """How one tenant was driven, once settled: before that nobody knows the allowance yet, and what goes
    above it is refused. goodput: effects ÷ allowance. refused: ÷ arrivals. peak: by how many cmdlets the
    arrivals of any window went above the allowance of its length and the burst, at the most. seconds: from
    the first arrival to the last."""

    tenant: Served
    arrivals: int = 0
    seconds: float = 0.0
    goodput: float = 0.0
    refused: float = 0.0
    peak: float = 0.0

    @property
    def above(self) -> bool:
        """Whether it got more than it is allowed."""
        slack = 10 + OVER * self.arrivals  # a batch, and what is refused, which arrives as well
        return self.tenant.allowance is not None and self.peak > slack


def excess(times: Sequence[float], rate: float) -> float:
    """By how many the events of any window exceed `rate` times its length, at the most. times: in order."""
    most = level = 0.0
    last = times[0] if times else 0.0
    for time in times:
        level = max(0.0, level - (time - last) * rate) + 1
        most, last = max(most, level), time
    return most


def pace(tenant: Served, came: Sequence[float], effects: Sequence[float], *, speed: float = 1.0) -> Pace:
    """Of one tenant. came, effects: moments of its arrivals and effects, in order. speed: of the sandbox."""
    found = Pace(tenant, len(came))
    if not came or tenant.allowance is None:
        return found
    rate = tenant.allowance * speed
    found.seconds = came[-1] - came[0]
    start = came[0] + min(SETTLED / speed, found.seconds / 2)
    settled = came[bisect_left(came, start) :]
    found.peak = excess(settled, rate) - tenant.burst
    within = len(settled)
    took = bisect_left(effects, came[-1]) - bisect_left(effects, start)
    found.goodput = took / max(1e-9, rate * (came[-1] - start))
    good = len(effects) - bisect_left(effects, start)
    found.refused = max(0.0, 1 - good / max(1, within))
    return found


def paces(world: Many, *, speed: float = 1.0, since: float = 0.0) -> list[Pace]:
    """Of all tenants; looks for effects are not counted, nor what is read. since: of what came after that."""
    guids = world.guids
    came: defaultdict[str, list[float]] = defaultdict(list)
    effects: defaultdict[str, list[float]] = defaultdict(list)
    for place, into in ((world.service.arrivals, came), (world.service.journal, effects)):
        for line in stream(place):
            if not line["cmdlet"].startswith("Get-") and (at := moment(line["time"])) >= since:
                into[guids[line["tenant"]]].append(at)
    return [
        pace(each, sorted(came[each.domain]), sorted(effects[each.domain]), speed=speed)
        for each in world.served
    ]


@dataclass(slots=True)
class Proof:
    """All of it. figures: of tests.chaos.compare. late: sendings of items after the end that their line
    tells; again: sendings of New-InboxRule after it had taken effect; redone: safe rows with two effects.
    above: tenants that got more than their allowance, which a busy machine can make so."""

    figures: Figures
    paces: list[Pace] = field(default_factory=list)
    late: int = 0
    again: int = 0
    redone: int = 0
    wrong: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)


def prove(rows: Sequence[Row], folder: Path, world: Many, *, speed: float = 1.0, since: float = 0.0) -> Proof:
    """Compare all records of a run that is complete. since: when its last process began, which has to learn
    the allowances anew."""
    ledger = read(rows, folder, world.service)
    figures = compare(ledger)
    proof = Proof(figures, paces(world, speed=speed, since=since))
    proof.wrong = [words for words in figures.wrong if not _again(words)] + _last(ledger)
    proof.redone = sum(map(_again, figures.wrong))
    by_row = {row.number: row for row in rows}
    _check_tenants(by_row, folder, world, proof)
    _check_sendings(by_row, folder, world, proof)
    for each in proof.paces:
        if each.above:
            allowed = f"{each.tenant.allowance}/s and {each.tenant.burst:g} at once"
            more = f"{each.peak:.0f} of {each.arrivals} more than {allowed} in some window"
            proof.above.append(f"{each.tenant.domain} got {more}")
    return proof


def _again(words: str) -> bool:
    """Whether it is of a cmdlet that is safe to send twice, and was: where two rows change one mailbox, and a
    worker dies before it has told how either ended, both go again, in their order."""
    return "(Set-" in words and " took effect " in words and words.endswith(" times")


def _last(ledger: Ledger) -> list[str]:
    """Objects of which another row than the last has the last word."""
    last: dict[str, tuple[int, int]] = {}
    for row in ledger.rows:
        for place in ledger.effects.get(row.number, []):
            last[row.lane] = max(last.get(row.lane, (-1, 0)), (place, row.number))
    ends = {row.lane: row.number for row in ledger.rows if ledger.effects.get(row.number)}
    return [f"{lane} is as row {last[lane][1]} made it" for lane in ends if last[lane][1] != ends[lane]]


def _check_tenants(rows: Mapping[int, Row], folder: Path, world: Many, proof: Proof) -> None:
    """What happened in a tenant is of a row of that tenant."""
    for line in stream(folder / "results.ndjson"):
        row = rows.get(line["row"])
        if row is not None and line.get("tenant", row.cells["Tenant"]) != row.cells["Tenant"]:
            proof.wrong.append(f"row {row.number} of {row.cells['Tenant']} ended in {line['tenant']}")
    guids = world.guids
    for path in (world.service.arrivals, world.service.journal):
        for line in stream(path):
            number = item_of(line["client_request_id"]) >> 8
            if number in rows and rows[number].cells["Tenant"] != guids[line["tenant"]]:
                proof.wrong.append(f"row {number} came to the tenant {guids[line['tenant']]}")


def _check_sendings(rows: Mapping[int, Row], folder: Path, world: Many, proof: Proof) -> None:
    """Nothing is sent once its end is known, nor what has taken effect, where that would be a second one."""
    ends = {
        line["row"]: moment(line["started"]) + line["duration_ms"] / 1000
        for line in stream(folder / "results.ndjson")
        if line["started"]
    }
    effect: dict[int, float] = {}
    ran: Counter[int] = Counter()
    for line in stream(world.service.journal):
        number = item_of(line["client_request_id"]) >> 8
        ran[number] += 1
        effect.setdefault(number, moment(line["time"]))
    for number, times in ran.items():
        if times > 1 and rows[number].cmdlet == REPEATED:
            proof.wrong.append(f"row {number} ({rows[number].cmdlet}) was carried out {times} times")
    for line in stream(world.service.arrivals):
        if line["cmdlet"].startswith("Get-"):
            continue
        number, at = item_of(line["client_request_id"]) >> 8, moment(line["time"])
        if at > ends.get(number, at) + 0.002:  # a line tells milliseconds
            proof.late += 1
            proof.wrong.append(f"row {number} was sent {at - ends[number]:.3f} s after it had ended")
        if line["cmdlet"] == REPEATED and at > effect.get(number, at):
            proof.again += 1
            proof.wrong.append(f"row {number} was sent again after it had taken effect")


def essence(folder: Path) -> dict[tuple[int, int], dict[str, Any]]:
    """The results of a run without what differs between two runs of one job."""
    found = {}
    for line in stream(folder / "results.ndjson"):
        for each in line["value"] or ():
            for name in OF_RULES:
                each.pop(name, None)
        found[line["row"], line["step"]] = {name: line[name] for name in line if name not in OWN}
    return found


def differences(one: Path, other: Path) -> list[str]:
    """In what two runs of one job differ, but for order and times."""
    mine, theirs = essence(one), essence(other)
    found = [f"row {row}.{step} is in one alone" for row, step in sorted(mine.keys() ^ theirs.keys())]
    for key in sorted(mine.keys() & theirs.keys()):
        if mine[key] != theirs[key]:
            names = [name for name in mine[key] if mine[key][name] != theirs[key].get(name)]
            found.append(f"row {key[0]}.{key[1]} differs in {', '.join(names)}")
    return found
