"""The three records side by side: the rows of the job, results.ndjson, what happened in the sandbox."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .processes import Tenant, lines
from .rows import Row, effect

GOOD = ("succeeded", "unchanged")


@dataclass(frozen=True, slots=True)
class Since:
    """How many lines the sandbox's files had before the run began."""

    effects: int = 0
    arrivals: int = 0


BEGINNING = Since()


@dataclass(slots=True)
class Figures:
    """What the comparison found. wrong: sentences, empty if all is well. doubles: unsafe effects that
    happened twice. late: sendings of rows whose line had been whole on disk. resent_safe: sendings of
    safe rows beyond the first in which a process has died. failed_safe: failed rows of safe cmdlets whose
    effect is there, which their line says is possible."""

    rows: int = 0
    effects: int = 0
    doubles: int = 0
    sendings: int = 0
    late: int = 0
    failed_safe: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """The records of one run and its tenant, read once. final: row → its line. twice: rows with two lines.
    effects: row → places in the sandbox's journal. strange: effects of no row. arrivals: items (see item_of)
    as they were sent."""

    rows: Sequence[Row]
    final: dict[int, dict[str, Any]]
    twice: list[int]
    effects: dict[int, list[int]]
    strange: list[tuple[str, ...]]
    arrivals: list[int]


def read(rows: Sequence[Row], folder: Path, tenant: Tenant, since: Since = BEGINNING) -> Ledger:
    """Read all three."""
    final: dict[int, dict[str, Any]] = {}
    twice: list[int] = []
    for line in lines(folder / "results.ndjson"):
        if line["row"] in final:
            twice.append(line["row"])
        final[line["row"]] = line
    by_effect = {row.effect: row.number for row in rows}
    assert len(by_effect) == len(rows), "two rows of the job have one effect"
    effects: defaultdict[int, list[int]] = defaultdict(list)
    strange: list[tuple[str, ...]] = []
    for place, line in enumerate(lines(tenant.journal)[since.effects :]):
        if not line["changed"]:
            continue
        name = effect(line["cmdlet"], line["parameters"])
        number = by_effect.get(name)
        if number is None or number != item_of(line["client_request_id"]) >> 8:
            strange.append(name)
        else:
            effects[number].append(place)
    return Ledger(rows, final, twice, effects, strange, arrived(tenant, since))


def arrived(tenant: Tenant, since: Since = BEGINNING) -> list[int]:
    """The items that came to the tenant, as often and in the order as they came; no looks for effects."""
    return [
        item_of(line["client_request_id"])
        for line in lines(tenant.arrivals)[since.arrivals :]
        if not line["cmdlet"].startswith("Get-")
    ]


def item_of(request_id: str) -> int:
    """The row and, in the lowest eight bits, the step that a client-request-id was made from."""
    return int(request_id[-12:], 16)


def late(arrivals: Sequence[int], ended: Mapping[int, int]) -> list[int]:
    """The items among the arrivals that came after `ended` (item → arrivals up to then)."""
    return [item for place, item in enumerate(arrivals) if place >= ended.get(item, len(arrivals))]


def compare(ledger: Ledger) -> Figures:
    """What must hold between the three, whatever happened to the processes."""
    found = Figures(rows=len(ledger.rows), sendings=len(ledger.arrivals))
    found.effects = sum(map(len, ledger.effects.values()))
    found.statuses.update(line["status"] for line in ledger.final.values())
    wrong = found.wrong
    if ledger.twice:
        wrong.append(f"rows with more than one line: {ledger.twice[:10]}")
    if ledger.strange:
        wrong.append(f"effects of no row: {ledger.strange[:5]}")
    if extra := ledger.final.keys() - {row.number for row in ledger.rows}:
        wrong.append(f"lines of no row: {sorted(extra)[:10]}")
    for row in ledger.rows:
        line = ledger.final.get(row.number)
        if line is None:
            wrong.append(f"{_name(row)} has no line")
            continue
        if line["cmdlet"] != row.cmdlet:
            wrong.append(f"{_name(row)} has the line of a {line['cmdlet']}")
        _compare_one(row, line, ledger.effects.get(row.number, []), found)
    _compare_order(ledger, found)
    return found


def _compare_one(row: Row, line: dict[str, Any], effects: list[int], found: Figures) -> None:
    status = line["status"]
    if len(effects) > 1:
        found.doubles += not row.safe
        found.wrong.append(f"{_name(row)} took effect {len(effects)} times")
    if status in GOOD and not effects:
        found.wrong.append(f"{_name(row)} is {status} and took no effect: {line}")
    if effects and status == "failed" and row.safe:
        found.failed_safe += 1
    elif effects and status not in (*GOOD, "unknown"):
        found.wrong.append(f"{_name(row)} is {status} and took effect: {line}")


def _compare_order(ledger: Ledger, found: Figures) -> None:
    """On one object, effects follow each other as the rows do."""
    last: dict[str, tuple[int, Row]] = {}
    for row in ledger.rows:
        for place in ledger.effects.get(row.number, [])[:1]:
            before = last.get(row.lane)
            if before and before[0] > place:
                found.wrong.append(f"{_name(row)} took effect before {_name(before[1])}")
            last[row.lane] = place, row


def _name(row: Row) -> str:
    return f"row {row.number} ({row.cmdlet} {row.lane})"
