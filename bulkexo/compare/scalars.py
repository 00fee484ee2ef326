"""One value as something that can be compared: sizes in bytes, durations in seconds, moments in UTC."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bulkexo.compare.sorts import Sort

_UNITS: Final = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_SIZE = re.compile(r"([\d,]+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)(?:\s*\(([\d,]+) bytes\))?", re.IGNORECASE)
_SPAN = re.compile(r"(-?)(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_GUID = re.compile(r"[{(]?([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})[)}]?", re.IGNORECASE)
_WRAPPED = re.compile(
    r"\s*<html[^>]*>\s*(?:<head[^>]*>.*?</head>)?\s*<body[^>]*>(.*)</body>\s*</html>\s*", re.S | re.I
)
_AMERICAN = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y")
_DAY = 86400.0


def empty(value: Any) -> bool:
    """Whether a value is none: null, an empty text and an empty list are the same to Exchange."""
    return value is None or value == "" or (isinstance(value, list | tuple | Mapping) and not value)


def address(text: str) -> str:
    """An address without `smtp:`; another kind keeps its prefix."""
    kind, colon, rest = text.strip().partition(":")
    return (rest if colon and kind.lower() == "smtp" else text.strip()).casefold()


def reference(text: str) -> str:
    """A name of an object, be it a path in the directory or a distinguished name."""
    bare = text.strip()
    if bare[:3].lower() == "cn=":
        bare = bare[3:].partition(",")[0]
    elif "/" in bare and "@" not in bare:
        bare = bare.rpartition("/")[2]
    return _guid(bare) or address(bare)


def canonical(sort: Sort, value: Any) -> Hashable | None:
    """The value as a key that is the same for what is the same; None if nobody can tell what it is."""
    if isinstance(value, Mapping | list | tuple):
        return None
    made = _MAKERS.get(sort)
    return str(value) if made is None else made(value)


def numbers(before: Any, after: Any) -> tuple[Hashable, Hashable] | None:
    """Two sizes, durations or counts in one measure; None if one of them is none of these. A bare number is
    what the other one counts: bytes, or days."""
    one, other = _measure(before), _measure(after)
    if one is None or other is None:
        return None
    if one[0] == other[0] or "unlimited" in (one[0], other[0]):
        return one, other
    for bare, full in ((one, other), (other, one)):
        if bare[0] == "count" and full[0] in ("bytes", "seconds"):
            scaled = bare[1] * (_DAY if full[0] == "seconds" else 1.0)
            return (full[0], scaled), full
    return None


def _measure(value: Any) -> tuple[str, float] | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "count", float(value)
    text = str(value).strip()
    if text.lower() == "unlimited":
        return "unlimited", 0.0
    if found := _SIZE.fullmatch(text):
        if found[3]:
            return "bytes", float(found[3].replace(",", ""))
        return "bytes", float(round(float(found[1].replace(",", "")) * _UNITS[found[2].upper()]))
    if _NUMBER.fullmatch(text):
        return "count", float(text)
    if found := _SPAN.fullmatch(text):
        seconds = int(found[2] or 0) * _DAY + int(found[3]) * 3600 + int(found[4]) * 60 + int(found[5] or 0)
        seconds += float(f"0.{found[6] or 0}")
        return "seconds", -seconds if found[1] else seconds
    return None


def _bool(value: Any) -> Hashable | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "$true": True, "false": False, "$false": False}.get(str(value).strip().lower())


def _guid(text: str) -> str:
    found = _GUID.fullmatch(text.strip())
    return found[1].replace("-", "").lower() if found else ""


def _moment(value: Any) -> Hashable | None:
    text = str(value).strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        found = [read for read in (_read(text, form) for form in _AMERICAN) if read]
        if not found:
            return None
        moment = found[0]
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def _read(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _html(value: Any) -> Hashable:
    found = _WRAPPED.fullmatch(str(value))
    return " ".join((found[1] if found else str(value)).split())


def _kind(value: Any) -> Hashable:
    text = str(value).strip().casefold().removesuffix("mailbox")
    return "user" if text == "regular" else text


_MAKERS: Final[Mapping[Sort, Callable[[Any], Hashable | None]]] = {
    Sort.BOOL: _bool,
    Sort.NAME: lambda value: reference(str(value)),
    Sort.DATE: _moment,
    Sort.GUID: lambda value: _guid(str(value)) or str(value).casefold(),
    Sort.ADDRESS: lambda value: address(str(value)),
    Sort.RECIPIENT: lambda value: reference(str(value)),
    Sort.HTML: _html,
    Sort.KIND: _kind,
}
