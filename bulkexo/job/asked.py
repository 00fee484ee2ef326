"""`rows: {cmdlet: Get-Mailbox, …}`: rows that are asked of a tenant, and read from the file that holds them.

    rows:
      cmdlet: Get-Mailbox                   a Get-, Search- or Test- cmdlet; every object it returns is a row
      parameters: {RecipientTypeDetails: SharedMailbox}
      select: [UserPrincipalName, Alias]    the columns; without it the members of the first object

A member that an object does not have, or that is null, is an empty cell; all others keep their type.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from bulkexo.job.outline import CMDLET, Outline
from bulkexo.job.problems import Problems, changed, printable
from bulkexo.job.template import Columns
from bulkexo.job.text import TextFile, require_file
from bulkexo.model import Value

_READS: Final = ("get-", "search-", "test-")
_SENDS: Final = frozenset({"test-message"})
"""What is called a test, and sends a message."""


def may_ask(cmdlet: str) -> bool:
    """Whether a cmdlet only reads."""
    name = cmdlet.strip().lower()
    return name.startswith(_READS) and name not in _SENDS


class OpenColumns(Columns):
    """The columns of rows that are not there yet: whatever a template names may be one."""

    def find(self, name: str) -> int | None:
        """The position of a column, which is one from now on."""
        position = super().find(name)
        if position is not None or name.strip().lower() == CMDLET.lower():
            return position
        self.add(name.strip())
        return super().find(name)


class AskedRows:
    """Rows of a tenant. question: a job of one item that asks for them. tenant: see Item.

    folder: where the answer is, None before it has been asked for; then there are no rows.
    number: of this question in the job, from 1, which names the file of the answer.
    """

    typed = True

    def __init__(self, question: Outline, number: int, folder: Path | None) -> None:
        self.question = question
        self.number = number
        self.tenant = ""
        self.name = "rows.ndjson" if number == 1 else f"rows-{number}.ndjson"
        self.file: TextFile | None = None
        self.columns = question.steps[0].select
        self.open = not self.columns
        if folder is not None:
            require_file(folder / self.name)
            self.file = TextFile(folder / self.name, "utf-8", sound=True)
            if self.open:
                self.columns, self.open = self._first(self.file), False

    @property
    def files(self) -> tuple[TextFile, ...]:
        """That of the answer."""
        return () if self.file is None else (self.file,)

    def place(self, line: int, column: str | None = None) -> str:
        """A line of the answer, and a member of the object there, as messages write them."""
        return f"{self.name}, line {line}" + (f", column {printable(column)}" if column else "")

    def read(self, problems: Problems) -> Iterator[tuple[int, Sequence[Value]]]:
        """Each object: its line, and a cell for each column."""
        if self.file is None:
            return
        places = {name.lower(): place for place, name in enumerate(self.columns)}
        with self.file.reading() as text:
            for number, line in enumerate(text, 1):
                row: list[Value] = [""] * len(self.columns)
                for name, member in _members(line, self.name).items():
                    place = places.get(name.lower())
                    if place is not None and member is not None:
                        row[place] = member
                yield number, row

    def _first(self, file: TextFile) -> tuple[str, ...]:
        with file.reading() as text:
            line = text.readline()
            return tuple(_members(line, self.name)) if line else ()


def _members(line: str, name: str) -> dict[str, Any]:
    """An object of the answer; what is no object, a name say, has the one member Value."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        changed(name)
    return found if isinstance(found, dict) else {"Value": found}
