"""A YAML job's keys: what each may hold, and the outline that they make. keys.py has them all, with words.

Keys are read in any case, options with - or _.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from yaml import events as ev

from bulkexo.facts.catalogue import nearest
from bulkexo.job import keys
from bulkexo.job.asked import AskedRows, OpenColumns, may_ask
from bulkexo.job.coursereader import CourseReader
from bulkexo.job.outline import (
    CMDLET,
    CommandLine,
    Given,
    OneRow,
    Outline,
    OutlineStep,
    Rows,
    every_column,
)
from bulkexo.job.problems import Problems, printable
from bulkexo.job.rowfiles import KEYS as ROW_KEYS
from bulkexo.job.rowfiles import SUFFIXES, named_in, of_one_sheet, read_rows
from bulkexo.job.select import names_in, selected
from bulkexo.job.sequel import SequelReader, with_keeps
from bulkexo.job.template import Columns, Node, from_node
from bulkexo.job.tenants import TenantsReader
from bulkexo.job.text import TextFile, examine
from bulkexo.job.yamldoc import Events
from bulkexo.job.yamlrows import InlineRows, scan_columns
from bulkexo.model import Repeat
from bulkexo.wire.doors import APIS

_STEP_KEYS: Final = keys.names((*keys.SHARED, *keys.SEQUEL))
_KEYS: Final = keys.names(keys.TOP)
_OF_ONE_STEP: Final = keys.names(keys.OF_ONE_STEP)
_ASKED_KEYS: Final = keys.names(keys.ASKED)
_LISTS: Final = frozenset({"export", "ignore"})
"""Options of which a job can name several."""


def read_outline(
    path: Path,
    command_line: CommandLine,
    option_names: Collection[str],
    problems: Problems,
) -> Outline:
    """Read all of the job but its inline rows. Problems are told; raises JobError where it cannot go on."""
    file = examine(path)
    file.report(problems)
    problems.raise_any()
    nodes, columns = _top_level(file, problems)
    reader = _Reader(file, nodes, problems, command_line)
    options = reader.options(option_names)
    inline = None if columns is None else InlineRows(file, columns)
    tenants = TenantsReader(file.where, reader.rows, problems)
    named = nodes.get("tenants")
    rows, places = tenants.rows(named, nodes.get("rows"), inline)
    outline = reader.outline(rows, command_line, options)
    return outline if named is None else tenants.outline(outline, named, places)


def _top_level(file: TextFile, problems: Problems) -> tuple[dict[str, Node], tuple[str, ...] | None]:
    """The values of the keys, and the columns of inline rows (None if the rows are not inline)."""
    nodes: dict[str, Node] = {}
    columns = None
    with file.reading() as text:
        events = Events(file, text, problems)
        if not isinstance(events.opening, ev.MappingStartEvent):
            events.problem(
                1, "A job is a mapping of keys to values.", "Write cmdlet:, rows:, steps: and so on."
            )
            raise problems.error()
        for key, line in events.keys(inside="the job"):
            event = events.next()
            name = key.lower().replace("-", "_")
            if name == "rows" and isinstance(event, ev.SequenceStartEvent):
                columns = scan_columns(events)
            else:
                node = events.node(event, inside=key)
                nodes[name] = Node(line, node.value, node.empty)
        events.close()
    return nodes, columns


class _Reader:
    """Reads the keys of one job. nodes: their values by name, with the line of the key."""

    def __init__(
        self, file: TextFile, nodes: Mapping[str, Node], problems: Problems, line: CommandLine
    ) -> None:
        self.answers, self.sheet = line.answers, line.sheet
        self.asked: list[AskedRows] = []
        self.file = file
        self.nodes = nodes
        self.problems = problems

    def problem(self, line: int, what: str, remedy: str) -> None:
        self.problems.add(self.file.where(line), what, remedy)

    def unknown(self, name: str, line: int, known: Collection[str], inside: str) -> None:
        like = nearest(name, known)
        remedy = f"Did you mean {like}?" if like else f"Known are {', '.join(sorted(known))}."
        self.problem(line, f"{inside} has no key {name!r}.", remedy)

    def options(self, option_names: Collection[str]) -> dict[str, Node]:
        """The options of the command line that stand in the job."""
        known = {name.lower().replace("-", "_") for name in option_names} | {"tenant"}
        found: dict[str, Node] = {}
        for name, node in self.nodes.items():
            if name not in known:
                if name not in _KEYS:
                    self.unknown(name, node.line, {*_KEYS, *known}, "A job")
            elif isinstance(node.value, dict if name in _LISTS else list | dict) or node.empty:
                self.problem(node.line, f"The option {name} needs one value.", f"Write {name}: VALUE.")
            else:
                found[name] = node
        return found

    def rows(self, node: Node | None) -> Rows:
        """The rows that `rows:` names, or one if there is none."""
        if node is None:
            return OneRow(self.file.name)
        name, sheet = node.value, None
        if isinstance(name, dict):
            if not any(key.lower() == "file" for key in name):
                self.asked.append(AskedRows(self.question(node), len(self.asked) + 1, self.answers))
                return self.asked[-1]
            unknown = partial(self.unknown, known=ROW_KEYS, inside="rows:")
            name, sheet = named_in(name, node.line, self.file.where, unknown, self.problems)
        if not isinstance(name, str) or not name.strip():
            self.problem(node.line, "rows: names no rows.", "Name a file, or write a list of mappings.")
            raise self.problems.error()
        path, where = self.file.path.parent / name, self.file.where(node.line)
        of_one_sheet(path, sheet, where, self.problems)
        if sheet is None and path.suffix.lower() in SUFFIXES:
            sheet = self.sheet
        return read_rows(path, sheet, where, self.problems)

    def question(self, node: Node) -> Outline:
        """A job of one item that asks for rows."""
        members = node.value if isinstance(node.value, dict) else {}
        found = {name.lower(): member for name, member in members.items()}
        for name, member in members.items():
            if name.lower() not in _ASKED_KEYS:
                self.unknown(name, member.line, _ASKED_KEYS, "A question for rows")
        cmdlet = self.cmdlet(found.get("cmdlet", Node(node.line, None)))
        if cmdlet and not may_ask(cmdlet):
            what = f"{printable(cmdlet)} does not only read, so no rows are asked for by it."
            self.problem(node.line, what, "Ask by a Get-, Search- or Test- cmdlet.")
        columns = Columns((), typed=True)
        given = self.parameters(found.get("parameters"), columns) or ()
        where = self.file.where(node.line)
        select, api = self.select(found.get("select")), self.api(found.get("api"))
        step = OutlineStep(cmdlet, where, given, select=select, api=api)
        return Outline(kind="yaml", file=self.file, rows=OneRow(where), columns=columns, steps=(step,))

    def outline(self, rows: Rows, command_line: CommandLine, options: Mapping[str, Node]) -> Outline:
        unknown = any(each.open for each in self.asked)
        columns = (OpenColumns if unknown else Columns)(rows.columns, typed=rows.typed)
        given = self.parameters(self.nodes.get("parameters"), columns)
        select = command_line.select or self.select(self.nodes.get("select"))
        steps = self.steps(columns, command_line, given, select)
        by_column = columns.find(CMDLET) if not steps else None
        every = every_column(columns, rows.place(getattr(rows, "header_line", 0) or 1))
        if not steps and by_column is None:
            self.problem(
                1, "The job names no cmdlet.", "Write cmdlet: Set-Mailbox, or steps:, or a Cmdlet column."
            )
        for step in steps:
            if step.given is None and columns.find(CMDLET) is not None:
                what = "The rows have a column Cmdlet, and the job names a cmdlet too."
                self.problems.add(step.where, what, "Leave out one of them, or write parameters:.")
            if step.given is None and any(not each.question.steps[0].select for each in self.asked):
                what = "Every member of every object would be a parameter."
                self.problems.add(step.where, what, "Write parameters:, or select: the columns in rows:.")
        common = self.common(columns, command_line.sets)
        return Outline(
            kind="yaml",
            file=self.file,
            rows=rows,
            columns=columns,
            steps=steps,
            cmdlet_column=by_column,
            whole=every if given is None else given,
            common=common,
            secret=tuple(name.lower() for name in self.names(self.nodes.get("secret"), "secret")),
            secret_columns=tuple(self.secret_columns(columns)),
            options={name: node.plain() for name, node in options.items()},
            option_lines={name: node.line for name, node in options.items()},
            repeat=self.repeat(self.nodes.get("repeat")),
            select=select,
            api=self.api(self.nodes.get("api")),
            asked=tuple(self.asked),
            course=CourseReader(self.file.where, self.problems).read(self.nodes),
        )

    def steps(
        self,
        columns: Columns,
        command_line: CommandLine,
        given: tuple[Given, ...] | None,
        select: tuple[str, ...],
    ) -> tuple[OutlineStep, ...]:
        """The steps; none if a column is to name the cmdlet."""
        listed = self.nodes.get("steps")
        top = self.nodes.get("cmdlet")
        if listed is None:
            alone = {name: node for name, node in self.nodes.items() if name in _OF_ONE_STEP}
            sequel = SequelReader(self.file.where, columns, self.problems).read(alone)
            if command_line.cmdlet is not None:
                return (OutlineStep(command_line.cmdlet, "--cmdlet", given, select=select, sequel=sequel),)
            if top is None:
                return ()
            where = self.file.where(top.line)
            return (OutlineStep(self.cmdlet(top), where, given, select=select, sequel=sequel),)
        for name in ("cmdlet", "parameters", "select", "keep"):
            if name in self.nodes:
                what = f"The job has both steps: and {name}: at the top."
                self.problem(self.nodes[name].line, what, "Put it into the steps.")
        if command_line.cmdlet is not None:
            self.problems.add("--cmdlet", "The steps of the job name their cmdlets.", "Leave out --cmdlet.")
        if command_line.select:
            what = "The steps of the job say themselves what they select."
            self.problems.add("--select", what, "Leave out --select.")
        if not isinstance(listed.value, list) or not listed.value:
            self.problem(listed.line, "steps: is no list of steps.", "Write - cmdlet: Set-Mailbox under it.")
            return ()
        sequels = SequelReader(self.file.where, columns, self.problems)
        made = [self.step(node, columns, sequels) for node in listed.value]
        refs = [[ref for given in step.given or () for ref in given.source.refs] for step in made]
        kept = with_keeps([step.sequel for step in made], refs)
        return tuple(replace(step, sequel=sequel) for step, sequel in zip(made, kept, strict=True))

    def step(self, node: Node, columns: Columns, sequels: SequelReader) -> OutlineStep:
        members = node.value if isinstance(node.value, dict) else {}
        found = {name.lower(): member for name, member in members.items()}
        for name, member in members.items():
            if name.lower() not in _STEP_KEYS:
                self.unknown(name, member.line, _STEP_KEYS, "A step")
        common = {name: self.nodes[name] for name in ("retry_not_found",) if name in self.nodes}
        sequel = sequels.read({**common, **found})
        step = OutlineStep(
            self.cmdlet(found.get("cmdlet", Node(node.line, None))),
            self.file.where(node.line),
            self.parameters(found.get("parameters"), columns, sequels.steps),
            tuple(self.names(found.get("secret"), "secret")),
            self.repeat(found.get("repeat")),
            self.select(found.get("select")),
            self.api(found.get("api")),
            sequel,
        )
        sequels.named(sequel.name)
        return step

    def select(self, node: Node | None) -> tuple[str, ...]:
        """The properties wanted: a list of names, or a text with commas."""
        if node is None:
            return ()
        texts = self.names(node, "select")
        return selected(chain.from_iterable(map(names_in, texts)), self.file.where(node.line), self.problems)

    def cmdlet(self, node: Node) -> str:
        if isinstance(node.value, str) and node.value.strip():
            return node.value
        self.problem(node.line, "No cmdlet is named here.", "Write cmdlet: Set-Mailbox.")
        return ""

    def parameters(
        self, node: Node | None, columns: Columns, steps: Mapping[str, int] | None = None
    ) -> tuple[Given, ...] | None:
        """The parameters of a step; None if it has no such key, so that every column is one. steps: see
        from_node."""
        if node is None:
            return None
        if not isinstance(node.value, dict):
            what = "What stands here is no mapping of parameters to values."
            self.problem(node.line, what, "Write Identity: ${Column} and so on, indented; {} for none.")
            return ()
        return tuple(self.given(node.value, columns, steps))

    def given(
        self, members: Mapping[str, Node], columns: Columns, steps: Mapping[str, int] | None = None
    ) -> Iterator[Given]:
        for name, node in members.items():
            source = from_node(node, columns, self.file.where, self.problems, steps)
            yield Given(name, self.file.where(node.line), source)

    def common(self, columns: Columns, sets: tuple[Given, ...]) -> tuple[Given, ...]:
        """The parameters of every row: those of `set:`, but `--set` comes first."""
        node = self.nodes.get("set")
        if node is None:
            return sets
        if not isinstance(node.value, dict):
            self.problem(
                node.line, "set: is no mapping of parameters to values.", "Write set: {Name: value}."
            )
            return sets
        overridden = {each.name.lower() for each in sets}
        kept = {name: member for name, member in node.value.items() if name.lower() not in overridden}
        return (*self.given(kept, columns), *sets)

    def names(self, node: Node | None, key: str) -> Iterator[str]:
        """The names in a list, or the one name."""
        if node is None:
            return
        for each in node.value if isinstance(node.value, list) else [node]:
            if isinstance(each.value, str) and each.value:
                yield each.value
            else:
                self.problem(
                    each.line, f"{key}: holds something that is no name.", f"Write {key}: [Name, Name]."
                )

    def repeat(self, node: Node | None) -> Repeat | None:
        """What a step says of sending it twice."""
        if node is None:
            return None
        try:
            return Repeat(str(node.value).strip().lower())
        except ValueError:
            self.problem(
                node.line, "repeat: is neither safe nor unsafe.", "Write repeat: unsafe, or leave it out."
            )
            return None

    def api(self, node: Node | None) -> str:
        """Where a step is to run."""
        name = "" if node is None else str(node.value).strip().lower()
        if node is not None and name not in APIS:
            self.problem(node.line, "api: names no such interface.", f"Write one of {', '.join(APIS)}.")
        return name

    def secret_columns(self, columns: Columns) -> Iterator[str]:
        """The columns that `columns:` marks."""
        node = self.nodes.get("columns")
        if node is None:
            return
        members = node.value if isinstance(node.value, dict) else {}
        if not members:
            self.problem(node.line, "columns: marks no column.", "Write columns: {Pin: {secret: true}}.")
        for name, member in members.items():
            marks = member.value if isinstance(member.value, dict) else {}
            if columns.find(name) is None:
                self.unknown_column(name, member.line, columns.names)
            if set(marks) != {"secret"} or not isinstance(marks["secret"].value, bool):
                what = f"The column {name} is marked with something other than secret: true or false."
                self.problem(member.line, what, f"Write {name}: {{secret: true}}.")
            elif marks["secret"].value:
                yield name

    def unknown_column(self, name: str, line: int, names: Sequence[str]) -> None:
        like = nearest(name, names)
        remedy = f"Did you mean {like}?" if like else f"The columns are {', '.join(names[:20])}."
        self.problem(line, f"The rows have no column {name!r}.", remedy)
