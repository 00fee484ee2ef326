"""An outcome as a line of results.ndjson, and a failed row as a line of failed.csv."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from bulkexo.journal.key import key
from bulkexo.model import Failure, Item, Outcome, Status, Value
from bulkexo.redact import blot, secret_texts

SECRET = "<secret>"  # noqa: S105 (the mark that stands where a secret was; the loader refuses it)


def line(outcome: Outcome, pages: Mapping[str, Any] | None = None) -> bytes:
    """One line of results.ndjson, with its line break. pages: where the objects stand, if not here."""
    item, error = outcome.item, outcome.error
    document: dict[str, Any] = {
        "row": item.row,
        "step": item.step,
        "cmdlet": item.cmdlet,
        "identity": item.identity,
        "status": str(outcome.status),
        "attempts": outcome.attempts,
        "http_status": outcome.http_status,
        "started": None if outcome.started is None else timestamp(outcome.started),
        "duration_ms": round(outcome.duration * 1000),
        "request_id": outcome.request_id,
        "value": outcome.value,
        "warnings": outcome.warnings,
        "error": error
        and {"code": error.code, "type": error.type, "message": error.message, "target": error.target},
        "key": key(item),
    }
    if item.tenant:
        document["tenant"] = item.tenant
    if item.tag is not None:
        document["tag"] = item.tag
    if pages:
        document["pages"] = pages
    return packed(document)


def outcome(document: Mapping[str, Any], item: Item) -> Outcome:
    """A line of results.ndjson as the outcome of its item. Raises KeyError, TypeError or ValueError for one
    that is none."""
    error, started = document["error"], document["started"]
    return Outcome(
        item=item,
        status=Status(document["status"]),
        attempts=document["attempts"],
        http_status=document["http_status"],
        started=None if started is None else datetime.fromisoformat(started).timestamp(),
        duration=document["duration_ms"] / 1000,
        request_id=document["request_id"],
        value=document["value"],
        warnings=document["warnings"],
        error=error and Failure(error["code"], error["type"], error["message"], error["target"]),
        paged="pages" in document,
    )


def packed(value: Any) -> bytes:
    """A value as a line of JSON."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a text that is no Unicode: the record is kept all the same
        return orjson.dumps(_sound(value), option=orjson.OPT_APPEND_NEWLINE)


def trimmed(text: bytes) -> bytes:
    """The same, to be kept for a while: behind the text of what it returns, orjson leaves 4 to 8 KB empty."""
    return bytes(memoryview(text))


def sound(text: str) -> str:
    """The text with `�` for each lone surrogate, which no encoding can write."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _sound(value: Any) -> Any:
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, dict):
        return {sound(name): _sound(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_sound(member) for member in value]
    return value


def former(
    item: Item,
    twin: str,
    before: Any,
    *,
    whole: bool = True,
    hide: Callable[[Any], Any] = lambda value: value,
) -> bytes:
    """One line of before.ndjson: an item that is about to be sent, and what there was before.

    parameters: of the item, but for those in `secrets`, which are named alone. twin: the cmdlet that was
    asked, "" if none had to be. before: properties, or a list of entries; None if nothing was asked, or there
    was no such object. whole: whether that is all of the list. hide: leaves out the secrets of other items;
    `hidden` tells that it did, or that one of the item's own was left out.
    """
    shown = hide(blot(before, secret_texts(item)) if item.secrets else before)
    document: dict[str, Any] = {
        "row": item.row,
        "step": item.step,
        "cmdlet": item.cmdlet,
        "identity": item.identity,
        "key": key(item),
        "twin": twin,
        "parameters": {name: value for name, value in item.parameters.items() if name not in item.secrets},
        "before": shown,
    }
    if item.tenant:
        document["tenant"] = item.tenant
    if item.api:
        document["api"] = item.api
    if hidden := sorted(item.secrets.intersection(item.parameters)):
        document["secrets"] = hidden
    if not whole:
        document["whole"] = False
    if shown != before:
        document["hidden"] = True
    return trimmed(packed(document))  # it waits for others


def announcement(items: Sequence[Item], now: float, *, withdrawn: bool = False) -> bytes:
    """One line of announced.ndjson: these items are about to be sent; or, `withdrawn`, that was announced,
    and they did not run. now: seconds since the epoch."""
    name = "withdrawn" if withdrawn else "items"
    document = {"at": timestamp(now), name: [(item.row, item.step, key(item)) for item in items]}
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


@lru_cache(256)
def timestamp(seconds: float) -> str:
    """Seconds since the epoch → `2026-11-24T09:30:00.123Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: object) -> float | None:
    """The other way round; None of what is no time. Without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(str(text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def failed_cells(
    item: Item, message: str, columns: Sequence[str], secret_columns: Collection[str]
) -> list[str]:
    """The row as it came, cell by cell, and the error; secrets are marked, for they may stand nowhere."""
    cells = [
        SECRET if name in secret_columns and item.cells.get(name) else cell_text(item.cells.get(name, ""))
        for name in columns
    ]
    return [*cells, message]


def cell_text(value: Value) -> str:
    """A value as the cell of a CSV that is read back as the same value."""
    if isinstance(value, str):
        return value
    if value is None:
        return "$null"
    return orjson.dumps(value).decode()
