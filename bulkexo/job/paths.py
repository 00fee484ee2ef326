"""Naming what an earlier step returned: `steps.look.EmailAddresses[0]`, and finding it. Pure.

A step's objects are gone through as PowerShell does: a member of one object is its value, a member of several
is the list of those that have it. Case makes no difference in names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkexo.model import KEPT, Earlier, Ended, Status, UnboundError, Value

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PREFIX: Final = "steps."
_PART: Final = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d{1,4})\]")


class Missing(Exception):
    """There is no such value; a sentence says which."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A value of an earlier step. step: its number; name: as the job calls it; path: members and places,
    the first of them that is a member is of its objects."""

    step: int
    name: str
    path: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"{PREFIX}{self.name}{shown(self.path)}"

    @property
    def member(self) -> str:
        """The member of the step's objects, in lower case; "" if none is named."""
        return next((part.lower() for part in self.path if isinstance(part, str)), "")

    def find(self, earlier: Earlier) -> Value:
        """The value. Raises Missing, or UnboundError if there are too many objects."""
        ended = earlier.get(self.step)
        if ended is None or ended.status is Status.SKIPPED:
            raise Missing(f"The step {self.name} was not sent, so there is no {self}.")
        return self._within(ended)

    def _within(self, ended: Ended) -> Value:
        if ended.count > len(ended.objects) and not isinstance(self.path[0], int):
            raise UnboundError(
                f"The step {self.name} returned {ended.count:,} objects, and a later step can use "
                f"{KEPT:,} at most."
            )
        if not ended.objects:
            raise Missing(f"The step {self.name} returned no object, so there is no {self}.")
        start: Any = ended.objects[0] if ended.count == 1 else ended.objects
        path = self.path[1:] if ended.count == 1 and self.path[0] == 0 else self.path
        found: Value = _walk(start, path, str(self))
        return found


def shown(path: Sequence[str | int]) -> str:
    """A path as it is written."""
    return "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in path)


def parse_path(text: str) -> tuple[str | int, ...] | None:
    """`.EmailAddresses[0]` as its parts; None if it is no such path."""
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            return None
        parts.append(found[1] if found[1] else int(found[2]))
        at = found.end()
    return tuple(parts)


def descend(value: Any, path: Sequence[str | int]) -> Value:
    """What a path leads to from an object; null if that does not exist."""
    try:
        found: Value = _walk(value, path, "")
    except Missing:
        return None
    return found


def _walk(value: Any, path: Sequence[str | int], whole: str) -> Any:
    for part in path:
        if isinstance(part, int):
            if not _is_list(value) or part >= len(value):
                raise Missing(f"{whole} does not exist: there are not so many values.")
            value = value[part]
        elif _is_list(value):
            value = list(_of_each(value, part))
            if not value:
                raise Missing(f"{whole} does not exist: no object has a member {part}.")
        else:
            value = _member(value, part, whole)
    return value


def _of_each(values: Sequence[Any], name: str) -> Iterator[Any]:
    for value in values:
        try:
            yield _member(value, name, "")
        except Missing:
            continue


def _member(value: Any, name: str, whole: str) -> Any:
    if isinstance(value, Mapping):
        for each, member in value.items():
            if each.lower() == name.lower():
                return member
    raise Missing(f"{whole} does not exist: the object has no member {name}.")


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
