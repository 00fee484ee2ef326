"""What a job file says, before it is set against the catalogue: the common form of CSV and YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from bulkexo.job.course import STRAIGHT, Course
from bulkexo.job.problems import Problems, printable
from bulkexo.job.sequel import PLAIN, Sequel
from bulkexo.job.template import Columns, Source, from_column
from bulkexo.job.text import TextFile
from bulkexo.model import Repeat, Value

if TYPE_CHECKING:
    from bulkexo.job.asked import AskedRows

CMDLET: Final = "Cmdlet"
"""The column that names the cmdlet of a row; case makes no difference."""

ERROR: Final = "Error"
"""The column that failed.csv adds; never a parameter."""


class Rows(Protocol):
    """Rows that can be read through, more than once. files: where they are; none if there are none to read.

    columns: as they came. typed: cells may be other than text.
    """

    @property
    def files(self) -> tuple[TextFile, ...]: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def typed(self) -> bool: ...

    def place(self, line: int, column: str | None = None) -> str:
        """A line, and a column of it, as messages write them."""

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """Each row: its first line, and a cell for each column ("" where it has none).

        A row that has no such form is told and left out.
        """


class OneRow:
    """The rows of a job without rows: its steps run once."""

    files: tuple[TextFile, ...] = ()
    columns: tuple[str, ...] = ()
    typed = True

    def __init__(self, where: str) -> None:
        self._where = where

    def place(self, line: int, column: str | None = None) -> str:
        """The job file; there is nothing smaller to name."""
        return self._where

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """One row without cells."""
        yield 1, ()


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter as the job gives it. where: its line in the job file, or its option.

    column: the column that is this parameter, if it is one.
    """

    name: str
    where: str
    source: Source = field(repr=False)
    column: str | None = None


@dataclass(frozen=True, slots=True)
class OutlineStep:
    """A cmdlet and its parameters. given: None for every column. secret: names of parameters it marks.
    repeat: what the job says of sending it twice. select: the properties wanted of what it returns.
    api: where it is to run, "" for where the catalogue has it. sequel: see there."""

    cmdlet: str
    where: str
    given: tuple[Given, ...] | None
    secret: tuple[str, ...] = ()
    repeat: Repeat | None = None
    select: tuple[str, ...] = ()
    api: str = ""
    sequel: Sequel = PLAIN


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What comes to a job from outside: `--cmdlet`, `--set`, `--select`, `--sheet`; and the folder with the
    rows that were asked of the tenant, None before they are."""

    cmdlet: str | None = None
    sets: tuple[Given, ...] = ()
    select: tuple[str, ...] = ()
    answers: Path | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """A job as written. cmdlet_column: position of the column that names the cmdlet, if no step does.

    whole: every column as a parameter. common: parameters of every row. secret: parameters marked for all
    steps, lower case. secret_columns: columns marked. option_lines: lines of the options. repeat: of every
    step that does not say it itself. tenant_column: position of the column that names each row's tenant.
    tenants: where each tenant of a list stands, which all rows of it name.
    select: the properties wanted, where the rows name their cmdlets. api: of every step that does not say it.
    asked: those of the rows that are asked of a tenant. course: how the job goes on.
    """

    kind: str
    file: TextFile
    rows: Rows
    columns: Columns
    steps: tuple[OutlineStep, ...]
    cmdlet_column: int | None = None
    whole: tuple[Given, ...] = ()
    common: tuple[Given, ...] = ()
    secret: tuple[str, ...] = ()
    secret_columns: tuple[str, ...] = ()
    options: Mapping[str, Value] = field(default_factory=dict)
    option_lines: Mapping[str, int] = field(default_factory=dict)
    repeat: Repeat | None = None
    tenant_column: int | None = None
    tenants: Mapping[str, str] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    api: str = ""
    asked: tuple[AskedRows, ...] = ()
    course: Course = STRAIGHT

    def given(self, step: OutlineStep) -> tuple[Given, ...]:
        """The parameters of a step, those of every row included."""
        if step.given is not None:
            return (*step.given, *self.common)
        tenant = "" if self.tenant_column is None else self.columns.names[self.tenant_column]
        return (*(each for each in self.whole if each.column != tenant), *self.common)


def every_column(columns: Columns, where: str) -> tuple[Given, ...]:
    """Each column as a parameter, except those with a meaning of their own."""
    kept = {CMDLET.lower(), ERROR.lower(), ""}
    return tuple(
        Given(name, f"{where}, column {printable(name)}", from_column(position, columns), name)
        for position, name in enumerate(columns.names)
        if name.lower() not in kept
    )
