"""Runs that have ended, made for a test: the folder alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from bulkexo.journal import RunFolder
from bulkexo.journal.lines import line
from bulkexo.model import Failure, Item, Outcome, Status


def ended(
    row: int,
    *value: Any,
    step: int = 1,
    cmdlet: str = "Get-Mailbox",
    tenant: str = "",
    status: Status = Status.SUCCEEDED,
    error: Failure | None = None,
) -> bytes:
    """A line of results.ndjson."""
    item = Item(row, step, cmdlet, f"user{row}@contoso.com", {}, {}, tenant=tenant)
    code = 200 if status.good else 404
    return line(Outcome(item, status, 1, code, 1_795_512_600.5, 0.25, f"id-{row}", value, error=error))


def run(path: Path, lines: Sequence[bytes], state: str = "complete") -> RunFolder:
    """A folder with these lines."""
    folder = RunFolder(path)
    path.mkdir()
    folder.write({"state": state, "started": "2026-11-24T09:30:00.000Z", "job": {"path": "job.csv"}})
    folder.results.write_bytes(b"".join(lines))
    return folder


def paged(folder: RunFolder, row: int, objects: Sequence[Mapping[str, Any]], beyond: bytes = b"") -> bytes:
    """The line of an item whose objects stand in a file of pages. beyond: what is void behind them."""
    content = b"".join(orjson.dumps(each) + b"\n" for each in objects)
    folder.pages.mkdir(exist_ok=True)
    (folder.pages / f"{row}.ndjson").write_bytes(content + beyond)
    document = orjson.loads(ended(row))
    document["pages"] = {"path": f"pages/{row}.ndjson", "objects": len(objects), "bytes": len(content)}
    return orjson.dumps(document) + b"\n"
