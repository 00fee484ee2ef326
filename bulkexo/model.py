"""The nouns every room speaks of: Item, Outcome, Status, Problem, and the error family.

Floor 0: this module knows nothing of files, clocks or HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, make_dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, TypeVar

_Class = TypeVar("_Class", bound=type)


def light(frozen: _Class) -> _Class:
    """A frozen dataclass whose instances are as quick to make as unfrozen ones.

    For what is made for every item: the guard makes an instance four times as dear, which came to a tenth of
    all that a run does. mypy guards them as before; while it runs, nothing does.
    """
    members = [(each.name, each.type, copy(each)) for each in fields(frozen)]
    unfrozen: Any = make_dataclass(frozen.__name__, members, repr=False, eq=False)
    setattr(frozen, "__init__", unfrozen.__init__)  # noqa: B010 - mypy holds it for one of an instance
    del frozen.__setattr__, frozen.__delattr__
    return frozen


Value: TypeAlias = str | int | float | bool | Sequence["Value"] | Mapping[str, "Value"] | None
"""A parameter's value. A mapping is a PowerShell hashtable, a sequence an array, None is `$null`."""

Cells: TypeAlias = Mapping[str, Value]
"""A row of the job as it came: column name to cell. Cells of a CSV are always text."""


BY_RULE = "bulkexo:rule"
"""The code of an item that a rule of the job left out, as against one that an earlier failure did."""


class Status(StrEnum):
    """How an item ended (contract: results.ndjson)."""

    SUCCEEDED = "succeeded"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"

    @property
    def good(self) -> bool:
        """Whether a later step of the row may go."""
        return self in (Status.SUCCEEDED, Status.UNCHANGED)


class Repeat(StrEnum):
    """Whether a cmdlet may be sent again when its answer was lost, as a job says it (`repeat:`)."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Form(StrEnum):
    """What a value is for the cmdlet, where its JSON would not show it. SECURE: to be encrypted."""

    BYTES = "byte[]"
    BYTE_ARRAYS = "byte[][]"
    TABLES = "hashtable[]"
    SECURE = "secure"


KEPT = 1000
"""Objects of what a step returned that later steps of its row can name."""


@light
@dataclass(frozen=True, slots=True)
class Ended:
    """How an earlier step of a row ended. objects: the first of what it returned, with those members that
    later steps name, by their names in lower case. count: of all objects. rule: it was left out by a rule of
    the job, and not for another step's failure."""

    status: Status
    objects: Sequence[Mapping[str, Any]] = ()
    count: int = 0
    rule: bool = False


Earlier: TypeAlias = Mapping[int, Ended]
"""The earlier steps of a row by their numbers; those that have ended."""


def trimmed(values: Iterable[Any], names: frozenset[str] | None, room: int = KEPT) -> list[dict[str, Any]]:
    """The first `room` objects, with the members of these names (lower case); none if nothing of the step is
    named. What is no object, a name say, has the one member Value."""
    if names is None:
        return []
    objects: list[dict[str, Any]] = []
    for value in values:
        if len(objects) >= room:
            break
        members = value if isinstance(value, Mapping) else {"Value": value}
        objects.append({name.lower(): each for name, each in members.items() if name.lower() in names})
    return objects


class Rule(Protocol):
    """What a step of several says beyond its cmdlet. Pure.

    keeps: members of what it returns that later steps name, lower case; None if they name nothing of it.
    needs: those that it names itself, by the number of the step. retry_not_found: seconds for which an object
    that is not found is asked for again.
    """

    @property
    def keeps(self) -> frozenset[str] | None: ...

    @property
    def needs(self) -> Mapping[int, frozenset[str]]: ...

    @property
    def retry_not_found(self) -> float: ...

    def chosen(self, item: Item, values: Sequence[Any]) -> Sequence[Any]:
        """Of what the step has returned, what is kept."""

    def against(self, item: Item, earlier: Earlier) -> str:
        """Why the step is left out, as a sentence; "" if it goes. Raises UnboundError."""

    def bind(self, item: Item, earlier: Earlier) -> Item:
        """The item with the values of the earlier steps in it. Raises UnboundError."""


