"""Type notes: the `…@odata.type` and `…@data.type` members that stand beside every other one."""

from __future__ import annotations

from typing import Any

DEEPEST = 200
"""Levels of a value: no true reply comes near, and orjson writes 254."""


def raw(value: Any) -> Any:
    """The value as it came (`--raw`). Raises RecursionError as `without_notes` does."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST + 1):
        level = [
            member
            for each in level
            for member in (each.values() if isinstance(each, dict) else each)
            if isinstance(member, dict | list)
        ]
        if not level:
            return value
    raise RecursionError


def without_notes(value: Any, depth: int = 0) -> Any:
    """The same value without its type notes, at every depth (contract: left out unless --raw).

    Raises RecursionError where it is nested too deeply to be written down.
    """
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        return {
            name: without_notes(member, depth + 1) if isinstance(member, dict | list) else member
            for name, member in value.items()
            if not name.endswith(("@odata.type", "@data.type"))
        }
    if isinstance(value, list):
        return [
            without_notes(member, depth + 1) if isinstance(member, dict | list) else member
            for member in value
        ]
    return value
