"""Outcomes as a run hands them on, for the tests of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bulkexo.model import Failure, Item, Outcome, Status, Value

NOT_FOUND = Failure(
    "NotFound",
    "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
    "The operation couldn't be performed because object 'ada' couldn't be found.",
    "ada",
)


def outcome(row: int = 17, cells: Mapping[str, Value] | None = None, **changes: Any) -> Outcome:
    """A success of Set-Mailbox, with changes."""
    item = Item(row, 1, "Set-Mailbox", "ada@contoso.com", {"Identity": "ada@contoso.com"}, cells or {})
    plain = Outcome(
        item=item,
        status=Status.SUCCEEDED,
        attempts=2,
        http_status=200,
        started=1795512600.1239,
        duration=0.8124,
        request_id="6f9304",
    )
    return replace(plain, **changes)


def failed(row: int = 17, cells: Mapping[str, Value] | None = None, **changes: Any) -> Outcome:
    return outcome(row, cells, status=Status.FAILED, error=NOT_FOUND, **changes)