class UnboundError(Exception):
    """A step cannot be made of what the earlier ones returned; a sentence says why."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan says of an item. change: see `compare.Change`. before: by parameter, what the object had
    when the plan was made."""

    change: str
    before: Mapping[str, Any] = field(default_factory=dict, repr=False)


@light
@dataclass(frozen=True, slots=True)
class Item:
    """One cmdlet to run for one row.

    row: data row of the job, from 1. step: step of the job, from 1.
    cmdlet: as the catalogue spells it. parameters: exact names to values, without those left out.
    identity: the object it concerns, as the row names it ("" if the cmdlet names none); items with
    the same identity (case ignored) keep their order.
    secrets: names of parameters whose values may appear nowhere. secret_cells: columns, of those that the
    parameters are made of, whose cells may not either: the cell of a longer text, say.
    cells: the row as it came, for failed.csv; shared by the items of a row.
    repeat: what the job says of sending it twice; None leaves it to the table of verbs.
    tenant: the one the row belongs to, "" in a job of one tenant.
    select: the properties wanted of what it returns, none for all. api: "v2.0" for the documented endpoints,
    "compliance" for Security & Compliance, "" for InvokeCommand of Exchange Online. forms: of the parameters
    whose values need more than JSON; shared by the items of a step. planned: of an item of a plan.
    rule: what the step says beyond its cmdlet, shared likewise; None if nothing. pending: of the parameters,
    those that name what earlier steps returned, as parts to be filled in; `parameters` has their text.
    written: once they are filled in, the parameters as they were: the item is known by these.
    tag: what the program that made it knows it by, if one did.
    """

    row: int
    step: int
    cmdlet: str
    identity: str
    parameters: Mapping[str, Value] = field(repr=False)
    cells: Cells = field(repr=False)
    secrets: frozenset[str] = frozenset()
    secret_cells: frozenset[str] = frozenset()
    repeat: Repeat | None = None
    tenant: str = ""
    select: tuple[str, ...] = ()
    api: str = ""
    forms: Mapping[str, Form] = field(default_factory=dict)
    planned: Planned | None = None
    rule: Rule | None = None
    pending: Mapping[str, Any] = field(default_factory=dict, repr=False)
    written: Mapping[str, Value] | None = field(default=None, repr=False)
    tag: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item failed: the `error` member of a results line.

    code: the service's, or `bulkexo:<reason>`. type: of the exception, with its dots as it came, or "".
    message: the sentence for a person. target: what the service says it concerns, or "".
    """

    code: str
    type: str
    message: str
    target: str = ""


@light
@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one item: one line of results.ndjson.

    attempts: sendings, throttled ones included. started: seconds since the epoch, UTC, of the first
    sending (None if never sent). duration: seconds from the first sending to the end.
    value: the objects the cmdlet returned; paged: they were handed on as Pages instead, being more than one.
    """

    item: Item
    status: Status
    attempts: int
    http_status: int | None
    started: float | None
    duration: float
    request_id: str | None
    value: Sequence[Any] = ()
    warnings: Sequence[str] = ()
    error: Failure | None = None
    paged: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what an item returned, while it is still under way. value: the objects.

    first: what came before it is void: the item began anew.
    """

    item: Item
    value: Sequence[Any]
    first: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a job, found before anything is sent.

    where: file and line, and the column where there is one, as a person would name it.
    what: what is wrong there. remedy: what to do about it. Sentences, each.
    """

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.remedy}"


class BulkexoError(Exception):
    """A sentence for an administrator; `exit_code` is what the command ends with."""

    exit_code = 2


class JobError(BulkexoError):
    """The job or the command line is wrong; nothing was sent.

    problems: the first 20 found. total: how many there are.
    """

    def __init__(self, problems: Sequence[Problem], total: int | None = None) -> None:
        self.problems = tuple(problems)
        self.total = len(self.problems) if total is None else total
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[JobError], tuple[Sequence[Problem], int]]:
        return JobError, (self.problems, self.total)


class UsageError(BulkexoError):
    """A command or option that cannot be carried out; nothing was sent."""


class StoppedError(BulkexoError):
    """The run stopped before its end; what had ended is recorded."""

    exit_code = 3


class SignInError(BulkexoError):
    """No token could be had, or the service refuses it."""

    exit_code = 4


class SignInUnreachableError(SignInError):
    """The sign-in service did not answer; it may later."""
