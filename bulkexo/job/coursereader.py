"""Reads how a job is to go on: the keys `waves:`, `gate:` and `window:` (see course)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import time
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bulkexo.durations import duration
from bulkexo.facts.catalogue import nearest
from bulkexo.job import keys
from bulkexo.job.course import REST, Course, Gate, Size
from bulkexo.job.problems import Problems, printable
from bulkexo.job.template import Node
from bulkexo.model import Value
from bulkexo.pace.hours import DAYS, Hours

_SIZE: Final = re.compile(r"(\d{1,9}(?:\.\d{1,4})?)(%?)")
_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class CourseReader:
    """Reads the keys. where: a line, as messages write it."""

    def __init__(self, where: Callable[[int], str], problems: Problems) -> None:
        self._where = where
        self._problems = problems

    def read(self, nodes: Mapping[str, Node]) -> Course:
        """The course of a job with these keys at its top."""
        waves = self._waves(nodes["waves"]) if "waves" in nodes else ()
        gate = self._gate(nodes["gate"]) if "gate" in nodes else Gate()
        if "gate" in nodes and "waves" not in nodes:
            what = "The job has a gate: and no waves: that it could stand between."
            self._problem(nodes["gate"], what, "Write waves: [10, 500, rest].")
        hours = self._window(nodes["window"]) if "window" in nodes else None
        return Course(waves, gate, hours)

    def _problem(self, node: Node, what: str, remedy: str) -> None:
        self._problems.add(self._where(node.line), what, remedy)

    def _waves(self, node: Node) -> tuple[Size, ...]:
        entries = node.value if isinstance(node.value, list) else []
        sizes = [entry for entry in entries if _word(entry) != REST]
        rest = [number for number, entry in enumerate(entries, 1) if _word(entry) == REST]
        found = [_size(entry.value) for entry in sizes]
        if not found or rest not in ([], [len(entries)]) or None in found or not all(map(_some, found)):
            what = "waves: is no list of sizes, numbers of rows or shares, of which rest is the last."
            self._problem(node, what, "Write waves: [10, 500, 5%, rest].")
        return tuple(size for size in found if size)

    def _members(self, node: Node, name: str, known: Sequence[str], example: str) -> dict[str, Node]:
        members = node.value if isinstance(node.value, dict) else {}
        if not members:
            self._problem(node, f"{name}: says nothing.", f"Write {name}: {example}.")
        for key, member in members.items():
            if key.lower() not in known:
                like = nearest(key, known)
                remedy = f"Did you mean {like}?" if like else f"Known are {', '.join(known)}."
                self._problem(member, f"{name}: has no key {key!r}.", remedy)
        return {key.lower(): member for key, member in members.items()}

    def _gate(self, node: Node) -> Gate:
        example = "{failures: 2%, pause: 10m, approve: true}"
        members = self._members(node, "gate", keys.names(keys.GATE), example)
        failures = pause = approve = None
        if named := members.get("failures"):
            failures = _size(named.value)
            if failures is None:
                self._problem(named, "failures: is no number or share of rows.", "Write failures: 2%.")
        if named := members.get("pause"):
            try:
                pause = duration(named.value)
            except ValueError as error:
                self._problem(named, "pause: is no time.", str(error))
        if named := members.get("approve"):
            approve = named.value
            if not isinstance(approve, bool):
                self._problem(named, "approve: is neither true nor false.", "Write approve: true.")
        return Gate(failures, pause or 0.0, approve is True)

    def _window(self, node: Node) -> Hours | None:
        example = '{from: "20:00", to: "06:00", tz: Europe/Zurich, days: mon-fri}'
        members = self._members(node, "window", keys.names(keys.WINDOW), example)
        if not members:
            return None
        start, end = self._time(node, members, "from"), self._time(node, members, "to")
        zone = self._zone(node, members.get("tz"))
        days = self._days(members["days"]) if "days" in members else frozenset(range(7))
        if start is None or end is None or zone is None or not days:
            return None
        return Hours(start, end, zone, days)

    def _time(self, node: Node, members: Mapping[str, Node], name: str) -> time | None:
        found = _TIME.fullmatch(_word(members[name])) if name in members else None
        if found is None:
            what = f"window: needs {name}, a time of the day."
            self._problem(members.get(name, node), what, f'Write {name}: "20:00".')
            return None
        return time(int(found[1]), int(found[2]))

    def _zone(self, node: Node, named: Node | None) -> ZoneInfo | None:
        name = str(named.value).strip() if named else ""
        try:
            if name:
                return ZoneInfo(name)
            what, remedy = "window: does not say of which time zone.", "Write tz: Europe/Zurich."
        except (ZoneInfoNotFoundError, ValueError, OSError):
            known = available_timezones()
            what = f"{printable(name)!r} is no time zone that this machine knows."
            like = nearest(name, known)
            remedy = f"Did you mean {like}?" if like else "Write one like Europe/Zurich, or UTC."
            if not known:
                remedy = "It knows none at all: install the data, on Windows by `pip install tzdata`."
        self._problem(named or node, what, remedy)
        return None

    def _days(self, node: Node) -> frozenset[int]:
        words = node.value if isinstance(node.value, list) else None
        texts = [_word(each) for each in words] if words is not None else _word(node).split(",")
        found: set[int] = set()
        for text in texts:
            first, dash, last = (part.strip()[:3] for part in text.partition("-"))
            if first not in DAYS or (dash and last not in DAYS):
                what = f"{printable(text)!r} names no days."
                self._problem(node, what, "Write days: mon-fri, or days: [sat, sun].")
                return frozenset()
            begin = DAYS.index(first)
            length = (DAYS.index(last) - begin) % 7 if dash else 0
            found |= {(begin + number) % 7 for number in range(length + 1)}
        if not found:
            self._problem(node, "days: names no days.", "Write days: mon-fri, or leave it out.")
        return frozenset(found)


def _word(node: Node) -> str:
    return str(node.value).strip().lower()


def _some(size: Size | None) -> bool:
    return size is not None and (size.count != 0 if size.count is not None else size.share > 0)


def _size(value: Value | list[Node] | dict[str, Node]) -> Size | None:
    text = str(value).strip()
    match = None if isinstance(value, bool) else _SIZE.fullmatch(text)
    if match is None:
        return None
    number = Fraction(match[1])
    if match[2]:
        return Size(text, None, number / 100) if number <= 100 else None
    return Size(text, int(number)) if number.denominator == 1 else None
