"""What was learned of each tenant, kept between runs in a small file that is harmless to delete."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from bulkexo.pace.sights import Learned
from bulkexo.whole import rewrite

VERSION = 1
STALE = 30 * 86400.0
"""Seconds after which what was learned counts for nothing: allowances change, and learning takes seconds."""
_MOST = 200  # tenants kept: the newest


def recall(path: Path, key: str, now: float) -> Learned | None:
    """What is remembered of `key` at `now` (seconds since the epoch): None if nothing, or nothing readable.

    key: the tenant and the app, for each app has an allowance of its own.
    """
    entry = _read(path).get(key)
    if entry is None or not 0 <= now - entry["at"] <= STALE:
        return None
    return Learned(entry["rate"], entry["concurrency"])


def remember(path: Path, key: str, learned: Learned, now: float) -> None:
    """Keep `learned` for the next run. Raises OSError; a run loses nothing by it."""
    entries = _read(path)
    entries[key] = {"rate": learned.rate, "concurrency": learned.concurrency, "at": now}
    rewrite(path, encode(entries))


def encode(entries: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The file's bytes: `{"version": 1, "tenants": {key: {"rate", "concurrency", "at"}}}`, newest first."""
    newest = sorted(entries, key=lambda key: -entries[key]["at"])[:_MOST]
    document = {"version": VERSION, "tenants": {key: dict(entries[key]) for key in newest}}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def decode(data: bytes) -> dict[str, dict[str, Any]]:
    """The entries that make sense; none of a file of another version, or of what is no such file."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(document, dict) or document.get("version") != VERSION:
        return {}
    tenants = document.get("tenants")
    return (
        {key: value for key, value in tenants.items() if _sound(value)} if isinstance(tenants, dict) else {}
    )


def _sound(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    rate, places, at = entry.get("rate"), entry.get("concurrency"), entry.get("at")
    return (
        _positive(rate) and _positive(at) and (places is None or (_positive(places) and type(places) is int))
    )


def _positive(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value > 0  # type: ignore[arg-type, operator]


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return decode(path.read_bytes())
    except OSError:
        return {}
