"""An NDJSON job: a cmdlet a line, and the lines of a plan, which are one too.

    {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "ada@contoso.com", "Office": "Room 1"}}

Values are what they are in JSON: no text is read as anything else. Further keys: `tenant`, `select`,
`repeat`, `api` and `secret` as in a step of a YAML job; `tag`: what a program knows the line by, not sent;
`row` and `step`: lines that follow one another with the same row are its steps, in order. `change` and
`before` make a line one of a plan: what is not to change is left alone, and what has changed since is not
sent (see `model.Planned`). What else a plan says may stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from bulkexo.facts.catalogue import nearest
from bulkexo.job import cells
from bulkexo.job.course import STRAIGHT
from bulkexo.job.csvrows import MASK
from bulkexo.job.outline import CMDLET, CommandLine, Given, Outline, OutlineStep
from bulkexo.job.planned import ALONE, MADE, beside, course_of
from bulkexo.job.problems import Problems, changed, printable
from bulkexo.job.template import Columns, Getter, Row, Source
from bulkexo.job.text import TextFile, examine
from bulkexo.model import Planned, Repeat, Value
from bulkexo.wire.doors import APIS

TENANT: Final = "Tenant"
KEYS: Final = frozenset(
    {"cmdlet", "parameters", "tenant", "select", "repeat", "api", "secret", "row", "step", "tag"}
)
CARRIED: Final = frozenset({"identity", "change", "before", "after", "key", "why", "only_in_job"})
"""Keys of a plan: what they say of a line is `model.Planned`, and `only_in_job` why it cannot be run."""
LEVELS_REMEDY: Final = 'Write {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "…"}} on each line.'


class NdjsonRows:
    """The lines of a file. columns: the cmdlet, every parameter of all lines, the tenant if lines name one.
    steps: lines of a row. planned: whether it is a plan. secret: parameters that lines mark, in lower case.

    A row has one more cell than there are columns, which `line_of` reads.
    """

    typed = True

    def __init__(self, file: TextFile) -> None:
        self.file = file
        self.files: tuple[TextFile, ...] = (file,)
        self.steps = 1
        self.planned = False
        self.secret: frozenset[str] = frozenset()
        names: dict[str, str] = {}
        tenants = False
        for _, line in self._lines():
            parameters = line.get("parameters")
            for name in parameters if isinstance(parameters, dict) else ():
                names.setdefault(name.lower(), name)
            tenants = tenants or bool(line.get("tenant"))
            self.planned = self.planned or "change" in line
            self.steps = max(self.steps, _whole(line.get("step"), 1))
            if line.get("secret"):
                self.secret |= {str(name).lower() for name in _list(line["secret"])}
        self.columns = (CMDLET, *names.values(), *([TENANT] if tenants else []))
        self.tenant = len(self.columns) - 1 if tenants else None
        self._positions = {name: position for position, name in enumerate(names, 1)}

    def place(self, line: int, column: str | None = None) -> str:
        """A line, and a parameter of it, as messages write them."""
        return self.file.where(line) + (f", {printable(column)}" if column else "")

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """Each line that can be run: its number, a cell for each column ("" where it has none), and what else
        it says."""
        if self.planned and len(self.files) == 1:
            problems.warn(MADE, ALONE)
        for other in self.files[1:]:  # what stands beside a plan belongs to it
            with other.reading():
                pass
        row, step, last = 0, 0, None
        for number, line in self._lines():
            if not line:
                problems.add(self.place(number), "This line is no JSON object.", LEVELS_REMEDY)
                continue
            named = line.get("row")
            if named is None or named != last:
                self._require_whole(number, row, step, problems)
                row, step, last = row + 1, 0, named
            step += 1
            if _whole(line.get("step"), step) != step:
                what = f"Step {step} of this row should stand here."
                problems.add(self.place(number), what, "Keep all steps of a row, in order, or none.")
            cells_of = self._row(number, line, row, step, problems)
            if cells_of is not None:
                yield number, cells_of
        self._require_whole(0, row, step, problems)

    def _require_whole(self, number: int, row: int, step: int, problems: Problems) -> None:
        if row and step != self.steps:
            where = self.place(number) if number else self.file.name
            what = (
                f"The row before has {step} of {self.steps} steps." if number else "The last row lacks steps."
            )
            problems.add(where, what, "Delete all steps of a row, or none.")

    def _row(
        self, number: int, line: Mapping[str, Any], row: int, step: int, problems: Problems
    ) -> list[Any] | None:
        parameters = line.get("parameters", {})
        found: list[Any] = [""] * len(self.columns)
        found[0] = line.get("cmdlet", "")
        if not isinstance(found[0], str) or not isinstance(parameters, dict):
            problems.add(self.place(number), "The line names no cmdlet, or no parameters.", LEVELS_REMEDY)
            return None
        strange = sorted(line.keys() - KEYS - CARRIED)
        if strange:
            like = nearest(strange[0], KEYS)
            remedy = f"Did you mean {like}?" if like else f"Known are {', '.join(sorted(KEYS))}."
            problems.add(self.place(number), f"A line has no key {printable(strange[0])!r}.", remedy)
        if line.get("only_in_job"):
            problems.add(
                self.place(number), str(line["only_in_job"]), "Delete the row, or run the job itself."
            )
        given: list[int] = []
        for name, value in parameters.items():
            position = self._positions.get(name.lower())
            if position is None:
                changed(self.file.name)
            if value == MASK:
                what = f"{MASK} stands where a secret was left out, so this line cannot be run."
                problems.add(self.place(number, name), what, "Put the value in, or run the job itself.")
            if position in given:
                problems.add(
                    self.place(number, name), "The parameter is given twice.", "Keep one of the two."
                )
            given.append(position)
            found[position] = value
        if self.tenant is not None:
            found[self.tenant] = str(line.get("tenant") or "")
        options = {name: line[name] for name in ("select", "repeat", "api") if line.get(name)}
        more = [line.get("change"), line.get("before") or {}, line.get("tag")]
        return [*found, [row, step, sorted(given), options, *more]]

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return _lines_of(self.file)


class ObjectRows:
    """The objects of a file, one a line, as the rows of a YAML job: their members are the cells, with the
    types of JSON. columns: the members of all, in the order in which they come up. What is missing or null is
    an empty cell."""

    typed = True

    def __init__(self, file: TextFile, problems: Problems) -> None:
        file.report(problems)
        problems.raise_any()
        self.file = file
        self.files: tuple[TextFile, ...] = (file,)
        names: dict[str, str] = {}
        for _, members in _lines_of(file):
            for name in members:
                names.setdefault(name.lower(), name)
        self.columns = tuple(names.values())
        self._positions = {name: position for position, name in enumerate(names)}

    def place(self, line: int, column: str | None = None) -> str:
        """A line, and a member of the object there, as messages write them."""
        return self.file.where(line) + (f", column {printable(column)}" if column else "")

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """Each object: its line, and a cell for each column; "" where it has nothing."""
        for number, members in _lines_of(self.file):
            if not members:
                what = "This line is no JSON object with members."
                problems.add(self.place(number), what, 'Write {"Column": "value"} on each line.')
                continue
            row: list[Value] = [""] * len(self.columns)
            for name, member in members.items():
                position = self._positions.get(name.lower())
                if position is None:
                    changed(self.file.name)
                if member == MASK:
                    what = f"{MASK} stands where a run left out a secret."
                    problems.add(self.place(number, name), what, "Put the value in again.")
                row[position] = "" if member is None else member
            yield number, row


class Line:
    """What a line says beside its cells. row, step: its place in the job. given: places of its parameters.
    tag: see Item."""

    def __init__(self, row: Row) -> None:
        self.row, self.step, given, self.options, self._change, self._before, self.tag = row[-1]
        self.given: tuple[int, ...] = tuple(given)

    @property
    def kind(self) -> str:
        """What is the same for lines that make the same step."""
        return orjson.dumps([self.step, self.given, self.options]).decode()

    @property
    def planned(self) -> Planned | None:
        """What a plan says of it."""
        return None if self._change is None else Planned(str(self._change), self._before)

    def outline(self, cmdlet: str, where: str, problems: Problems) -> OutlineStep:
        """The step that the line is."""
        api, repeat = str(self.options.get("api", "")), self.options.get("repeat")
        if api and api not in APIS:
            problems.add(where, "api names no such interface.", f"Write one of {', '.join(APIS)}.")
        if repeat is not None and repeat not in set(Repeat):
            problems.add(where, "repeat is neither safe nor unsafe.", 'Write "repeat": "unsafe".')
            repeat = None
        select = tuple(str(name) for name in _list(self.options.get("select")))
        return OutlineStep(cmdlet, where, None, (), repeat and Repeat(repeat), select, api)


def read_outline(path: Path, command_line: CommandLine, problems: Problems) -> Outline:
    """Read the names in a file of lines. Problems are told; raises JobError where it cannot go on."""
    file = examine(path)
    file.report(problems)
    problems.raise_any()
    rows = NdjsonRows(file)
    columns = Columns(rows.columns, typed=True)
    if command_line.cmdlet is not None:
        problems.add("--cmdlet", "Every line of the file names its cmdlet.", "Leave out --cmdlet.")
    made = beside(path) if rows.planned else None
    rows.files += (made,) if made else ()
    if rows.planned and command_line.sets:
        problems.add("--set", "A plan is run as it was made.", "Make another one: bulkexo plan JOB --set ….")
    whole = tuple(
        Given(name, f"{file.name}, {printable(name)}", _literal(position, columns), name)
        for position, name in enumerate(columns.names)
        if 0 < position != rows.tenant
    )
    return Outline(
        kind="ndjson",
        file=file,
        rows=rows,
        columns=columns,
        steps=(),
        cmdlet_column=0,
        whole=whole,
        common=command_line.sets,
        secret=tuple(sorted(rows.secret)),
        secret_columns=tuple(name for name in columns.names if name.lower() in rows.secret),
        tenant_column=rows.tenant,
        course=course_of(made, problems) if rows.planned else STRAIGHT,
    )


def _literal(position: int, columns: Columns) -> Source:
    """The value as it stands; the lines say themselves which of them they have."""

    def bind(kind: Any) -> Getter:
        return lambda row: cells.typed(kind, row[position])

    return Source(frozenset({position}), f"${{{columns.names[position]}}}", bind, whole=position)


def _lines_of(file: TextFile) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line that is not blank; one that is no object as {}."""
    with file.reading() as text:
        for number, line in enumerate(text, 1):
            if line.strip():
                yield number, _object(line)


def _object(line: str) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _whole(value: Any, default: int) -> int:
    return value if isinstance(value, int) and 0 < value < 256 else default


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
