"""What the text of a cell means for a parameter of a kind: contract, "Job files".

Text that nothing else is said of stays as it stands, byte for byte.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence

from bulkexo.job.catalogue import Kind
from bulkexo.job.literal import DEPTH, LiteralError, parse
from bulkexo.model import Value

Converter = Callable[[str], Value]
"""Text of a cell, not empty, to the value; raises BadCell."""

_BOOLEANS: dict[str, Value] = {"true": True, "$true": True, "false": False, "$false": False, "$null": None}
_SPECIAL = frozenset(" \t\r\n$@{[")
_STRUCTURED = frozenset({Kind.ARRAY, Kind.HASHTABLE, Kind.BYTES})


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
    if kind in {Kind.SWITCH, Kind.BOOL}:
        return _boolean
    if kind is Kind.SECURE:
        return _secure
    if kind in _STRUCTURED:
        return _structured
    return _any if kind is None else _text


def typed(kind: Kind | None, value: Value) -> Value:
    """A value that has its type already (YAML), checked for this kind; raises BadCell."""
    if kind is Kind.SECURE:
        return _secure("")
    if kind in {Kind.SWITCH, Kind.BOOL} and not (value is None or isinstance(value, bool)):
        shown = str(value) if isinstance(value, int | float | str) else ""
        return _boolean(shown or "{}")
    return value


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


def _secure(_text: str) -> Value:
    raise BadCell(
        "This parameter holds a password or a credential. The service wants it encrypted with its own key, "
        "and this version cannot do that.",
        "Leave the column out, and set the password another way.",
        once=True,
    )


def _text(text: str) -> Value:
    return text if text[0] not in _SPECIAL else _special(text, must_parse=False)


def _any(text: str) -> Value:
    return text if text[0] not in _SPECIAL else _special(text, must_parse=True)


def _structured(text: str) -> Value:
    if text[0] not in _SPECIAL:
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
