"""What is unusual about a step and may be right all the same: a word at the first value, never a refusal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bulkexo.facts import catalogue
from bulkexo.facts.catalogue import Cmdlet, Kind, Parameter
from bulkexo.facts.granted import Granted
from bulkexo.job.cells import is_date
from bulkexo.job.problems import Problems
from bulkexo.job.template import OMIT

Doubt = Callable[[Any], str]
"""What is odd about a value, as a sentence; "" if nothing is."""

_WHOLE = re.compile(r"\s*-?\d+\s*", re.ASCII)
_GUID = re.compile(r"\s*\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?\s*", re.IGNORECASE | re.ASCII)
_SHAPES: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    **dict.fromkeys(
        ("Byte", "Int16", "Int32", "Int64", "UInt16", "UInt32", "UInt64"), (_WHOLE, "a whole number")
    ),
    "Guid": (_GUID, "a GUID"),
}
"""Types that have one spelling only: how their text looks, and what it is."""


class Doubts:
    """Puts a word into `problems` for what comes up in the values of a step."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def withheld(self, cmdlet: str, given: Iterable[str], granted: Granted, where: str) -> None:
        """What the tenant does not grant to the identity, as it was when it was asked last."""
        when = f"{datetime.fromtimestamp(granted.at, UTC):%Y-%m-%d}"
        told = f"as it was asked on {when}: `bulkexo catalogue refresh` asks again."
        if granted.withholds(cmdlet):
            what = f"the tenant does not grant {cmdlet} to this identity, {told}"
            self._problems.warn(("withheld", cmdlet), f"{where}: {what}")
        elif names := granted.withheld(cmdlet, given):
            what = f"the tenant does not grant {', '.join(names)} of {cmdlet} to this identity, {told}"
            self._problems.warn(("withheld", cmdlet), f"{where}: {what}")

    def cmdlet(self, name: str, where: str) -> None:
        """A cmdlet that the catalogue does not know."""
        key = ("cmdlet", name.lower())
        if self._problems.wants_warning(key):
            like = catalogue.nearest_cmdlet(name)
            hint = f"Did you mean {like}?" if like else "It is sent as it stands."
            self._problems.warn(key, f"{where}: {name} is not in the catalogue of cmdlets. {hint}")

    def watch(
        self, cmdlet: str, known: Cmdlet | None, parameter: Parameter | None, name: str, where: str
    ) -> Watch | None:
        """Has a word at the first odd value of a parameter, since a column may be empty for this cmdlet, and
        then nothing is odd; None if nothing can be."""
        doubt = _doubt(cmdlet, parameter) if parameter else _unknown(known, name) if known else None
        return Watch(doubt, (cmdlet, name.lower()), where, self._problems) if doubt else None


@dataclass(frozen=True, slots=True)
class Watch:
    """Of one parameter. where: the line that gives it."""

    doubt: Doubt
    key: tuple[str, str]
    where: str
    problems: Problems

    def odd(self, value: Any) -> str:
        """The word that is to be said of this value, "" if none is, or it has been said."""
        wanted = value is not OMIT and self.problems.wants_warning(self.key)
        return self.doubt(value) if wanted else ""

    def see(self, value: Any) -> None:
        """A value, about which the word is said."""
        if what := self.odd(value):
            self.problems.warn(self.key, f"{self.where}: {what}")


def never(known: Cmdlet | None, parameter: Parameter | None) -> bool:
    """Whether nothing can be odd about a text that begins with nothing SPECIAL."""
    if parameter is None:
        return known is None
    return parameter.kind is not Kind.DATE and _shape_of(parameter) is None


def _shape_of(parameter: Parameter) -> tuple[re.Pattern[str], str] | None:
    return _SHAPES.get(parameter.type.rpartition(".")[2])


def _unknown(known: Cmdlet, name: str) -> Doubt:
    def doubt(_value: Any) -> str:
        like = known.nearest(name)
        hint = f"Did you mean -{like}?" if like else "It is sent as it stands, true and false as text."
        return f"{known.name} has no parameter {name} that is known. {hint}"

    return doubt


def _doubt(cmdlet: str, parameter: Parameter) -> Doubt | None:
    """What is odd about a value of a parameter whose type is known; None if nothing can be."""
    name, kind = parameter.name, parameter.kind
    if kind is Kind.DATE:
        return lambda value: _date(name, value)
    if shape := _shape_of(parameter):
        return lambda value: _shape(cmdlet, name, value, *shape)
    if kind is Kind.TEXT and parameter.type == "String":
        return lambda value: _table(cmdlet, name, value)
    return None


def _date(name: str, value: Any) -> str:
    if not isinstance(value, str) or is_date(value):
        return ""
    what = f"the service reads {name} as it is written, and not every place reads it alike."
    return f"{what} Write dates like 2026-11-24T09:30:00Z."


def _shape(cmdlet: str, name: str, value: Any, pattern: re.Pattern[str], what: str) -> str:
    if isinstance(value, str):
        odd = pattern.fullmatch(value) is None
    else:  # what an earlier step is to return is not known yet
        odd = isinstance(value, bool | float | list | Mapping)
    if not odd:
        return ""
    return f"{name} of {cmdlet} takes {what}, and is given something else."


def _table(cmdlet: str, name: str, value: Any) -> str:
    if not isinstance(value, Mapping):
        return ""
    return f"{name} of {cmdlet} takes a text, and is given a hashtable."
