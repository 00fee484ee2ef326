"""Items whose first sending may have taken effect: no line says `failed` unless nothing happened."""

from __future__ import annotations

import pytest

from bulkexo.choices import OnUnknown
from bulkexo.model import Failure, Item, Status
from bulkexo.schedule.lanes import Ticket
from bulkexo.schedule.outcomes import outcome
from bulkexo.schedule.settle import FAULT_TRIES, RECOVERED, Next, Rules, next_move
from bulkexo.wire import Action, Verdict

BROKEN = Failure("InternalServerError", "System.NullReferenceException", "It broke.")
EXISTS = Failure("Client", "Some.ObjectAlreadyExistsException", "The object already exists.")
REFUSED = Failure("Forbidden", "", "Not for this role.")
RULES = Rules(retries=2)
ONCE, EVERY_TIME, SAFE = "New-Mailbox", "Start-MoveRequest", "Set-Mailbox"


def ticket(cmdlet: str) -> Ticket:
    return Ticket(Item(1, 1, cmdlet, "ada", {"Identity": "ada"}, {}), f"{0:024}{1:012x}", "ada", attempts=1)


def ended(going: Ticket, verdict: Verdict) -> Status:
    return outcome(going, verdict, 0.0, strict=False).status


@pytest.mark.parametrize(
    ("cmdlet", "status"),
    [(SAFE, Status.FAILED), (EVERY_TIME, Status.UNKNOWN)],
)
def test_a_server_that_fails_over_it_may_have_done_it(cmdlet: str, status: Status) -> None:
    going, fault = ticket(cmdlet), Verdict(Action.FAULT, 500, failure=BROKEN)
    moves = [next_move(going, fault, RULES) for _ in range(FAULT_TRIES if cmdlet == SAFE else 1)]
    assert moves[-1] is Next.END
    assert ended(going, fault) is status


def test_what_takes_effect_once_is_sent_until_it_is_told(cmdlet: str = ONCE) -> None:
    going, fault = ticket(cmdlet), Verdict(Action.FAULT, 500, failure=BROKEN)
    assert [next_move(going, fault, RULES) for _ in range(3)] == [Next.LATER, Next.LATER, Next.LOOK]
    told = Verdict(Action.FAILED, 400, failure=EXISTS)
    going.asking = False
    assert next_move(going, told, RULES) is Next.END
    assert ended(going, told) is Status.SUCCEEDED


@pytest.mark.parametrize(
    ("then", "status"),
    [
        (Verdict(Action.PASSING, 500, failure=BROKEN), Status.UNKNOWN),
        (Verdict(Action.BUSY, 503, failure=BROKEN), Status.UNKNOWN),
        (Verdict(Action.FAILED, 403, failure=REFUSED), Status.UNKNOWN),
        (Verdict(Action.FAILED, 400, failure=REFUSED), Status.FAILED),
        (Verdict(Action.DONE, 200), Status.SUCCEEDED),
    ],
)
def test_after_a_lost_answer_only_an_answer_about_the_object_settles(then: Verdict, status: Status) -> None:
    going = ticket("Add-MailboxPermission")
    next_move(going, Verdict(Action.UNANSWERED), RULES)
    while next_move(going, then, RULES) is Next.LATER:
        pass
    assert ended(going, then) is status


def test_what_never_arrived_failed(cmdlet: str = ONCE) -> None:
    going, busy = ticket(cmdlet), Verdict(Action.BUSY, 503, failure=BROKEN)
    while next_move(going, busy, RULES) is Next.LATER:
        pass
    assert ended(going, busy) is Status.FAILED


def test_what_an_earlier_process_sent_is_settled_even_without_retries() -> None:
    going = ticket(ONCE)
    going.attempts = 0
    assert next_move(going, RECOVERED, Rules(retries=0)) is Next.LATER
    assert (going.failures, going.unsettled) == (0, True)


def test_sent_again_by_the_rule_it_is_looked_for_from_the_start_again() -> None:
    rules = Rules(retries=9, on_unknown=OnUnknown.RESEND, looks=(1.0, 1.0))
    going, lost, nothing = ticket("New-InboxRule"), Verdict(Action.UNANSWERED), Verdict(Action.DONE, 200)
    for _ in range(2):
        assert next_move(going, lost, rules) is Next.LOOK
        assert next_move(going, nothing, rules) is Next.LOOK
        assert next_move(going, nothing, rules) is Next.LATER
        assert rules.looks[going.asked]
