"""An object of a reply as the cells of a table: nested ones as `Parent.Child`, type notes gone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DEEPEST: Final = 8
"""Levels of objects that become columns; what lies deeper is JSON in one."""
VALUE: Final = "Value"
"""The column of what is no object."""


def flat(value: Any) -> dict[str, Any]:
    """Column → text, number, boolean, None, list, or an object that is too deep; no type notes at any depth.
    A column's name is unique: of two that would be one, the second gets ` (2)`."""
    found: dict[str, Any] = {}
    if isinstance(value, Mapping):
        _into(found, "", value, 1)
    else:
        found[VALUE] = _bare(value)
    return found


def is_note(name: str) -> bool:
    """Whether a member is a note of OData's about another, or about the object (`@odata.id`)."""
    return "@" in name and (name[0] == "@" or "@odata." in name or "@data." in name)


def _into(found: dict[str, Any], prefix: str, members: Mapping[str, Any], level: int) -> None:
    for name, member in members.items():
        if "@" in name and is_note(name):
            continue
        column = prefix + name
        if isinstance(member, dict):
            if level < DEEPEST:
                _into(found, column + ".", member, level + 1)
                continue
            member = _bare(member)  # noqa: PLW2901
        elif isinstance(member, list):
            member = _bare(member)  # noqa: PLW2901
        if column in found:
            column = unused(column, found)
        found[column] = member


def unused(name: str, taken: Mapping[str, Any]) -> str:
    """The name, or it with the first number that makes it another."""
    number = 2
    while (candidate := f"{name} ({number})") in taken:
        number += 1
    return candidate


def _bare(value: Any) -> Any:
    """The value without type notes. Replies are at most 200 levels deep (wire/notes.py)."""
    if isinstance(value, dict):
        return {name: _bare(member) for name, member in value.items() if not ("@" in name and is_note(name))}
    if isinstance(value, list):
        return [_bare(each) if isinstance(each, dict | list) else each for each in value]
    return value
