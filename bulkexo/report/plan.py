"""A plan in words and as a table for people, and as one object for a script."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bulkexo.compare import Change
from bulkexo.plan.book import ON_PREMISES, PLAN, Counts
from bulkexo.report.words import duration, line_of, readable

ROWS = 20
"""Items shown; all are in plan.ndjson."""
NARROW = 60
VALUE = 60
"""Characters of a value that are shown."""
WORDS = {
    Change.CHANGE: "to change",
    Change.CREATE: "to create",
    Change.REMOVE: "to remove",
    Change.UNKNOWN: "that cannot be told",
    Change.NONE: "without a change",
    Change.ON_PREMISES: "mastered on-premises",
    Change.MISSING: "without an object",
}


class Shown:
    """The first items of a plan that are not without a change."""

    def __init__(self) -> None:
        self._lines: list[Mapping[str, Any]] = []
        self._left = 0

    def add(self, line: Mapping[str, Any]) -> None:
        """The next line of the plan."""
        if line["change"] == Change.NONE:
            return
        if len(self._lines) < ROWS:
            self._lines.append(line)
        else:
            self._left += 1

    def table(self, width: int | None = None) -> str:
        """The table, as wide as the terminal; nothing if nothing is to be shown."""
        if not self._lines:
            return ""
        wide = width or shutil.get_terminal_size((100, 20)).columns
        text = io.StringIO()
        console = Console(file=text, width=max(wide, 20), no_color=True, highlight=False)
        table = Table(box=None, pad_edge=False, show_edge=False, header_style="", expand=False)
        table.add_column("Row", justify="right", no_wrap=True)
        if wide >= NARROW:
            table.add_column("Cmdlet", overflow="fold", max_width=30)
        table.add_column("Identity", overflow="fold")
        table.add_column("Change", overflow="fold")
        for line in self._lines:
            cells = [str(line["row"]), line["cmdlet"], line["identity"], _change(line)]
            shown = cells if wide >= NARROW else [cells[0], *cells[2:]]
            table.add_row(*map(escape, shown))
        console.print(table)
        if self._left:
            console.print(f"… and {self._left:,} more.")
        return readable(text.getvalue())


def as_object(
    counts: Counts, asked: int, seconds: float, expected: float | None, folder: Path
) -> dict[str, Any]:
    """What `--json` prints. seconds: that the plan took; expected_seconds: that its run would take, None if
    the pace is not known."""
    return {
        "plan": readable(str(folder / PLAN)),
        "items": counts.changes.total(),
        **{change.value: counts.changes[change] for change in Change},
        "only_in_job": counts.only_in_job,
        "asked": asked,
        "seconds": round(seconds, 3),
        "expected_seconds": None if expected is None else round(expected, 1),
        "parameters": [
            {"cmdlet": cmdlet, "parameter": name, "count": count}
            for (cmdlet, name), count in counts.parameters.most_common()
        ],
    }


def as_text(summary: Mapping[str, Any], job: Path) -> str:
    """Some lines: how many items would do what, how long that takes, where the files are, what to do now."""
    items = summary["items"]
    figures = [f"{summary[change]:,} {words}" for change, words in WORDS.items() if summary[change]]
    lines = [
        f"{items:,} items: {', '.join(figures) or 'nothing to do'}.",
        f"The tenant was asked {summary['asked']:,} questions in {duration(summary['seconds'])}, none of "
        "which changes anything.",
    ]
    for each in summary["parameters"][:10]:
        lines.append(f"{each['count']:>9,}  {each['cmdlet']} -{each['parameter']}")
    plan = Path(summary["plan"])
    sent = sum(summary[change] for change in Change if change.sent)
    lines += ["", f"Plan:            {plan}"]
    if summary[Change.ON_PREMISES]:
        lines.append(f"On-premises:     {plan.parent / ON_PREMISES}")
    if sent and summary["expected_seconds"] is not None:
        lines.append(f"To expect:       {sent:,} items, about {duration(summary['expected_seconds'])}")
    if summary["only_in_job"]:
        many = (
            f"{summary['only_in_job']:,} items hold what a plan cannot (passwords, values of earlier steps)"
        )
        lines.append(f"{many}: run {job} itself, with --skip-unchanged to leave alone what is there.")
    elif sent:
        lines.append(f"Run it:          {line_of(['bulkexo', 'run', '--plan', str(plan)])}")
    return "\n".join(lines)


def _change(line: Mapping[str, Any]) -> str:
    """`Office: "Room 1" → "Room 2"`, a line for each parameter; else in a word."""
    if line["change"] in (Change.CHANGE, Change.UNKNOWN, Change.ON_PREMISES) and line["after"]:
        told = [
            f"{name}: {_value(line['before'].get(name))} → {_value(value)}"
            for name, value in line["after"].items()
        ]
        why = [] if line["change"] == Change.CHANGE else [str(line.get("why", ""))]
        return "\n".join([*told, *why])
    return f"{line['change']}: {line['why']}" if line.get("why") else str(line["change"])


def _value(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= VALUE else text[: VALUE - 1] + "…"
