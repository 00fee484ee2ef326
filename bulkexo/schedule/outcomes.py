"""The line that a ticket leaves in the results. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from bulkexo.model import Failure, Outcome, Status
from bulkexo.redact import blot, secret_texts
from bulkexo.schedule.lanes import Ticket
from bulkexo.schedule.settle import harmless
from bulkexo.wire import Action, Verdict
from bulkexo.wire.repeat import done_before

NO_ANSWER_TO_IT = frozenset({Action.UNANSWERED, Action.PASSING, Action.BUSY, Action.FAULT, Action.RESTART})
"""What says nothing of an earlier sending whose answer was lost."""


def outcome(ticket: Ticket, verdict: Verdict, now: float, *, strict: bool) -> Outcome:
    """The outcome of a ticket that ends with this verdict. now: seconds of the loop."""
    item = ticket.item
    status, error = _status(ticket, verdict)
    warnings: Sequence[str] = verdict.warnings
    value: Sequence[Any] = verdict.value
    if ticket.pages or ticket.warnings:  # each page may say the same again
        warnings = list(dict.fromkeys([*ticket.warnings, *warnings]))
        value = [*ticket.pages, *value]
    if item.secrets:  # the service may quote what it was sent
        secrets = secret_texts(item)
        warnings, value = blot(warnings, secrets), blot(value, secrets)
        error = error and Failure(*(blot(text, secrets) for text in astuple(error)))
    if status.good and error is not None:
        warnings, error = [*warnings, error.message], None
    if status is Status.UNCHANGED and strict:
        status, error = Status.FAILED, Failure("bulkexo:unchanged", "", " ".join(warnings))
    return Outcome(
        item=item,
        status=status,
        attempts=ticket.attempts,
        http_status=verdict.status,
        started=ticket.started,
        duration=max(0.0, now - ticket.began) if ticket.started is not None else 0.0,
        request_id=verdict.request_id or ticket.request_id,
        value=value,
        warnings=warnings,
        error=error,
    )


def skipped(ticket: Ticket) -> Outcome:
    """A later step whose row had failed."""
    reason = f"Step {ticket.item.step} was not sent: an earlier step of the row did not succeed."
    return Outcome(
        item=ticket.item,
        status=Status.SKIPPED,
        attempts=0,
        http_status=None,
        started=None,
        duration=0.0,
        request_id=None,
        error=Failure("bulkexo:earlier-step", "", reason),
    )


def _status(ticket: Ticket, verdict: Verdict) -> tuple[Status, Failure | None]:
    action, failure = verdict.action, verdict.failure
    if ticket.asking:
        found = action in (Action.DONE, Action.UNCHANGED) and verdict.value
        return (Status.SUCCEEDED, _found(ticket)) if found else (Status.UNKNOWN, _unknown(ticket, verdict))
    if action is Action.DONE:
        return Status.SUCCEEDED, None
    if action is Action.UNCHANGED:
        # After a lost answer it is our own first sending that left nothing to do.
        return (Status.SUCCEEDED if ticket.unsettled else Status.UNCHANGED), failure
    lost = ticket.lost or action is Action.UNANSWERED
    if lost and action in NO_ANSWER_TO_IT and not harmless(ticket.item):
        return Status.UNKNOWN, _unknown(ticket, verdict)
    if action is not Action.UNANSWERED:
        before = done_before(ticket.item.cmdlet) if ticket.unsettled else None
        done = before is not None and failure is not None and before.said(failure)
        return (Status.SUCCEEDED if done else Status.FAILED), failure
    return Status.FAILED, Failure(
        "bulkexo:no-answer",
        "",
        f"No answer after {ticket.attempts} attempts. {_reason(verdict)} It may have taken effect; "
        "running the row again is harmless.",
    )


def _found(ticket: Ticket) -> Failure:
    name = ticket.item.cmdlet
    return Failure(
        "bulkexo:found", "", f"{name} was sent and never answered; its effect was found afterwards."
    )


def _unknown(ticket: Ticket, verdict: Verdict) -> Failure:
    name = ticket.item.cmdlet
    times = "once" if ticket.asked == 1 else f"{ticket.asked} times"
    looked = f"Its effect was looked for {times} and not found. " if ticket.asked else ""
    return Failure(
        "bulkexo:unknown",
        "",
        f"{name} was sent and never answered. {_reason(verdict)} {looked}It may have taken effect, and a "
        f"second {name} is not harmless: look at the object before you run the row again.",
    )


def _reason(verdict: Verdict) -> str:
    return verdict.failure.message if verdict.failure else ""
