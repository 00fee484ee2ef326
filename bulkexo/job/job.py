"""A job, read: checked as a whole in one pass, then streamed as Items in another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bulkexo.facts.granted import Granted
from bulkexo.job.apart import Apart, Numbered
from bulkexo.job.binder import Binder
from bulkexo.job.csvrows import MASK
from bulkexo.job.hidden import is_hidden, refuse_asked, secret_constants, secret_positions
from bulkexo.job.ndjson import NdjsonRows
from bulkexo.job.outline import CMDLET, Given, Outline, OutlineStep
from bulkexo.job.problems import Problems, changed
from bulkexo.job.several import Several
from bulkexo.job.steps import Step
from bulkexo.job.survey import Survey
from bulkexo.job.tenants import Tenants, tenant_name
from bulkexo.job.text import TextFile, stamp_of
from bulkexo.job.walk import Walk, Walked
from bulkexo.model import Item, Value

if TYPE_CHECKING:
    from bulkexo.job.asked import AskedRows

_Any = TypeVar("_Any")


@dataclass(frozen=True, slots=True)
class Checked:
    """A job without problems. rows: data rows; items: cmdlets to run; by_cmdlet: items of each cmdlet.
    tenants: items of each, where a column names them. apis: where they run, see Item. secure: those of
    them with a secret that goes encrypted. destroys: cmdlets that take away what no other gives back: their
    items that do, and what they do, half a sentence.

    warnings: sentences about what is unusual but may be right.
    """

    rows: int
    items: int
    by_cmdlet: Mapping[str, int]
    tenants: Mapping[str, int]
    warnings: tuple[str, ...]
    apis: frozenset[str] = frozenset({""})
    secure: frozenset[str] = frozenset()
    destroys: Mapping[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a tenant for rows. name: of the file in the run's folder that the objects go to, one a
    line. item: its row is the number of the question."""

    name: str
    item: Item


