"""What becomes of a ticket after an attempt: pure rules on (ticket, verdict)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from enum import Enum, auto
from typing import Any

from bulkexo.model import Failure, Outcome, Status
from bulkexo.redact import blot, secret_texts
from bulkexo.schedule.lanes import Ticket
from bulkexo.wire import Action, Verdict
from bulkexo.wire.cmdlets import repeatable

FAULT_TRIES = 2
"""Microsoft's module gives a 500 two tries at most (protocol.md, Status)."""

SIGNED_IN = frozenset({Action.DONE, Action.UNCHANGED, Action.PASSING, Action.FAULT, Action.RESTART})
"""What is only said to a token that is good: when that one ends, hours later, a new one may be had."""


class Next(Enum):
    """Where a ticket goes from here."""

    END = auto()
    AT_ONCE = auto()
    LATER = auto()
    SIGN_IN = auto()


def next_move(ticket: Ticket, verdict: Verdict, retries: int) -> Next:
    """Whether the ticket ends or goes again, noting in it what was learnt.

    retries: failed attempts that are forgiven. Being throttled is never one of them.
    """
    action = verdict.action
    if action in SIGNED_IN:
        ticket.refused_token = ""
    if action in (Action.DONE, Action.UNCHANGED):
        return _after_page(ticket, verdict)
    if action in (Action.THROTTLED, Action.CROWDED):
        return Next.AT_ONCE
    if action is Action.SIGN_IN:
        _uncount(ticket)  # not an attempt (protocol.md, Status)
        return Next.SIGN_IN
    if action is Action.APART:
        ticket.apart = True
        return Next.AT_ONCE
    if action is Action.UNREACHED:
        _uncount(ticket)  # it never left
        if not ticket.attempts:
            ticket.started = None
        ticket.unreached += 1
        return Next.LATER
    if action is Action.FAILED:
        return Next.END
    return _after_failure(ticket, action, retries)


def _uncount(ticket: Ticket) -> None:
    if not ticket.link:  # asking for a further page is no attempt of its own
        ticket.attempts -= 1


def _after_page(ticket: Ticket, verdict: Verdict) -> Next:
    if not verdict.link:
        return Next.END
    ticket.pages.extend(verdict.value)
    ticket.warnings.extend(verdict.warnings)
    ticket.link = verdict.link
    return Next.AT_ONCE


def _after_failure(ticket: Ticket, action: Action, retries: int) -> Next:
    harmless = repeatable(ticket.item.cmdlet)
    if action in (Action.UNANSWERED, Action.FAULT) and not harmless:
        return Next.END
    ticket.failures += 1
    if action is Action.RESTART:
        ticket.link = ""
        ticket.pages.clear()
        ticket.warnings.clear()
    if action is Action.FAULT:
        ticket.faults += 1
        if ticket.faults >= FAULT_TRIES:
            return Next.END
    return Next.LATER if ticket.failures <= retries else Next.END


def outcome(ticket: Ticket, verdict: Verdict, now: float, *, strict: bool) -> Outcome:
    """The line of results.ndjson for a ticket that ends with this verdict. now: seconds of the loop."""
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
    if status is Status.UNCHANGED:
        if error is not None:
            warnings = [*warnings, error.message]
        error = None
        if strict:
            status = Status.FAILED
            error = Failure("bulkexo:unchanged", "", " ".join(warnings))
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


def _status(ticket: Ticket, verdict: Verdict) -> tuple[Status, Failure | None]:
    if verdict.action is Action.DONE:
        return Status.SUCCEEDED, None
    if verdict.action is Action.UNCHANGED:
        return Status.UNCHANGED, verdict.failure
    if verdict.action is not Action.UNANSWERED:
        return Status.FAILED, verdict.failure
    reason = verdict.failure.message if verdict.failure else ""
    if repeatable(ticket.item.cmdlet):
        return Status.FAILED, Failure(
            "bulkexo:no-answer",
            "",
            f"No answer after {ticket.attempts} attempts. {reason} It may have taken effect; "
            "running the row again is harmless.",
        )
    return Status.UNKNOWN, _unknown(ticket, reason)


def cut_off(ticket: Ticket, now: float) -> Outcome:
    """A ticket whose request was abandoned in flight and that must not simply be sent again."""
    verdict = Verdict(
        Action.UNANSWERED,
        failure=Failure("bulkexo:no-answer", "", "The run was stopped while it was in flight."),
    )
    return outcome(ticket, verdict, now, strict=False)


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


def _unknown(ticket: Ticket, reason: str) -> Failure:
    name = ticket.item.cmdlet
    return Failure(
        "bulkexo:unknown",
        "",
        f"{name} was sent and never answered. {reason} It may have taken effect, and a second {name} is not "
        "harmless: look at the object before you run the row again.",
    )
