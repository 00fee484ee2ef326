"""Keeping the values of secret parameters out of everything that is written or shown. Floor 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bulkexo.model import Item, Value

HIDDEN = "***"


def secret_texts(item: Item) -> list[str]:
    """The texts of an item that may appear nowhere, longest first; those inside hashtables too."""
    found = {text for name in item.secrets for text in _texts(item.parameters.get(name)) if text}
    return sorted(found, key=len, reverse=True)


def blot(value: Any, secrets: Sequence[str]) -> Any:
    """The same value with every secret text in it replaced by `***`, at every depth."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, Mapping):
        return {name: blot(member, secrets) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [blot(member, secrets) for member in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in secrets:
        return HIDDEN
    return value


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _texts(member)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
