"""What is found wrong with a job: all of it, of which the first 20 are told."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NoReturn

from bulkexo.model import JobError, Problem

TOLD = 20
"""Problems told of one job; the rest is a count."""

WARNED = 50
"""Warnings kept of one job."""


class Problems:
    """Collects problems and warnings; memory does not grow with their number."""

    def __init__(self) -> None:
        self._first: list[Problem] = []
        self._total = 0
        self._said: set[Hashable] = set()
        self._warnings: dict[Hashable, str] = {}

    def __bool__(self) -> bool:
        return self._total > 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences, each once, in the order they came up."""
        return tuple(self._warnings.values())

    def add(self, where: str, what: str, remedy: str) -> None:
        """One more problem. Sentences, each."""
        self._total += 1
        if len(self._first) < TOLD:
            self._first.append(Problem(where, what, remedy))

    def add_once(self, key: Hashable, where: str, what: str, remedy: str) -> None:
        """A problem that every row would repeat: told where it came up first."""
        if key not in self._said:
            self._said.add(key)
            self.add(where, what, remedy)

    def wants_warning(self, key: Hashable) -> bool:
        """Whether a warning of this key would be kept."""
        return key not in self._warnings and len(self._warnings) < WARNED

    def warn(self, key: Hashable, sentence: str) -> None:
        """A warning; one of each key is kept."""
        if self.wants_warning(key):
            self._warnings[key] = sentence

    def absorb(self, error: JobError) -> None:
        """Take over what another error tells; nothing if it tells these problems themselves."""
        if error.problems != tuple(self._first):
            self._first = [*self._first, *error.problems][:TOLD]
            self._total += error.total

    def error(self) -> JobError:
        """The error that tells them."""
        return JobError(self._first, self._total)

    def raise_any(self) -> None:
        """Raise JobError if there is a problem."""
        if self:
            raise self.error()


def printable(name: str, limit: int = 60) -> str:
    """A name as a line of a message can hold it: short, and without control characters."""
    short = name if len(name) <= limit else name[:limit] + "…"
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in short)


def changed(name: str) -> NoReturn:
    """Raise JobError: the file of this name is no longer what was read before."""
    fail(
        name,
        "The file has changed since it was read first.",
        "Nothing more of it is sent. Let the program that writes it finish, and start again.",
    )


def fail(where: str, what: str, remedy: str) -> NoReturn:
    """Raise JobError with this one problem."""
    raise JobError([Problem(where, what, remedy)])
