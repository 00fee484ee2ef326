"""Calls that a program makes: each is set against the catalogue where it is made, and comes out an Item."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from bulkexo.facts.catalogue import Kind
from bulkexo.job import cells
from bulkexo.job.binder import Binder
from bulkexo.job.outline import Given, OneRow, OutlineStep
from bulkexo.job.problems import Problems
from bulkexo.job.select import names_in, selected
from bulkexo.job.steps import Step
from bulkexo.job.template import Getter, Source
from bulkexo.model import Item, Repeat, UsageError, Value
from bulkexo.wire.doors import APIS

Argument: TypeAlias = (
    str
    | int
    | float
    | bool
    | date
    | UUID
    | bytes
    | Enum
    | Sequence["Argument"]
    | AbstractSet["Argument"]
    | Mapping[str, "Argument"]
    | None
)
"""A parameter's value as a program has it: what JSON can hold, dates and times, GUIDs, bytes."""

_KEPT: Final = 256
"""Kinds of calls that are kept, ready to be filled."""


class CallWarning(UserWarning):
    """Something unusual about a call that may be right all the same: a name that the catalogue does not know,
    say."""


@dataclass(slots=True)
class _Kind:
    """Calls of the same cmdlet, names and options. problems: of the step; told: warnings that were given."""

    step: Step
    problems: Problems
    told: set[str] = field(default_factory=set)

    def warn(self, *found: Problems) -> None:
        """Give the warnings that were not given yet, as of whoever called `call`."""
        for sentence in (each for problems in found for each in problems.warnings):
            if sentence not in self.told:
                self.told.add(sentence)
                warnings.warn(sentence, CallWarning, stacklevel=3)


_kinds: dict[tuple[Any, ...], _Kind] = {}


def call(
    cmdlet: str,
    /,
    *,
    select: Sequence[str] = (),
    secret: Sequence[str] = (),
    repeat: Literal["safe", "unsafe"] | None = None,
    api: str = "",
    tag: Any = None,
    **parameters: Argument,
) -> Item:
    """One cmdlet with its parameters, to be run by a Client.

    The parameters are named as in PowerShell, in any case; `None` is `$null`, a list an array, a mapping a
    hashtable. select: the properties wanted of what it returns. secret: further parameters whose values may
    appear nowhere (those whose names or types say so need not be named). repeat: whether it may be sent again
    when its answer was lost, where the cmdlet's verb does not tell rightly. api: "compliance" for Security &
    Compliance, "v2.0" for the documented endpoints. tag: whatever the program knows it by; not sent.

    Raises UsageError if it cannot be sent as it is: no cmdlet's name, no identity, a boolean that is none.
    Names that the catalogue does not know, which may be new, are a CallWarning.
    """
    names = (select,) if isinstance(select, str) else select
    hidden = (secret,) if isinstance(secret, str) else secret
    key = (cmdlet, tuple(parameters), tuple(names), tuple(hidden), repeat, api)
    kind = _kinds.get(key) or _made(cmdlet, tuple(parameters), tuple(names), tuple(hidden), repeat, api)
    _kinds.setdefault(key, kind)
    problems = Problems()
    row = [_value(cmdlet, name, value) for name, value in parameters.items()]
    item = kind.step.item(0, 0, row, {}, problems)
    if item is None or problems:
        raise _error(problems)
    kind.warn(kind.problems, problems)
    return item if tag is None else replace(item, tag=tag)


def _made(
    cmdlet: str,
    names: tuple[str, ...],
    select: tuple[str, ...],
    secret: tuple[str, ...],
    repeat: Any,
    api: str,
) -> _Kind:
    problems = Problems()
    if api and api not in APIS:
        problems.add(cmdlet, "api names no such interface.", f"It is one of {', '.join(APIS)}.")
    if repeat not in (None, *Repeat):
        problems.add(cmdlet, "repeat is neither safe nor unsafe.", 'Write repeat="unsafe".')
        repeat = None
    wanted = selected(names_in(",".join(select)), cmdlet, problems)
    outline = OutlineStep(cmdlet, cmdlet, None, secret, repeat and Repeat(repeat), wanted, api)
    given = [Given(name, cmdlet, _argument(place), name) for place, name in enumerate(names)]
    step = Binder(OneRow(cmdlet), (), (), problems).step(1, outline, given)
    if step is None or problems:
        raise _error(problems)
    if len(_kinds) >= _KEPT:
        _kinds.clear()
    return _Kind(step, problems)


def _argument(place: int) -> Source:
    def bind(kind: Kind | None) -> Getter:
        return lambda row: cells.typed(kind, row[place])

    return Source(frozenset({place}), "", bind)


def _error(problems: Problems) -> UsageError:
    """The problems as sentences, each with the cmdlet that it is about."""
    told = (
        ("" if each.where in each.what else f"{each.where}: ") + f"{each.what} {each.remedy}"
        for each in problems.error().problems
    )
    return UsageError("\n".join(told))


def _value(cmdlet: str, name: str, value: object) -> Value:
    """A value as JSON can hold it."""
    if value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Enum):
        return _value(cmdlet, name, value.value)
    if isinstance(value, Mapping):
        return {str(key): _value(cmdlet, name, member) for key, member in value.items()}
    if isinstance(value, Sequence | AbstractSet):
        return [_value(cmdlet, name, member) for member in value]
    raise UsageError(
        f"{cmdlet}: {name} is given a {type(value).__name__}, which no cmdlet takes. Give a text, a number, "
        "a boolean, a date, a list or a mapping."
    )
