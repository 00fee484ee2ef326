"""What becomes of a ticket after an attempt: pure rules on (ticket, verdict)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

from bulkexo.choices import OnUnknown
from bulkexo.model import KEPT, Ended, Failure, Item, Repeat, Status, trimmed
from bulkexo.schedule.lanes import Ticket
from bulkexo.schedule.paging import PageLimits, Paging
from bulkexo.wire import Action, Verdict
from bulkexo.wire.cmdlets import repeatable
from bulkexo.wire.doors import ordinary
from bulkexo.wire.repeat import ABSENT, GONE, done_before, question
from bulkexo.wire.verdict import given_up

HEAVY = 500
"""Objects in a page from which on the next goes by itself: ten full pages in one reply would be 100 MB."""

FAULT_TRIES = 2
"""Microsoft's module gives a 500 two tries at most (protocol.md, Status)."""

SIGNED_IN = (Action.DONE, Action.UNCHANGED, Action.PASSING, Action.FAULT, Action.RESTART)
"""What is only said to a token that is good: when that one ends, hours later, a new one may be had."""

DONE = (Action.DONE, Action.UNCHANGED)

RECOVERED = Verdict(
    Action.UNANSWERED,
    failure=Failure("bulkexo:no-answer", "", "The process that sent it ended before the answer came."),
)
"""What is known of an item that an earlier process had announced and not recorded."""


class Next(Enum):
    """Where a ticket goes from here. PAGE: on to the next page, once this one is written down. LOOK: asks the
    service, after a while, whether the effect is there. DECIDE: a person says whether it is sent again. READ:
    what comes before its own sending has been read. ABSENT: its object is not found and may appear, for as
    long as its step wants to wait for that."""

    END = auto()
    AT_ONCE = auto()
    PAGE = auto()
    LATER = auto()
    ABSENT = auto()
    LOOK = auto()
    DECIDE = auto()
    READ = auto()
    SIGN_IN = auto()


@dataclass(frozen=True, slots=True)
class Rules:
    """retries: failed attempts forgiven an item. strict: unchanged counts as failed. looks: seconds to wait
    before each look for an effect, growing since reads lag writes by seconds to minutes (protocol.md).
    pages: how many of them are believed."""

    retries: int = 5
    strict: bool = False
    on_unknown: OnUnknown = OnUnknown.SKIP
    looks: tuple[float, ...] = (2.0, 15.0, 45.0, 120.0)
    pages: PageLimits = field(default_factory=PageLimits)


def harmless(item: Item) -> bool:
    """Whether sending the item twice is the same as once: by its verb, or because the job says so."""
    return repeatable(item.cmdlet) if item.repeat is None else item.repeat is Repeat.SAFE


def plain(ticket: Ticket) -> bool:
    """Whether its having run is all that there is to it: no step's rule, page, look or read to be minded."""
    item = ticket.item
    unusual = ticket.asking or item.rule is not None or ticket.reading or ticket.paging
    return not unusual and ordinary(item.cmdlet)


def next_move(ticket: Ticket, verdict: Verdict, rules: Rules) -> Next:
    """Whether the ticket ends or goes again, noting in it what was learnt. Being throttled never counts."""
    action = verdict.action
    if action in SIGNED_IN:
        ticket.refused_token = ""
        if action in DONE and ticket.reading is None and not ticket.asking:
            return Next.PAGE if verdict.link else Next.END
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
    if ticket.reading is not None:
        return _read(ticket, verdict, rules)
    if ticket.asking:
        return _looked(ticket, verdict, rules)
    if action is Action.FAILED:
        if _may_appear(ticket, verdict):
            return Next.ABSENT
        return Next.LOOK if _lacks_value(ticket, verdict, rules) else Next.END
    return _after_failure(ticket, verdict, rules)


def within(ticket: Ticket, verdict: Verdict, rules: Rules) -> Verdict:
    """The verdict; of an item whose pages seem to have no end, that it has failed."""
    if not verdict.link or ticket.asking or ticket.reading or verdict.action not in DONE:
        return verdict
    paging = ticket.paging or Paging()
    reason = paging.endless(verdict.link, len(verdict.value), rules.pages)
    if not reason:
        return verdict
    reason += " The list was given up, and nothing of it is kept."
    return replace(
        verdict, action=Action.FAILED, value=(), link="", failure=Failure("bulkexo:endless", "", reason)
    )


def chosen(ticket: Ticket, verdict: Verdict) -> Verdict:
    """The verdict, with those of its objects alone that the step keeps."""
    rule = ticket.item.rule
    if rule is None or not verdict.value or ticket.reading is not None or ticket.asking:
        return verdict
    kept = rule.chosen(ticket.item, verdict.value)
    return verdict if kept is verdict.value else replace(verdict, value=kept)


def turn(ticket: Ticket, verdict: Verdict, came: int | None = None) -> None:
    """Note a page, and that the next one is to be asked for. came: see Paging.turn."""
    ticket.paging = ticket.paging or Paging()
    ticket.paging.kept += _kept(ticket, verdict)
    ticket.paging.turn(verdict.link, len(verdict.value), verdict.warnings, came)
    ticket.link = verdict.link
    if (len(verdict.value) if came is None else came) >= HEAVY:
        ticket.apart = True


