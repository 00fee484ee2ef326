"""Whether an item is still to be sent, by what a plan says of it and by what there is now. Pure. Floor 3."""

from __future__ import annotations

from typing import Any

import orjson

from bulkexo.compare import Assessed, Change, assess, moved
from bulkexo.facts import Shape, Twin
from bulkexo.model import Failure, Item, Status
from bulkexo.schedule.before import Ending, Found

CHANGED_SINCE = "bulkexo:changed-since"
SAME = Ending(Status.UNCHANGED, warnings=("The object has these values already, so it was not sent.",))


def settled(item: Item) -> Ending | None:
    """How an item of a plan ends for which nothing has to be read."""
    if item.planned is None:
        return None
    if item.planned.change == Change.NONE:
        return Ending(
            Status.UNCHANGED, warnings=("The plan had nothing to change here, so it was not sent.",)
        )
    if item.planned.change == Change.MISSING:
        return _left_out("bulkexo:missing", "The plan found no such object, so it was not sent.")
    if item.planned.change == Change.ON_PREMISES:
        return _left_out(
            "bulkexo:on-premises", "The object is mastered on-premises, so it was not sent: change it there."
        )
    return None


def as_planned(item: Item, shows: Twin, found: Found) -> Ending | None:
    """An item of a plan goes only if what it compares is what it was when the plan was made. One whose object
    has all that by now is no failure: after a crash it can be our own sending that shows."""
    if item.planned is None:
        return None
    now = _now(item, shows, found)
    if now.change is Change.MISSING:
        return _changed("The object is no longer there.")
    before, current = item.planned.before, now.before
    names = moved(before, now)
    if not names:
        return None
    if now.change is Change.NONE:
        return SAME
    first = names[0]
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return _changed(f"{first} was {_short(before[first])} and is {_short(current[first])} now{more}.")


def unless_same(item: Item, shows: Twin, found: Found) -> Ending | None:
    """An item whose object has everything that it would put there is not sent (`--skip-unchanged`)."""
    if not found.there or _now(item, shows, found).change is not Change.NONE:
        return None
    return SAME


def _now(item: Item, shows: Twin, found: Found) -> Assessed:
    """What it would change. Of an access list, no entry and no object are not told apart here."""
    there = found.there or shows.shape is Shape.ENTRIES
    return assess(item, found.value if there else None, whole=found.whole)


def _left_out(code: str, sentence: str) -> Ending:
    return Ending(Status.SKIPPED, Failure(code, "", sentence))


def _changed(what: str) -> Ending:
    sentence = f"Not sent, since the object has changed since the plan was made. {what} Make a new plan."
    return Ending(Status.FAILED, Failure(CHANGED_SINCE, "", sentence))


def _short(value: Any) -> str:
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= 80 else text[:77] + "…"
