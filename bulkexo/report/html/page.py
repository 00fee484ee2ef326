"""Puts a report together and writes it: from the run's folder to one HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from bulkexo import __version__
from bulkexo.facts.causes import OTHER, RULES
from bulkexo.facts.ruling import Mends
from bulkexo.journal import RunFolder
from bulkexo.journal.past import Lines
from bulkexo.journal.progress import entries
from bulkexo.model import Status, UsageError
from bulkexo.report.html import charts
from bulkexo.report.html.curve import Curve, Point
from bulkexo.report.html.gather import Gathered, Group
from bulkexo.report.html.plain import shown
from bulkexo.report.html.rows import ALIKE, COLUMNS, PLAIN, Rows
from bulkexo.report.html.told import Told, local, utc
from bulkexo.report.html.words import Words, number, share
from bulkexo.report.undo import foresee
from bulkexo.report.words import command, duration, many, readable
from bulkexo.whole import whole_text

CAUSES = [*(rule.cause for rule in RULES), OTHER]
STATUSES = (Status.SUCCEEDED, Status.UNCHANGED, Status.FAILED, Status.UNKNOWN, Status.SKIPPED)
SECTIONS = 20
"""Tenants with a section of their own: those with failures first."""
MENDS = {
    Mends.PERSON: "needs a person",
    Mends.RETRY: "run it again",
    Mends.NOTHING: "nothing to do",
}


@dataclass(frozen=True, slots=True)
class Made:
    """A report. path: of the file. items: in its table; total: that belong there. size: bytes."""

    path: Path
    items: int
    total: int
    size: int


def write_report(folder: RunFolder, out: Path, *, everything: bool = False, live: bool = False) -> Made:
    """Make the report of a run. out: the file, which is there as a whole or not at all. everything: all items
    in its table. live: the run is under way, in this process or another. Raises UsageError if the folder
    holds no run, or a file cannot be read or written."""
    told = Told(folder.read())
    if out.is_dir():
        raise UsageError(f"{out} is a folder. Name a file in it by --out, or take it away.")
    if not out.parent.is_dir():
        raise UsageError(f"{out} cannot be written: {out.parent} is no folder. Make it, or name another.")
    rows = Rows()
    try:
        found = _gathered(folder, told, rows, everything=everything)
        size = _write(out, _view(folder, told, found, live=live))
    except OSError as error:
        raise UsageError(
            f"{error.filename or out} cannot be read or written ({error.strerror}). Check who may, and "
            "whether there "
            "is room."
        ) from None
    finally:
        rows.close()
    return Made(out, rows.kept, rows.total, size)


def _gathered(folder: RunFolder, told: Told, rows: Rows, *, everything: bool) -> Gathered:
    found = Gathered(rows, Curve(), told.bounds, everything=everything)
    for line, _ in Lines(folder.results):
        found.add(line)
    found.curve.progress(entries(folder.progress))
    return found


def _write(out: Path, view: Mapping[str, Any]) -> int:
    with whole_text(out, errors="replace") as file:
        for piece in _template().generate(view):
            file.write(piece)
        return file.tell()


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters.update(
        number=number,
        share=share,
        local=local,
        utc=utc,
        briefly=lambda milliseconds: charts.briefly(milliseconds / 1000),
        duration=duration,
        trouble=_trouble,
        troubles=_troubles,
    )
    return environment.from_string(_file("page.html"))


def _file(name: str) -> str:
    return files("bulkexo.report.html").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing may be loaded, and nothing runs or paints but what stands here."""

    def allowed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {allowed(style)}; script-src {allowed(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _view(folder: RunFolder, told: Told, found: Gathered, *, live: bool) -> dict[str, Any]:
    """All that page.html names."""
    style, script = _file("page.css"), _file("tenants.js") + _file("page.js")
    words = Words(told, found, folder.path, live=live)
    whole, rows = found.whole, found.rows
    signers = told.signers
    return {
        "policy": _policy(style, script),
        "style": Markup(style),  # noqa: S704 (our own file)
        "script": Markup(script),  # noqa: S704 (our own file)
        "told": told,
        "headline": words.headline,
        "lead": words.lead,
        "tiles": words.tiles,
        "todo": words.todo,
        "signers": signers,
        "signers_left": told.signers_left,
        "by_column": any(step.cmdlet == "the row's own cmdlet" for step in told.steps),
        "took": words.took,
        "folder": readable(str(folder.path)),
        "whole": whole,
        "trouble": _trouble(whole),
        "trouble_words": _troubles(whole),
        "unknown_left": whole.statuses[Status.UNKNOWN] - len(whole.unknown),
        "mends": MENDS,
        "statuses": [status.value for status in STATUSES if whole.statuses[status]],
        "by_cmdlet": sorted(whole.cmdlets.items(), key=lambda each: -each[1].total()),
        "returned": words.returned,
        "export": f"{command('export', folder.path)} --to {_stem(told)}.xlsx",
        "waves": words.waves,
        "rows": rows,
        "columns": COLUMNS,
        "shown_columns": _columns(rows),
        "items_title": words.items_title,
        "left_out": words.left_out,
        "unseen": f"Where scripts are off, only {PLAIN} of them can be seen." if rows.total > PLAIN else "",
        "facts": {
            "names": COLUMNS,
            "remedies": {cause.words: cause.remedy for cause in CAUSES},
            "mends": {cause.words: cause.mends.value for cause in CAUSES},
        },
        "packed": rows.packed,
        "version": __version__,
        "made": datetime.now(UTC),
        **_tenants(found),
        **_time(words),
        **_durations(whole),
        "undo": _undo(folder, told),
    }


def _stem(told: Told) -> str:
    return Path(told.name).stem or "run"


def _columns(rows: Rows) -> list[int]:
    """Those of the table; a step, a tenant or a cmdlet only where there are several."""
    return [place for place in range(len(COLUMNS)) if place not in ALIKE or place in rows.several]


def _tenants(found: Gathered) -> dict[str, Any]:
    """Those with the most failures first; where they are few, all have a section."""
    groups = sorted(found.tenants.items(), key=lambda each: (-_trouble(each[1]), each[0]))
    tenants = [(shown(name, 120), group) for name, group in groups]
    troubled = [each for each in tenants if each[1].causes]
    return {
        "tenants": tenants,
        "tenants_words": _of_tenants(len(tenants), len(troubled)),
        "sections": tenants if len(tenants) <= SECTIONS else troubled[:SECTIONS],
        "troubled_left": max(0, len(troubled) - SECTIONS),
    }


def _of_tenants(total: int, troubled: int) -> str:
    if not troubled:
        return f"{many(total, 'tenant', 'tenants')}, and nothing failed in any."
    return f"Of {many(total, 'tenant', 'tenants')}, {number(troubled)} had failures."


def _trouble(group: Group) -> int:
    return group.statuses[Status.FAILED] + group.statuses[Status.UNKNOWN]


def _troubles(group: Group) -> str:
    """How many failed, and of what they need, as a sentence."""
    failed, unknown = group.statuses[Status.FAILED], group.statuses[Status.UNKNOWN]
    parts = [f"{number(failed)} failed"] if failed else []
    parts += [f"{number(unknown)} of unknown fate"] if unknown else []
    return f"Of {many(group.ended, 'item', 'items')} that ended, {' and '.join(parts) or 'none failed'}."


def _time(words: Words) -> dict[str, Any]:
    points: Sequence[Point] = words.points
    spoken = words.speed
    known = [point for point in points if point.rate is not None]
    if len(known) < 3:
        return {"speed": "", "speed_words": "", "throttle": "", "allowance": False, "pauses": False}
    allowance = any(point.allowed is not None for point in points)
    refused = any(point.throttled for point in points)
    return {
        "speed": charts.speed(points, "Items per second over the time of the run", spoken),
        "speed_words": spoken,
        "throttle": refused
        and charts.throttled(points, "Throttled share over the time of the run", words.throttled),
        "allowance": allowance,
        "pauses": len(known) < len(points),
    }


def _durations(whole: Group) -> dict[str, Any]:
    times = whole.durations
    if not times.count:
        return {"durations": "", "half": "", "ninety": "", "ninety_nine": "", "longest": ""}
    found = charts.classes(times)
    spoken = ", ".join(f"{words}: {number(count)}" for words, count in found if count)
    half, ninety, ninety_nine = (charts.briefly(times.below(each) / 1000) for each in (0.5, 0.9, 0.99))
    return {
        "durations": charts.durations(found, "Items by the time they took", spoken),
        "half": half,
        "ninety": ninety,
        "ninety_nine": ninety_nine,
        "longest": charts.briefly(times.longest / 1000),
    }


def _undo(folder: RunFolder, told: Told) -> dict[str, Any] | None:
    """What undoing the run would come to; None where nothing was kept for it."""
    if not told.keeps_before or not folder.before.exists():
        return None
    try:
        summary = foresee(folder)
    except UsageError as error:  # the rest of the report does not hang on it
        return {"words": str(error), "lines": [], "left": [], "command": ""}
    lines = many(summary.lines.total(), "line", "lines")
    can = f"{many(summary.items, 'item', 'items')} can be undone, by {lines} of a job."
    left: Counter[str] = summary.left
    return {
        "words": can if summary.items else "There is nothing that can be undone.",
        "lines": summary.lines.most_common(20),
        "left": [(shown(why, 300), count) for why, count in left.most_common(8)],
        "command": command("undo", folder.path),
    }