class Job:
    """A job whose head has been read. Memory stays flat whatever the number of rows.

    path: the job file. kind: "csv", "yaml" or "ndjson". options: option keys of the YAML, written with `_`.
    planned: whether it is a plan. columns: of the rows, as they came. steps: items of a row. linked: whether
    one depends on another's outcome beyond its success. course: how it goes on. secret_columns: those whose
    cells are shown nowhere. secret_constants: gives the secrets that are the same in every row.
    inputs: SHA-256 (hex) of each file the job is made of; filled by `check`.
    profiles: names, in lower case, that rows may give for a tenant; None if they are not known, and anything
    may be one. granted: what the tenant is known to grant, None if that is not known. Both to be set before
    `check`.
    again: reads the job again, with rows that stand in a folder.
    """

    def __init__(self, outline: Outline) -> None:
        self.path = outline.file.path
        self.kind = outline.kind
        self.options: Mapping[str, Value] = outline.options
        self.columns = outline.columns.names
        self.inputs: Mapping[Path, str] = {}
        self._outline = outline
        self._secret_positions = secret_positions(outline)
        self.secret_columns = frozenset(self.columns[position] for position in self._secret_positions)
        self.secret_constants = partial(secret_constants, outline)
        lines = outline.rows if isinstance(outline.rows, NdjsonRows) else None
        self.steps = lines.steps if lines else max(1, len(outline.steps))
        self.planned = lines is not None and lines.planned
        self.course = outline.course
        self.linked = any(not step.sequel.plain for step in outline.steps)
        self.profiles: Collection[str] | None = None
        self.granted: Granted | None = None
        self.again: Callable[[Path], Job] | None = None
        self._stamps: Mapping[Path, tuple[int, int] | None] = {}
        self._checked: Checked | None = None

    @property
    def names_tenants(self) -> bool:
        """Whether each row names its tenant."""
        return self._outline.tenant_column is not None

    @property
    def questions(self) -> list[Question]:
        """What is to be asked before the job has rows; nothing if it has them."""
        return [
            Question(each.name, replace(item, row=each.number, tenant=each.tenant))
            for each in self._outline.asked
            if each.file is None
            for item in Job(each.question).items()
        ]

    def answered(self, folder: Path) -> Job:
        """The job with the rows that its questions have brought into a folder. Raises JobError."""
        if self.again is None:
            return self
        job = self.again(folder)
        job.profiles, job.granted = self.profiles, self.granted
        return job

    def options_where(self, name: str) -> str:
        """Where an option stands: "job.yaml, line 7"."""
        return self._outline.file.where(self._outline.option_lines[name])

    def describe(self) -> dict[str, Any]:
        """The job for run.json, as JSON values; never a secret value.

        path, kind, rows (path and encoding of their file; a list of several; or None; of those asked of a
        tenant also the question, and the checksum once they have been read), columns, secret_columns,
        cmdlet_column (or None), steps (cmdlet, parameters as the job writes them, select), set (parameters
        of every row), secret_sets (those of them whose values are shown nowhere), inputs.
        """
        outline = self._outline
        answers = [file for each in outline.asked for file in each.files]
        own = [file for file in outline.rows.files if file not in answers]
        files = [
            *({"path": _text(file.path), "encoding": file.encoding} for file in own),
            *map(_asked, outline.asked),
        ]
        binder = self._binder(Problems())
        steps = [binder.step(*numbered) for numbered in self._numbered()]
        return {
            "path": _text(self.path.absolute()),
            "kind": self.kind,
            "rows": files if len(files) > 1 else files[0] if files else None,
            "columns": list(self.columns),
            "secret_columns": sorted(self.secret_columns),
            "cmdlet_column": CMDLET if outline.cmdlet_column is not None else None,
            "steps": [_described(step) for step in steps if step],
            "set": {each.name: self._shown(each) for each in outline.common},
            "secret_sets": list(self.secret_sets),
            **self.course.described(),
            "inputs": {
                _text(file.path.absolute()): self.inputs[file.path]
                for file in self._files()
                if file not in answers and file.path in self.inputs
            },
        }

    def check(self) -> Checked:
        """Read the whole job. Raises JobError with the first 20 problems and their number."""
        problems = Problems()
        head = self._outline.file.sha256
        found = self.survey(problems)
        if head not in {"", self._outline.file.sha256}:
            changed(self._outline.file.name)
        problems.raise_any()
        self._stamps = {file.path: file.stamp for file in self._outline.rows.files}
        self.inputs = {file.path: file.sha256 for file in self._files()}
        asked = {each.tenant: 0 for each in self._outline.asked if each.file is None and each.tenant}
        self._checked = Checked(
            rows=found.rows,
            items=found.by_cmdlet.total(),
            by_cmdlet=dict(found.by_cmdlet),
            tenants={**asked, **found.tenants},
            warnings=problems.warnings,
            apis=frozenset(found.apis),
            secure=frozenset(found.secure),
            destroys=found.destroys,
        )
        return self._checked

    def survey(self, problems: Problems) -> Survey:
        """Read the whole job and tell its problems."""
        found = Survey()
        for file in self._files():
            file.report(problems)
        unanswered = [each for each in self._outline.asked if each.file is None]
        for question in {id(each.question): each.question for each in unanswered}.values():
            Job(question).survey(problems)
        for each in unanswered:
            if each.tenant:
                self._tenants().of(1, each.tenant, problems)
        for found.rows, items in self._walk(problems, whole=False):  # the last number is their count
            if isinstance(items, Several):
                found.count_all(items)
                continue
            for item in items:
                found.count(item)
        again = (item for _, items in self._walk(Problems(), whole=False) for item in items)
        found.twice.tell(self.path.name, problems, again)
        if not found.rows and not unanswered and not problems:
            problems.add(
                self.path.name,
                "The job has no rows.",
                "A job needs at least one row: check that this is the right file.",
            )
        return found

    def items(self) -> Iterator[Item]:
        """Each row's items, in order; checks the job first if that has not been done.

        Raises JobError if the rows' file has changed since: before the first item where its size or time and
        then its checksum show it, else where it shows or at the end.
        """
        problems = Problems()
        for _, items in self._as_checked(self._walk(problems), problems):
            yield from items

    @contextmanager
    def apart(self) -> Iterator[Callable[[str], Iterator[Item]]]:
        """The items by tenant, each tenant's as `items` would yield them, for as long as the block lasts.

        Raises JobError as `items` does, before the block begins, and if the temporary folder is full.
        """
        if self._checked is None:
            self.check()
        position = self._outline.tenant_column
        if position is None or (self._checked and len(self._checked.tenants) == 1):
            yield lambda _tenant: self.items()
            return
        problems = Problems()
        with closing(Apart()) as apart:
            numbered = enumerate(self._outline.rows.read(problems), 1)
            for row in self._as_checked(numbered, problems):
                apart.add(tenant_name(row[1][1][position]), row)
            yield lambda tenant: self._items_of(apart.read(tenant))

    def _items_of(self, rows: Iterable[Numbered]) -> Iterator[Item]:
        problems = Problems()
        for _, items in self._walk(problems, rows):
            if problems:
                changed(self.path.name)
            yield from items

    def _as_checked(self, stream: Iterable[_Any], problems: Problems) -> Iterator[_Any]:
        """What the rows yield, as long as they are what they were when they were checked."""
        if self._checked is None:
            self.check()
        files = self._outline.rows.files
        for file in files:
            self._require_unchanged(file)
        for each in stream:
            if problems:
                changed(self.path.name)
            yield each
        for file in files:
            if file.sha256 != self.inputs[file.path]:
                changed(file.name)
        if problems:
            changed(self.path.name)

    def _files(self) -> list[TextFile]:
        """The job file, and those of its rows if they are others."""
        head = self._outline.file
        return [head, *(file for file in self._outline.rows.files if file is not head)]

    def _require_unchanged(self, file: TextFile) -> None:
        if stamp_of(file.path) == self._stamps[file.path]:
            return
        with file.reading():
            pass
        if file.sha256 != self.inputs[file.path]:
            changed(file.name)

    def _walk(
        self, problems: Problems, numbered: Iterable[Numbered] | None = None, *, whole: bool = True
    ) -> Iterator[Walked]:
        """The items of each row, or of many; what is wrong with a row is told, and its items are left out.
        numbered: the rows, if not all. whole: with the row as it came in each item."""
        walk = Walk(self._outline, self._binder(problems), self._tenants(), problems, whole=whole)
        yield from walk.all() if numbered is None else walk.these(numbered)

    def _tenants(self) -> Tenants:
        return Tenants(self._outline, self.profiles)

    def _binder(self, problems: Problems) -> Binder:
        outline = self._outline
        return Binder(
            outline.rows,
            self._secret_positions,
            outline.secret,
            problems,
            outline.repeat,
            outline.api,
            self.granted,
        )

    def bind(self, problems: Problems) -> None:
        """Tell what is wrong with the steps as they are, whatever the rows hold."""
        binder = self._binder(problems)
        for numbered in self._numbered():
            binder.step(*numbered)
        for each in self._outline.asked:
            Job(each.question).bind(problems)
        if self._outline.asked:
            refuse_asked(self._outline, self._secret_positions, problems)

    def _numbered(self) -> Iterator[tuple[int, OutlineStep, tuple[Given, ...]]]:
        for number, step in enumerate(self._outline.steps, 1):
            yield number, step, self._outline.given(step)

    @property
    def secret_sets(self) -> tuple[str, ...]:
        """Names of the parameters given by --set whose values are shown nowhere."""
        given = (each for each in self._outline.common if each.where.startswith("--set"))
        return tuple(each.name for each in given if is_hidden(self._outline, each, self._secret_positions))

    def _shown(self, given: Given) -> Value:
        hidden = is_hidden(self._outline, given, self._secret_positions)
        return MASK if hidden else given.source.shown


def _asked(rows: AskedRows) -> dict[str, Any]:
    question = Job(rows.question).describe()["steps"]
    asked = {**(question[0] if question else {}), **({"tenant": rows.tenant} if rows.tenant else {})}
    digest = rows.file.sha256 if rows.file else ""
    return {"path": rows.name, "encoding": "utf-8", "asked": asked, "sha256": digest or None}


def _described(step: Step) -> dict[str, Any]:
    more = {"select": list(step.select), "api": step.api}
    return {
        "cmdlet": step.cmdlet,
        "parameters": step.shown(),
        **{name: value for name, value in more.items() if value},
        **step.sequel.described(),
    }


def _text(path: Path) -> str:
    """A path as JSON can hold it, even where its bytes are no text."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
