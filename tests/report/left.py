"""Folders of runs, written for a test as a run leaves them."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from bulkexo.journal import RunFolder
from bulkexo.report.html import write_report

BEGAN = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NOT_FOUND = {
    "code": "NotFound",
    "type": "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
    "message": "The operation couldn't be performed because object 'x' couldn't be found on 'DC'.",
    "target": "",
}
BUSY = {"code": "bulkexo:http-503", "type": "", "message": "Busy.", "target": ""}
UNKNOWN = {
    "code": "bulkexo:unknown",
    "type": "",
    "message": "New-InboxRule was sent, and no more.",
    "target": "",
}
LEFT_OUT = {"code": "bulkexo:rule", "type": "", "message": "Step 2 was left out.", "target": ""}
AFTER = {"code": "bulkexo:earlier-step", "type": "", "message": "Step 2 was not sent.", "target": ""}


def at(seconds: float) -> str:
    """A time of the run, as its files have it."""
    return (BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def item(
    row: int, status: str = "succeeded", error: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A line of results.ndjson; the items end 40 a second."""
    sent = more.get("attempts", 1) > 0
    return {
        "row": row,
        "step": 1,
        "cmdlet": "Set-Mailbox",
        "identity": f"mailbox{row}@contoso.com",
        "status": status,
        "attempts": 1,
        "http_status": 200,
        "started": at(row / 40) if sent else None,
        "duration_ms": 200 + row % 100 if sent else 0,
        "request_id": None,
        "value": [],
        "warnings": [],
        "error": error,
        "key": f"{row:016x}",
        **more,
    }


def run(folder: Path, lines: Iterable[Mapping[str, Any]], **more: Any) -> RunFolder:
    """The folder with these results, and run.json with `more` in it."""
    folder.mkdir(parents=True, exist_ok=True)
    found = list(lines)
    with (folder / "results.ndjson").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in found)
    ended = [line.get("status") for line in found]
    statuses = ("succeeded", "unchanged", "failed", "skipped", "unknown")
    document = {
        "bulkexo": "0.1.0",
        "state": "complete",
        "reason": "",
        "started": at(0),
        "ended": at(max(1.0, len(found) / 40)),
        "job": {
            "path": "/jobs/offices.csv",
            "rows": {"path": "/jobs/offices.csv", "encoding": "utf-8"},
            "columns": ["Identity", "Office"],
            "steps": [
                {"cmdlet": "Set-Mailbox", "parameters": {"Identity": "${Identity}", "Office": "${Office}"}}
            ],
        },
        "options": {"tenant": "contoso.onmicrosoft.com", "rate": 20},
        "signed_in": [{"tenant_id": "t-1", "user": "ada@contoso.com", "app": "fb78", "at": at(0)}],
        "counts": {
            "items": len(found),
            "ended": len(found),
            **{status: ended.count(status) for status in statuses},
            "sent": len(found) + 4,
            "throttled": 4,
        },
        **more,
    }
    (folder / "run.json").write_text(json.dumps(document), encoding="utf-8")
    return RunFolder(folder)


def progress(folder: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """progress.ndjson with these lines."""
    text = "".join(json.dumps({"state": "running", "pid": 7, **line}) + "\n" for line in lines)
    (folder / "progress.ndjson").write_text(text, encoding="utf-8")


def page(folder: RunFolder, **more: Any) -> str:
    """The report of a run."""
    made = write_report(folder, folder.path / "report.html", **more)
    text = made.path.read_text(encoding="utf-8")
    assert made.size == len(text.encode())
    assert not list(folder.path.glob("*.new"))
    return text


def packed(html: str) -> list[list[Any]]:
    """The rows of its table, unpacked."""
    found = re.search(r'id="packed">([^<]*)<', html)
    assert found
    text = zlib.decompress(base64.b64decode(found[1]), wbits=-zlib.MAX_WBITS)
    return [json.loads(line) for line in text.splitlines()]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._quiet = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._quiet += tag in ("style", "script", "svg")

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= tag in ("style", "script", "svg")

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.found.append(data)


def words(html: str) -> str:
    """What a person reads where scripts are off, as one line."""
    parser = _Words()
    parser.feed(html)
    return " ".join(" ".join(parser.found).split())
