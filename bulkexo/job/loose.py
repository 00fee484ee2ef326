"""Values as conditions see them: loosely, as PowerShell and Exchange's replies want it. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from bulkexo.model import UnboundError, Value

_BRACKETED: Final = re.compile(r"\[([^\]]*)\]\s*$")
ORDERS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def truth(value: Value) -> bool:
    """Whether a value counts as true: not null, false, 0, nothing, or the text False."""
    return value.strip().lower() not in ("", "false") if isinstance(value, str) else bool(value)


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same, as the module's text says it."""
    if isinstance(one, bool) or isinstance(other, bool):
        return _boolean(one) is not None and _boolean(one) == _boolean(other)
    if isinstance(one, int | float) or isinstance(other, int | float):
        return _number(one) is not None and _number(one) == _number(other)
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if is_list(one) and is_list(other):
        return len(one) == len(other) and all(map(same, one, other))  # type: ignore[arg-type]
    return one == other


def member(one: Value, values: Value) -> bool:
    """Whether a value is among others; null holds nothing, a single value itself."""
    if values is None:
        return False
    others: Any = values if is_list(values) else [values]
    return any(same(one, each) for each in others)


def ordered(one: Value, sign: str, other: Value) -> bool:
    """Whether `<` and so on holds. Raises UnboundError where there is no order."""
    pair: tuple[Any, Any] = (_number(one), _number(other))
    if isinstance(one, str) and isinstance(other, str):
        pair = (one.casefold(), other.casefold())
    if None in pair:
        raise UnboundError(f"{_told(one)} and {_told(other).lower()} cannot be compared by {sign}.")
    return bool(ORDERS[sign](*pair))


def _boolean(value: Value) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _number(value: Value) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d+)?", value.strip(), re.ASCII):
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _told(value: Value) -> str:
    """The kind of a value; the value itself may be somebody's secret."""
    if value is None:
        return "Null"
    if isinstance(value, str):
        return "A text"
    return "A list" if is_list(value) else "A number" if _number(value) is not None else "A value"


def outside(value: Value, domains: Sequence[Value]) -> bool:
    """Whether there is an address of SMTP in a value, a text or a list of texts, that is in none of these
    domains nor below them. domains: texts, or lists of texts."""
    ours = tuple(f".{domain.strip().casefold()}" for domain in _texts(domains) if domain.strip())
    return any(not f".{domain}".endswith(ours) for text in _texts(value) for domain in _domains(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif is_list(value):
        for each in value:
            yield from _texts(each)


def _domains(text: str) -> Iterator[str]:
    """The domains of the addresses that a text names: `a@b.c`, `smtp:a@b.c`, `"Ada" [SMTP:a@b.c]`."""
    bracketed = _BRACKETED.findall(text)
    for address in bracketed or ([] if "[" in text else [text]):
        kind, _, rest = address.strip().rpartition(":")
        if kind.lower() in ("", "smtp") and "@" in rest:
            yield rest.rpartition("@")[2].strip().casefold()
