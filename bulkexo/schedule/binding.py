"""Stopping early where every row will fail: what the cmdlet, or this identity's role, does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bulkexo.model import Failure, Outcome, Status
from bulkexo.wire.errors import last_part

ENOUGH = 20
"""Items of a cmdlet that must have failed so, and none otherwise: two batches, for rows can differ."""

FORBIDDEN = 403

PARAMETER = (
    "{cmdlet} fails for every row: {message} Correct the parameter in the job and resume with "
    "--accept-changed-input, or give the identity a role that grants it and resume."
)
ROLE = (
    "{cmdlet} is refused for every row: {message} An app needs a directory role besides Exchange.ManageAsApp,"
    " a person a role of Exchange; it can take an hour until a new one counts."
)


class Binding:
    """Watches outcomes for `ParameterBindingException` (protocol.md: every row will fail, so stop early), and
    for 403 without an exception, which is turned away at the door (protocol.md, Roles)."""

    def __init__(self) -> None:
        self._failed: Counter[tuple[str, str]] = Counter()
        self._fine: set[str] = set()

    def hopeless(self, outcomes: Iterable[Outcome]) -> str:
        """A sentence if a cmdlet has failed so for all of its items up to now, else ""."""
        for outcome in outcomes:
            cmdlet, error = outcome.item.cmdlet, outcome.error
            if outcome.status is Status.SKIPPED:
                continue
            reason = _reason(outcome, error) if error is not None else ""
            if error is None or not reason:
                self._fine.add(cmdlet)
                continue
            self._failed[cmdlet, reason] += 1
            if self._failed[cmdlet, reason] >= ENOUGH and cmdlet not in self._fine:
                return reason.format(cmdlet=cmdlet, message=error.message)
        return ""


def _reason(outcome: Outcome, error: Failure) -> str:
    kind = error.type
    if last_part(kind) == "ParameterBindingException":
        return PARAMETER
    return ROLE if outcome.http_status == FORBIDDEN and not kind else ""
