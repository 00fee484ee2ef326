"""YAML as events and nodes with lines, by the rules of YAML 1.2: no `yes`, no octal, no times of day.

Nothing is constructed by tag, and aliases are refused, so that a small file cannot become a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NoReturn, TypeAlias

import yaml
from yaml import events as ev
from yaml.reader import Reader, ReaderError

from bulkexo.job.cells import encodable
from bulkexo.job.literal import DEPTH
from bulkexo.job.problems import Problems, fail
from bulkexo.job.template import Node
from bulkexo.job.text import TextFile

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_WORDS = {"null": None, "Null": None, "NULL": None, "~": None, "": None} | {
    word: value for value in (True, False) for word in (str(value), str(value).lower(), str(value).upper())
}
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_PLAIN_TAGS = (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

Scalar: TypeAlias = str | int | float | bool | None


def resolve(text: str) -> Scalar:
    """What an unquoted scalar is; a number only in its plainest form: 0123, +41 and 1.50 are text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and abs(int(text)) < 1 << 63:
        return int(text)
    if _DECIMAL.fullmatch(text) and len(text) < 20 and repr(float(text)) == text:
        return float(text)
    return text


def line_of(event: Any) -> int:
    """The line of an event, from 1."""
    return int(event.start_mark.line) + 1


class Events:
    """The events of one document in turn, and nodes made of them. Raises JobError where it is no YAML."""

    def __init__(self, file: TextFile, text: Any, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._events = self._parse(text)
        self.opening = self._open()

    def next(self) -> Any:
        """The next event."""
        return next(self._events)

    def close(self) -> None:
        """Read to the end; a second document is a problem."""
        for event in self._events:
            if isinstance(event, ev.DocumentStartEvent):
                self.problem(line_of(event), "A second document begins here.", "A job is one document.")
                return

    def problem(self, line: int, what: str, remedy: str) -> None:
        """Tell a problem of this file."""
        self._problems.add(self._file.where(line), what, remedy)

    def keys(self, *, inside: str) -> Iterator[tuple[str, int]]:
        """The keys of the mapping that has just begun, and their lines; the caller reads each value."""
        seen: set[str] = set()
        while not isinstance(event := self.next(), ev.MappingEndEvent):
            line = line_of(event)
            if not isinstance(event, ev.ScalarEvent):
                self.problem(line, f"A key of {inside} is no text.", "Write a name before the colon.")
                self.skip(event)
                self.skip(self.next())
                continue
            name = str(event.value)
            self._check_text(name, line)
            if name == "<<":
                self.problem(line, "Merge keys (<<) are not read.", "Write the values out.")
            elif name.lower() in seen:
                self.problem(line, f"The key {name} of {inside} is given twice.", "Keep one of the two.")
            seen.add(name.lower())
            yield name, line

    def reach(self, key: str) -> Any:
        """The event that begins the value of this key of the document, if it has it. Tells nothing."""
        if not isinstance(self.opening, ev.MappingStartEvent):
            return None
        while not isinstance(event := self.next(), ev.MappingEndEvent):
            self.skip(event)
            found = isinstance(event, ev.ScalarEvent) and str(event.value).lower() == key
            event = self.next()
            if found:
                return event
            self.skip(event)
        return None

    def skip(self, event: Any) -> None:
        """Pass over the value that begins with this event."""
        level = 0
        while True:
            if isinstance(event, ev.CollectionStartEvent):
                level += 1
            elif isinstance(event, ev.CollectionEndEvent):
                level -= 1
            if not level:
                return
            event = self.next()

    def node(self, event: Any, *, inside: str, depth: int = 0) -> Node:
        """The value that begins with this event."""
        line = line_of(event)
        if isinstance(event, ev.AliasEvent):
            self.problem(line, f"Aliases (*{event.anchor}) are not read.", "Write the value out.")
            return Node(line, None)
        if depth > DEPTH:
            self._stop(
                line, f"Hashtables and lists go deeper than {DEPTH} levels.", "Make the value flatter."
            )
        if isinstance(event, ev.ScalarEvent):
            return self._scalar(event, line)
        if event.tag not in _PLAIN_TAGS:
            self._tag(event, line)
        if isinstance(event, ev.SequenceStartEvent):
            items = []
            while not isinstance(inner := self.next(), ev.SequenceEndEvent):
                items.append(self.node(inner, inside=inside, depth=depth + 1))
            return Node(line, items)
        members = {}
        for name, key_line in self.keys(inside=inside):
            member = self.node(self.next(), inside=name, depth=depth + 1)
            members[name] = Node(key_line, member.value, member.empty)
        return Node(line, members)

    def _scalar(self, event: Any, line: int) -> Node:
        text = str(event.value)
        self._check_text(text, line)
        if event.implicit[0] and event.tag is None:
            return Node(line, resolve(text), empty=text == "")
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self._tag(event, line)
        return Node(line, text)

    def _check_text(self, text: str, line: int) -> None:
        if not encodable(text):
            self.problem(line, "There is half of a character here (\\ud800 to \\udfff).", "Write it whole.")

    def _tag(self, event: Any, line: int) -> None:
        self.problem(line, f"The tag {event.tag[:60]} is not read.", "Leave it out; quotes make text.")

    def _open(self) -> Any:
        """The event that begins the document's value."""
        self.next()
        event = self.next()
        if isinstance(event, ev.StreamEndEvent):
            fail(
                self._file.name, "The file is empty.", "A job needs at least a cmdlet:, or rows: and steps:."
            )
        return self.next()

    def _parse(self, text: Any) -> Iterator[Any]:
        try:
            yield from yaml.parse(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            self._syntax(error)
        except ReaderError:
            self._control_character()
        except (yaml.YAMLError, ValueError, RecursionError):
            fail(self._file.name, "This cannot be read as YAML.", "Check it with an editor that knows YAML.")

    def _syntax(self, error: yaml.MarkedYAMLError) -> NoReturn:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = " ".join(part for part in (error.problem, error.context) if part)
        remedy = "Check the indentation, the colons and the quotes there."
        if "${" in self._source_line(line):
            remedy = 'Inside { } and [ ] a template needs quotes: "${Column}".'
        self._stop(line, f"This is no YAML at column {column}: {said}.", remedy)

    def _control_character(self) -> NoReturn:
        with self._file.reading() as text:
            lines = enumerate(text, 1)
            line = next((number for number, line in lines if Reader.NON_PRINTABLE.search(line)), 1)
        self._stop(line, "There is a control character here, which YAML does not allow.", "Delete it.")

    def _source_line(self, line: int) -> str:
        with self._file.reading() as text:
            return next(islice(text, line - 1, None), "")

    def _stop(self, line: int, what: str, remedy: str) -> NoReturn:
        self.problem(line, what, remedy)
        raise self._problems.error()
