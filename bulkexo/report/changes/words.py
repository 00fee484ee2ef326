"""What changed, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkexo.report.changes.comparing import Changes
from bulkexo.report.changes.differences import IDS, LOCAL_IDS
from bulkexo.report.words import many

WIDEST: Final = 160
VALUES_SHOWN: Final = 4
UNTOLD: Final = frozenset({*IDS, *LOCAL_IDS}) - {"Name"}
"""Columns that say who an object is: its identity stands there already."""
NOTHING_EARLIER: Final = "There is no earlier run of the same job to compare with yet."


def as_text(changes: Changes) -> str:
    """Counts, then the first changes, then where all of them stand."""
    lines = [f"Since {changes.earlier}: {_counts(changes)} ({many(changes.objects, 'object')} compared)."]
    if changes.strange:
        lines.append(changes.strange)
    if changes.left_out:
        items = many(changes.left_out, "item")
        lines.append(f"Not compared: what belongs to {items} that failed in one of the two runs.")
    for change in changes.first:
        lines += _lines(change)
    if changes.total:
        more = changes.total - len(changes.first)
        lines.append(f"{f'… and {more:,} more' if more else 'In full'}: {changes.file}")
    return "\n".join(lines)


def in_short(changes: Changes) -> str:
    """The counts alone, and how much they are of."""
    left_out = f", {many(changes.left_out, 'item')} not compared" if changes.left_out else ""
    unlike = ", of runs that are unlike" if changes.strange else ""
    return f"since {changes.earlier}: {_counts(changes)}{left_out}{unlike}"


def _counts(changes: Changes) -> str:
    kinds = ((changes.came, "came"), (changes.went, "went"), (changes.changed, "changed"))
    counts = ", ".join(f"{number:,} {word}" for number, word in kinds)
    if changes.total:
        return counts
    return "nothing was compared" if changes.left_out and not changes.objects else "no change"


def _lines(change: Mapping[str, Any]) -> Iterator[str]:
    who = change["identity"] or next(iter((change.get("key") or {}).values()), "")
    head = f"  {change['change']:<8} {who}  {change['cmdlet'].partition('-')[2]}"
    if change["change"] == "changed":
        columns = change["columns"]
        yield head
        for each in columns[:VALUES_SHOWN]:
            yield _short(f"           {each['column']}: {_value(each['before'])} → {_value(each['after'])}")
        if len(columns) > VALUES_SHOWN:
            yield f"           … and {len(columns) - VALUES_SHOWN:,} further columns"
    else:
        told = [each for each in change["values"].items() if each[0] not in UNTOLD]
        values = (told or list(change["values"].items()))[:VALUES_SHOWN]
        yield _short(f"{head}  {', '.join(f'{name} {_value(value)}' for name, value in values)}")


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return "; ".join(map(_value, value))
    return str(value)


def _short(text: str) -> str:
    line = text.replace("\r", " ").replace("\n", " ")
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"
