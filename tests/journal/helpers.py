"""Items and lines for the journal's tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bulkexo.journal import Results, RunFolder
from bulkexo.journal.lines import announcement, line
from bulkexo.model import Failure, Item, Outcome, Status


def item(row: int, step: int = 1, cmdlet: str = "New-Mailbox", name: str | None = None) -> Item:
    name = f"user{row}" if name is None else name
    return Item(row, step, cmdlet, name, {"Name": name}, {"Name": name})


def outcome(what: Item, status: Status = Status.SUCCEEDED) -> Outcome:
    error = None if status.good else Failure("Code", "Some.Type", "It went wrong.")
    return Outcome(what, status, 1, 200, 1.0, 0.5, "id", error=error)


async def put(results: Results, outcomes: Sequence[Outcome]) -> None:
    """Hand outcomes on as the scheduler does."""
    if (room := results.put(outcomes)) is not None:
        await room


def folder(path: Path, outcomes: Sequence[Outcome] = (), announced: Sequence[Item] = ()) -> RunFolder:
    """A run's folder that holds these lines."""
    made = RunFolder.create(path)
    made.results.write_bytes(b"".join(map(line, outcomes)))
    made.announced.write_bytes(b"".join(announcement([each], 0.0) for each in announced))
    return made
