"""What `invoke` and `stream` raise when the service says no."""

from __future__ import annotations

from bulkexo.model import BulkexoError, Outcome, Status
from bulkexo.wire.repeat import GONE


class FailedError(BulkexoError):
    """The cmdlet failed. outcome: all that is known; its `error` has the service's code, type and words."""

    exit_code = 1

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        error = outcome.error
        super().__init__(f"{outcome.item.cmdlet}: {error.message if error else outcome.status.value}")


class NotFoundError(FailedError):
    """The service knows no such object; just after its creation it may not know it yet."""


class UnknownFateError(FailedError):
    """It was sent and never answered, and a second sending is not harmless: look before you do it again."""


def error_of(outcome: Outcome) -> FailedError | None:
    """The error that an outcome is; None if it went well."""
    if outcome.status.good:
        return None
    if outcome.status is Status.UNKNOWN:
        return UnknownFateError(outcome)
    if outcome.error is not None and GONE.said(outcome.error):
        return NotFoundError(outcome)
    return FailedError(outcome)
