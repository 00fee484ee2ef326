"""Type notes: the `…@odata.type` and `…@data.type` members that stand beside every other one."""

from __future__ import annotations

from typing import Any


def without_notes(value: Any) -> Any:
    """The same value without its type notes, at every depth (contract: left out unless --raw)."""
    if isinstance(value, dict):
        return {
            name: without_notes(member) if isinstance(member, dict | list) else member
            for name, member in value.items()
            if not name.endswith(("@odata.type", "@data.type"))
        }
    if isinstance(value, list):
        return [without_notes(member) if isinstance(member, dict | list) else member for member in value]
    return value