def ended(ticket: Ticket, status: Status, verdict: Verdict) -> Ended:
    """How a ticket ends with this verdict, with what later steps of its row name of its objects."""
    if ticket.item.rule is None and ticket.paging is None:
        return Ended(status, (), len(verdict.value))
    pages = None if ticket.asking else ticket.paging
    count = len(verdict.value) + (pages.objects if pages else 0)
    kept = _kept(ticket, verdict)
    return Ended(status, [*pages.kept, *kept] if pages else kept, count)


def _kept(ticket: Ticket, verdict: Verdict) -> Sequence[dict[str, Any]]:
    rule = ticket.item.rule
    if rule is None or rule.keeps is None:
        return ()
    before = 0 if ticket.asking or ticket.paging is None else len(ticket.paging.kept)
    return trimmed(verdict.value, rule.keeps, KEPT - before)


def told_to_resend(ticket: Ticket) -> None:
    """A person has decided that a ticket in doubt is sent again."""
    _resent(ticket)
    ticket.failures = 0


def _resent(ticket: Ticket) -> None:
    ticket.asking = False
    ticket.asked = 0  # if that answer is lost as well, it is looked for from the start


def _uncount(ticket: Ticket) -> None:
    if not (ticket.link or ticket.asking or ticket.reading):  # these are no attempts of the item itself
        ticket.attempts -= 1


def _after_failure(ticket: Ticket, verdict: Verdict, rules: Rules) -> Next:
    action = verdict.action
    if action is Action.RESTART:
        ticket.link, ticket.paging = "", None
    if given_up(verdict):
        ticket.apart = True  # ten long lists can be more than one reply may hold
    if action in (Action.UNANSWERED, Action.FAULT):
        ticket.unsettled = True
        if not _resendable(ticket.item):
            return _in_doubt(ticket, rules)
    if verdict is RECOVERED:
        return Next.LATER  # it was no attempt of this process
    if action is Action.FAULT:
        ticket.faults += 1
        if ticket.faults >= FAULT_TRIES and harmless(ticket.item):
            return Next.END  # else only another sending tells what the first one did
    move = _again(ticket, rules)
    if move is Next.END and ticket.unsettled and not harmless(ticket.item):
        return _in_doubt(ticket, rules)
    return move


def _may_appear(ticket: Ticket, verdict: Verdict) -> bool:
    """Whether the answer is that an object is not found, and the step waits for it (`retry_not_found`)."""
    rule, failure = ticket.item.rule, verdict.failure
    if rule is None or not rule.retry_not_found or failure is None or not ABSENT.said(failure):
        return False
    return not (ticket.unsettled and done_before(ticket.item.cmdlet) is GONE)  # else we removed it ourselves


def _lacks_value(ticket: Ticket, verdict: Verdict, rules: Rules) -> bool:
    """Whether the first sending, never answered, did it, and a later step needs what that would have
    returned: then it is read from the object itself."""
    item, before = ticket.item, done_before(ticket.item.cmdlet)
    named = item.rule is not None and item.rule.keeps is not None
    if not (named and ticket.unsettled and before and verdict.failure and before.said(verdict.failure)):
        return False
    if not rules.looks or question(item.cmdlet, item.identity, item.parameters) is None:
        return False
    ticket.asking, ticket.done_before = True, verdict.failure
    return True


def _resendable(item: Item) -> bool:
    """Harmless twice in itself, or because the service lets it take effect once only."""
    return harmless(item) or (item.repeat is None and done_before(item.cmdlet) is not None)


def _again(ticket: Ticket, rules: Rules) -> Next:
    ticket.failures += 1
    return Next.LATER if ticket.failures <= rules.retries else Next.END


def _in_doubt(ticket: Ticket, rules: Rules) -> Next:
    """It may have taken effect and must not simply go again: look, or leave it to the rule or a person."""
    if rules.looks and question(ticket.item.cmdlet, ticket.item.identity, ticket.item.parameters):
        ticket.asking = True
        return Next.LOOK
    return _undecided(ticket, rules)


def _read(ticket: Ticket, verdict: Verdict, rules: Rules) -> Next:
    """What became of the read that comes before the item itself; an object that is not there is an answer."""
    if verdict.action in DONE:
        return Next.READ
    if verdict.action is Action.FAILED:
        return Next.READ if absent(verdict) else Next.END
    if given_up(verdict):
        ticket.apart = True
    if verdict.action is Action.FAULT:
        ticket.faults += 1
        if ticket.faults >= FAULT_TRIES:
            return Next.END
    return _again(ticket, rules)


def absent(verdict: Verdict) -> bool:
    """Whether the service has said that there is no such object."""
    failure = verdict.failure
    return verdict.action is Action.FAILED and failure is not None and GONE.said(failure)


def _looked(ticket: Ticket, verdict: Verdict, rules: Rules) -> Next:
    """What the look for the effect has shown."""
    if verdict.action in DONE and verdict.value:
        return Next.END
    if verdict.action in DONE or absent(verdict):
        ticket.asked += 1
        return Next.LOOK if ticket.asked < len(rules.looks) else _undecided(ticket, rules)
    if verdict.action is Action.FAILED:
        return _undecided(ticket, rules)
    move = _again(ticket, rules)
    return move if move is Next.LATER else _undecided(ticket, rules)


def _undecided(ticket: Ticket, rules: Rules) -> Next:
    if ticket.done_before is not None:
        return Next.END
    if rules.on_unknown is OnUnknown.ASK:
        return Next.DECIDE
    if rules.on_unknown is OnUnknown.SKIP:
        return Next.END
    move = _again(ticket, rules)
    if move is Next.LATER:  # else the verdict is still that of a look
        _resent(ticket)
    return move
