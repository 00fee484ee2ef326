"""What the text of a cell means for a parameter of a kind: contract, "Job files".

Text that nothing else is said of stays as it stands, byte for byte.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from bulkexo.facts.catalogue import Kind
from bulkexo.job.literal import DEPTH, LiteralError, parse
from bulkexo.model import Value
from bulkexo.wire.values import octets

SECRET_LIMIT = 245
"""Bytes that fit into RSA of 2048 bits with PKCS#1 v1.5."""

Converter = Callable[[str], Value]
"""Text of a cell, not empty, to the value; raises BadCell."""

_BOOLEANS: dict[str, Value] = {"true": True, "$true": True, "false": False, "$false": False, "$null": None}
_BOOLEAN = re.compile(r"\$(true|false)\b", re.IGNORECASE)
_DATE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?)(?P<offset>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


class BadCell(Exception):
    """A cell that cannot be what it seems to be. what, remedy: sentences that never quote the cell.

    shown: the cell's text, for the message if it is no secret. once: every cell of the column would say so.
    """

    def __init__(self, what: str, remedy: str, shown: str = "", *, once: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.shown = shown
        self.once = once


def converter(kind: Kind | None) -> Converter:
    """How cells become values for a parameter of this kind; None: it is not known."""
    if kind is None:
        return _any
    return _CONVERTERS.get(kind, _text)


def typed(kind: Kind | None, value: Value) -> Value:
    """A value that has its type already (YAML), checked for this kind; raises BadCell."""
    if kind in {Kind.SWITCH, Kind.BOOL} and not (value is None or isinstance(value, bool)):
        shown = str(value) if isinstance(value, int | float | str) else ""
        return _boolean(shown or "{}")
    if kind is Kind.CREDENTIAL:
        return _credential("")
    if kind is Kind.SECURE:
        if not isinstance(value, str):
            raise BadCell("A password is a text.", 'Write it between quotes: "12345".')
        return _secret(value)
    if kind is Kind.BYTES and value is not None:
        return _octets(value)
    if isinstance(value, str) and kind in {Kind.DATE, Kind.FILTER}:
        return in_utc(value) if kind is Kind.DATE else _without_booleans(value)
    return value


CHECKED: Final = frozenset(
    {Kind.SWITCH, Kind.BOOL, Kind.SECURE, Kind.CREDENTIAL, Kind.BYTES, Kind.DATE, Kind.FILTER}
)
"""Kinds whose values `typed` may change or refuse. For any other, a text that begins with nothing SPECIAL is
what it is."""


SPECIAL: Final = frozenset(" \t\r\n$@{[")
"""What a text begins with that may be more than text."""


def as_text(value: Value) -> str:
    """A value inside a text: null is nothing, anything but text is JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _boolean(text: str) -> Value:
    folded = text.strip().lower()
    if folded in _BOOLEANS:
        return _BOOLEANS[folded]
    raise BadCell("is neither true nor false.", "Write true or false.", text)


def _secret(text: str) -> Value:
    """As it stands, whatever signs it begins with."""
    if len(text.encode("utf-8", "surrogatepass")) > SECRET_LIMIT:
        raise BadCell(
            f"The secret is longer than the {SECRET_LIMIT} bytes that the service's key can encrypt.",
            "Use a shorter one.",
        )
    return text


def _credential(_text: str) -> Value:
    raise BadCell(
        "This parameter holds a credential, a name and a password in one, and how the service takes one over "
        "this interface is not known.",
        "Leave the column out, and do this in PowerShell.",
        once=True,
    )


def is_date(text: str) -> bool:
    """Whether it means the same everywhere: 2026-11-24, with or without a time and an offset."""
    return _DATE.fullmatch(text.strip()) is not None


def in_utc(text: str) -> str:
    """A date with an offset as UTC without `Z` (protocol.md, second reading); any other text as it stands."""
    found = _DATE.fullmatch(text.strip())
    if found is None or not found["offset"]:
        return text
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['time']}{found['offset']}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell("is no date that exists.", "Write it like 2026-11-24T09:30:00Z.", text) from None
    return moment.replace(tzinfo=None).isoformat()


def _date(text: str) -> Value:
    value = _text(text)
    return in_utc(value) if isinstance(value, str) else value


def _filter(text: str) -> Value:
    value = _text(text)
    return _without_booleans(value) if isinstance(value, str) else value


def _without_booleans(text: str) -> str:
    """A filter with `'True'` for `$true` (protocol.md, second reading)."""
    return _BOOLEAN.sub(lambda found: f"'{found[1].capitalize()}'", text)


def _bytes(text: str) -> Value:
    value = _structured(text)
    return value if value is None else _octets(value)


def _octets(value: Value) -> Value:
    if isinstance(value, Mapping):  # the service's own form, note and all
        return value
    try:
        octets(value)
    except ValueError as error:
        remedy = "Write the bytes in base64, or as numbers: [77,90,144]."
        raise BadCell(f"The value {error}, and the parameter takes bytes.", remedy) from None
    return value


def _text(text: str) -> Value:
    return text if text[0] not in SPECIAL else _special(text, must_parse=False)


def _any(text: str) -> Value:
    return text if text[0] not in SPECIAL else _special(text, must_parse=True)


def _structured(text: str) -> Value:
    if text[0] not in SPECIAL:
        return text
    value = _special(text, must_parse=True)
    if value is text and text.strip().startswith(('{"', '["')):
        raise BadCell(
            "The cell begins like a JSON object or array, but is none.",
            "Correct the JSON, or write @{Add='a';Remove='b'} or @('a','b').",
        )
    return value


def _special(text: str, *, must_parse: bool) -> Value:
    """`$null`, a PowerShell literal or JSON; else the text itself, the same object."""
    bare = text.strip(" \t\r\n")
    if bare.startswith(("@{", "@(")):
        try:
            return parse(text)
        except LiteralError as error:
            if not must_parse:
                return text
            raise BadCell(
                f"The PowerShell literal cannot be read: at character {error.position}: {error.what}",
                "Write it like @{Add='a','b';Remove='c'} or @('a','b').",
            ) from error
    if bare.startswith(("{", "[")):
        return _json(bare, text)
    return None if bare.lower() == "$null" else text


def _json(bare: str, text: str) -> Value:
    try:
        value: Value = json.loads(
            bare,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_no_constant,
        )
        deep = depth(value) > DEPTH
    except RecursionError:
        deep = True
    except ValueError:
        return text
    if deep:
        raise BadCell(
            f"The JSON goes deeper than {DEPTH} levels.", "The service takes no such value; make it flatter."
        )
    if "\\u" in bare and not encodable(json.dumps(value, ensure_ascii=False)):
        raise BadCell(
            "The JSON holds half of a character (\\ud800 to \\udfff).", "Write the character itself."
        )
    return value


def encodable(text: str) -> bool:
    """Whether the text can be sent: no halves of surrogate pairs."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def depth(value: Value) -> int:
    """Levels of hashtables and arrays; raises RecursionError for absurd ones."""
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        return 0
    inner = value.values() if isinstance(value, Mapping) else value
    return 1 + max(map(depth, inner), default=0)


def _object(pairs: list[tuple[str, Value]]) -> Value:
    value = dict(pairs)
    if len({name.lower() for name in value}) < len(pairs):
        raise BadCell("The JSON object gives a name twice.", "Keep one of the two; case makes no difference.")
    return value


def _integer(text: str) -> Value:
    """Whole numbers of 64 bits; longer ones stay text, for JSON has no room for them."""
    return int(text) if len(text) < 20 and abs(int(text)) < 1 << 63 else text


def _float(text: str) -> Value:
    number = float(text)
    return number if math.isfinite(number) else text


def _no_constant(name: str) -> Value:
    raise ValueError(name)


_CONVERTERS: Final[Mapping[Kind, Converter]] = {
    Kind.SWITCH: _boolean,
    Kind.BOOL: _boolean,
    Kind.ARRAY: _structured,
    Kind.HASHTABLE: _structured,
    Kind.BYTES: _bytes,
    Kind.SECURE: _secret,
    Kind.CREDENTIAL: _credential,
    Kind.DATE: _date,
    Kind.FILTER: _filter,
}
