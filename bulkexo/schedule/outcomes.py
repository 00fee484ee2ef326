"""The line that a ticket leaves in the results. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bulkexo.model import Failure, Item, Outcome, Page, Status
from bulkexo.schedule.before import Ending
from bulkexo.schedule.lanes import Ticket
from bulkexo.schedule.settle import harmless
from bulkexo.wire import Action, Verdict
from bulkexo.wire.cmdlets import harm
from bulkexo.wire.doors import notice
from bulkexo.wire.repeat import done_before

FORBIDDEN = 403


def outcome(ticket: Ticket, verdict: Verdict, now: float, *, strict: bool) -> Outcome:
    """The outcome of a ticket that ends with this verdict. now: seconds of the loop."""
    item = ticket.item
    status: Status = Status.SUCCEEDED
    error: Failure | None = None
    if verdict.action is not Action.DONE or ticket.asking or ticket.reading is not None:
        status, error = _status(ticket, verdict)
    warnings: Sequence[str] = verdict.warnings
    value: Sequence[Any] = verdict.value
    if ticket.paging is not None and not ticket.asking:
        warnings, value = list(dict.fromkeys([*ticket.paging.warnings, *warnings])), ()
    if told := notice(item):
        warnings = [told, *warnings]
    if error is not None and status.good:
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
        paged=ticket.paging is not None and status.good and not ticket.asking,
    )


def ran(ticket: Ticket, verdict: Verdict, now: float) -> Outcome:
    """The same of a plain ticket (see `settle.plain`) whose cmdlet simply ran."""
    return Outcome(
        ticket.item,
        Status.SUCCEEDED,
        ticket.attempts,
        verdict.status,
        ticket.started,
        max(0.0, now - ticket.began) if ticket.started is not None else 0.0,
        verdict.request_id or ticket.request_id,
        verdict.value,
        verdict.warnings,
    )


def unsent(ticket: Ticket, ending: Ending, *, strict: bool) -> Outcome:
    """The outcome of a ticket that has ended before it was sent."""
    status, error = ending.status, ending.error
    if status is Status.UNCHANGED and strict:
        status, error = Status.FAILED, Failure("bulkexo:unchanged", "", " ".join(ending.warnings))
    return Outcome(
        item=ticket.item,
        status=status,
        attempts=0,
        http_status=None,
        started=None,
        duration=0.0,
        request_id=None,
        warnings=ending.warnings,
        error=error,
    )


def page(ticket: Ticket, verdict: Verdict) -> Page:
    """A page of what a ticket returns, before it is noted in the ticket."""
    return Page(ticket.item, verdict.value, first=ticket.paging is None)


def left_out(ticket: Ticket) -> Outcome:
    """The outcome of a step that its rule, or what came of the steps before it, has ended."""
    return unsent(ticket, ticket.unsent or Ending(Status.SKIPPED), strict=False)


def _status(ticket: Ticket, verdict: Verdict) -> tuple[Status, Failure | None]:
    action, failure = verdict.action, verdict.failure
    if ticket.reading is not None:
        return Status.FAILED, _unread(ticket.item, ticket.reading, failure)
    if ticket.asking:
        found = action in (Action.DONE, Action.UNCHANGED) and verdict.value
        if found:
            return Status.SUCCEEDED, _found(ticket)
        done = ticket.done_before
        return (Status.SUCCEEDED, done) if done else (Status.UNKNOWN, _unknown(ticket, verdict))
    if action is Action.UNCHANGED:
        # After a lost answer it is our own first sending that left nothing to do.
        return (Status.SUCCEEDED if ticket.unsettled else Status.UNCHANGED), failure
    if ticket.unsettled and failure is not None and action is not Action.UNANSWERED:
        before = done_before(ticket.item.cmdlet)
        if before is not None and before.said(failure):
            return Status.SUCCEEDED, failure
    if _open(ticket, verdict):
        return Status.UNKNOWN, _unknown(ticket, verdict)
    if action is not Action.UNANSWERED:
        return Status.FAILED, failure
    times = "attempt" if ticket.attempts == 1 else "attempts"
    return Status.FAILED, Failure(
        "bulkexo:no-answer",
        "",
        f"No answer after {ticket.attempts} {times}. {_reason(verdict)} It may have taken effect; "
        "running the row again is harmless.",
    )


def _open(ticket: Ticket, verdict: Verdict) -> bool:
    """Whether a sending may have taken effect that must not happen twice, and the last answer does not tell:
    a refusal after looking at the object does, being turned away at the door (403) does not."""
    if harmless(ticket.item):
        return False
    if verdict.action in (Action.UNANSWERED, Action.FAULT):
        return True
    return ticket.unsettled and (verdict.action is not Action.FAILED or verdict.status == FORBIDDEN)


def _unread(item: Item, read: Item, failure: Failure | None) -> Failure:
    reason = failure.message if failure else "The service did not answer."
    return Failure(
        failure.code if failure else "bulkexo:unread",
        failure.type if failure else "",
        f"{item.cmdlet} was not sent, since what is there now could not be read by {read.cmdlet}: {reason}",
        failure.target if failure else "",
    )


def _found(ticket: Ticket) -> Failure:
    name = ticket.item.cmdlet
    return Failure(
        "bulkexo:found", "", f"{name} was sent and never answered; its effect was found afterwards."
    )


def _unknown(ticket: Ticket, verdict: Verdict) -> Failure:
    name = ticket.item.cmdlet
    answered = verdict.action is not Action.UNANSWERED and not ticket.asking
    fate = "whether it took effect was not said" if answered else "never answered"
    times = "once" if ticket.asked == 1 else f"{ticket.asked} times"
    looked = f"Its effect was looked for {times} and not found. " if ticket.asked else ""
    return Failure(
        "bulkexo:unknown",
        "",
        f"{name} was sent and {fate}. {_reason(verdict)} {looked}It may have taken effect, and a "
        f"second {name} is not harmless ({harm(name)}): look at the object before you run the row again.",
    )


def _reason(verdict: Verdict) -> str:
    return verdict.failure.message if verdict.failure else ""
