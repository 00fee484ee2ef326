"""What a run has left, as the rows of a table: an object each, or an item each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from bulkexo.facts.causes import cause
from bulkexo.journal.returned import Line, Returned
from bulkexo.report.tables.columns import Row
from bulkexo.report.tables.flat import flat

VALUE_LEADS: Final = {
    "@row": "Row",
    "@tenant": "Tenant",
    "@step": "Step",
    "@cmdlet": "Cmdlet",
    "@identity": "RowIdentity",
}
"""What stands before the members of an object. No member has such a key: what begins with @ is a note."""
OUTCOME_LEADS: Final = {
    "@row": "Row",
    "@tenant": "Tenant",
    "@step": "Step",
    "@cmdlet": "Cmdlet",
    "@identity": "Identity",
    "@status": "Status",
    "@error": "Error",
    "@cause": "Cause",
    "@remedy": "Remedy",
    "@code": "ErrorCode",
    "@type": "ErrorType",
    "@target": "ErrorTarget",
    "@warnings": "Warnings",
    "@objects": "Objects",
    "@attempts": "Attempts",
    "@http": "HttpStatus",
    "@started": "Started",
    "@seconds": "Seconds",
    "@request": "RequestId",
}


def values(source: Returned) -> Iterator[Row]:
    """Each object that an item returned, flattened, with the item's row before it."""
    for line, value in source.objects():
        found = _leads(line)
        found.update(flat(value))
        yield found


def outcomes(lines: Iterable[Line]) -> Iterator[Row]:
    """Each item and how it ended."""
    return map(_outcome, lines)


def _leads(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {"@row": line["row"]}
    if tenant := line.get("tenant"):
        found["@tenant"] = tenant
    found["@step"], found["@cmdlet"], found["@identity"] = line["step"], line["cmdlet"], line["identity"]
    return found


def _outcome(line: Line) -> Row:
    found = _leads(line)
    pages = line.get("pages") or {}
    found |= {
        "@status": line["status"],
        "@warnings": line.get("warnings") or None,
        "@objects": pages.get("objects", len(line.get("value") or ())),
        "@attempts": line["attempts"],
        "@http": line.get("http_status"),
        "@started": line.get("started"),
        "@seconds": line["duration_ms"] / 1000,
        "@request": line.get("request_id"),
    }
    if error := line.get("error"):
        code, kind, message = (str(error.get(name) or "") for name in ("code", "type", "message"))
        why = cause(code, kind, message, line.get("http_status"))
        found |= {
            "@error": message,
            "@cause": why.words,
            "@remedy": why.remedy,
            "@code": code,
            "@type": kind,
            "@target": error.get("target"),
        }
    return found
