"""What a value of a reply is, beyond its JSON: dates, sizes and durations that came as text. Pure.

Forms: Microsoft's admin API writes dates as OData does (ISO 8601, with or without `Z`), older serialisers
as `/Date(…)/`; sizes as .NET's ByteQuantifiedSize (`99 GB (106,300,440,576 bytes)`); durations as TimeSpan
(`14.00:00:00`) or Edm.Duration (`P14DT1H`); "Unlimited" stands for a size or a duration without an end.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import orjson

WHOLE_LIMIT: Final = 1 << 63
SEPARATOR: Final = "; "
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?P<time>[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?P<offset>Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_EPOCH_DATE = re.compile(r"/Date\((-?\d{1,17})(?P<offset>[+-]\d{4})?\)/", re.ASCII)
_SIZE = re.compile(r"-?[0-9.,]+\s?[KMGTPE]?B\s\(([0-9][0-9.,'’\s]*) bytes?\)", re.IGNORECASE)
_SPAN = re.compile(r"(-)?(?:(\d{1,8})\.)?(\d\d):(\d\d):(\d\d)(\.\d{1,7})?", re.ASCII)
_ISO_SPAN = re.compile(
    r"(-)?P(?=\d|T\d)(?:(\d{1,8})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(\.\d{1,9})?S)?)?", re.ASCII
)
_QUOTED = re.compile(r'[;"\r\n]|^\s|\s$|^$')
_DIGITS: Final = frozenset("0123456789")
_EPOCH: Final = datetime(1970, 1, 1)


class Seen:
    """Bits for what a column has held; plain numbers, since they are asked for every cell.

    LOCAL: a date and time without a zone. VOID: an empty list. LISTED: a list of plain values. TREE: a list
    of objects, or an object too deep to be columns.
    """

    EMPTY: Final = 1
    BOOLEAN: Final = 2
    WHOLE: Final = 4
    FRACTION: Final = 8
    TEXT: Final = 16
    SIZE: Final = 32
    UNLIMITED: Final = 64
    SPAN: Final = 128
    UTC: Final = 256
    LOCAL: Final = 512
    DAY: Final = 1024
    VOID: Final = 2048
    LISTED: Final = 4096
    TREE: Final = 8192


def of(value: Any) -> int:
    """The bit for what a value is; None, "" and [] are nothing."""
    if isinstance(value, str):
        return of_text(value)
    if value is None:
        return Seen.EMPTY
    if isinstance(value, bool):
        return Seen.BOOLEAN
    if isinstance(value, int):
        return Seen.WHOLE if -WHOLE_LIMIT <= value < WHOLE_LIMIT else Seen.TEXT
    if isinstance(value, float):
        return Seen.FRACTION
    if isinstance(value, list):
        if any(isinstance(each, dict | list) for each in value):
            return Seen.TREE
        return Seen.LISTED if value else Seen.VOID
    return Seen.TREE


def of_text(text: str) -> int:
    """What a text is: what has the form of a date that does not exist is a text."""
    if not text:
        return Seen.EMPTY
    first = text[0]
    if first in _DIGITS or first in "-/P":
        if text[-1] == ")":
            return Seen.TEXT if size(text) is None else Seen.SIZE
        if span(text) is not None:
            return Seen.SPAN
        return _of_date(text)
    return Seen.UNLIMITED if first in "Uu" and text.lower() == "unlimited" else Seen.TEXT


def _of_date(text: str) -> int:
    if moment(text) is None:
        return Seen.TEXT
    found = _DATE.fullmatch(text)
    if found is None:
        return Seen.UTC
    if found["time"] is None:
        return Seen.DAY
    return Seen.LOCAL if found["offset"] is None else Seen.UTC


def moment(text: str) -> datetime | None:
    """A date and time without a zone: in UTC where the text names one, else as it is written; None if the
    text is none. A date alone is its midnight."""
    try:
        if _DATE.fullmatch(text):
            found = datetime.fromisoformat(text)
            return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
        if ticks := _EPOCH_DATE.fullmatch(text):
            return _EPOCH + timedelta(milliseconds=int(ticks[1]))  # an offset there is for display only
    except (ValueError, OverflowError):
        pass
    return None


def day(text: str) -> date | None:
    """A date alone."""
    found = moment(text)
    return found and found.date()


def size(text: str) -> int | None:
    """The bytes that a size names; None for "Unlimited" and for what is no size."""
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    count = int("".join(each for each in found[1] if each in _DIGITS))
    return count if count < WHOLE_LIMIT else None


def span(text: str) -> int | float | None:
    """The seconds of a duration, whole where they are; None for "Unlimited" and for what is no duration."""
    if (found := _SPAN.fullmatch(text)) is not None:
        sign, days, *clock, part = found.groups()
        hours, minutes, seconds = map(int, clock)
        if hours > 23 or minutes > 59 or seconds > 59:
            return None
    elif (found := _ISO_SPAN.fullmatch(text)) is not None:
        sign, days, *clock, part = found.groups()
        hours, minutes, seconds = (int(each or 0) for each in clock)
    else:
        return None
    whole = int(days or 0) * 86400 + hours * 3600 + minutes * 60 + seconds
    total = whole + float(part) if part and float(part) else whole
    return -total if sign else total


def as_text(value: Any) -> str:
    """A value in a column of texts: as it came; booleans as PowerShell writes them, a list joined."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, list):
        return joined(value)
    if isinstance(value, dict):
        return as_json(value)
    return repr(value)


def joined(values: list[Any]) -> str:
    """A list of plain values in one text: `a; b`. An entry that would not be told apart is in quotes, those
    in it doubled; null is left out. A list that holds objects or lists is JSON."""
    if any(isinstance(each, dict | list) for each in values):
        return as_json(values)
    return SEPARATOR.join(map(_entry, texts(values)))


def texts(values: list[Any]) -> list[str]:
    """The entries of a list of plain values."""
    return [as_text(each) for each in values if each is not None]


def _entry(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def as_json(value: Any) -> str:
    """Compact JSON."""
    return orjson.dumps(value).decode()
