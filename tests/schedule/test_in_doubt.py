"""What becomes of a cmdlet that was sent, is not harmless twice, and was never answered: the tables."""

from __future__ import annotations

from typing import Any

import pytest

from bulkexo.model import Failure, Item, Outcome, Repeat, Status
from bulkexo.schedule import OnUnknown, Rules, Ticket
from bulkexo.schedule.outcomes import outcome
from bulkexo.schedule.settle import RECOVERED, Next, harmless, next_move, told_to_resend
from bulkexo.wire import Action, Verdict

LOOKS = (2.0, 15.0, 45.0)
LOST = Verdict(Action.UNANSWERED, failure=Failure("bulkexo:no-answer", "", "The line was cut."))
THERE = Verdict(Action.DONE, 200, value=[{"Name": "Rule"}])
NOTHING = Verdict(Action.DONE, 200)
GONE = Verdict(
    Action.FAILED, 404, failure=Failure("NotFound", "X.ManagementObjectNotFoundException", "It isn't there.")
)
DENIED = Verdict(Action.FAILED, 403, failure=Failure("Forbidden", "", "Your roles do not grant it."))
ALREADY = {
    "Add-MailboxPermission": "The appropriate access control entry is already present on the object.",
    "Remove-DistributionGroupMember": 'The recipient "a" isn\'t a member of the group "g".',
    "Remove-Mailbox": "The object 'a' couldn't be found on 'DC'.",
    "New-Mailbox": "The proxy address is already being used.",
}
RULE, ENABLE, ADD, SET = "New-InboxRule", "Enable-Mailbox", "Add-MailboxPermission", "Set-Mailbox"


def rules(on_unknown: OnUnknown = OnUnknown.SKIP, retries: int = 5) -> Rules:
    return Rules(retries=retries, on_unknown=on_unknown, looks=LOOKS)


def ticket(cmdlet: str, repeat: Repeat | None = None, **state: Any) -> Ticket:
    item = Item(3, 1, cmdlet, "ada", {"Name": "Rule", "Mailbox": "ada"}, {}, repeat=repeat)
    return Ticket(item, "00000000-0000-4000-8000-000000000301", "ada", attempts=1, started=1.0, **state)


def moves(going: Ticket, verdicts: list[Verdict], those: Rules) -> list[Next]:
    return [next_move(going, verdict, those) for verdict in verdicts]


def told(going: Ticket, verdict: Verdict, **options: Any) -> Outcome:
    return outcome(going, verdict, 2.0, strict=options.get("strict", False))


@pytest.mark.parametrize(
    ("cmdlet", "repeat", "harmless_twice", "after_a_loss"),
    [
        (SET, None, True, Next.LATER),
        (SET, Repeat.SAFE, True, Next.LATER),
        (SET, Repeat.UNSAFE, False, Next.END),
        (ADD, None, False, Next.LATER),
        (ADD, Repeat.SAFE, True, Next.LATER),
        (ADD, Repeat.UNSAFE, False, Next.END),
        ("New-Mailbox", None, False, Next.LATER),
        ("New-Mailbox", Repeat.UNSAFE, False, Next.LOOK),
        (RULE, None, False, Next.LOOK),
        (RULE, Repeat.SAFE, True, Next.LATER),
        (RULE, Repeat.UNSAFE, False, Next.LOOK),
        (ENABLE, None, False, Next.END),
        (ENABLE, Repeat.SAFE, True, Next.LATER),
        ("Get-Mailbox", None, True, Next.LATER),
        ("Remove-InboxRule", None, False, Next.END),
        ("Test-Message", None, False, Next.END),
    ],
)
def test_what_is_done_after_a_lost_answer(
    cmdlet: str, repeat: Repeat | None, harmless_twice: bool, after_a_loss: Next
) -> None:
    """What the job says of repeating comes before every table."""
    going = ticket(cmdlet, repeat)
    assert harmless(going.item) is harmless_twice
    assert next_move(going, LOST, rules()) is after_a_loss
    assert going.asking is (after_a_loss is Next.LOOK)


def test_a_500_to_what_the_job_calls_unsafe_has_one_try() -> None:
    fault = Verdict(Action.FAULT, 500, failure=Failure("X", "", "Our fault."))
    assert next_move(ticket(ADD), fault, rules()) is Next.LATER
    assert next_move(ticket(ADD, Repeat.UNSAFE), fault, rules()) is Next.END


UNDECIDED = [
    # on_unknown, retries -> where it goes when nobody can know
    (OnUnknown.SKIP, 5, Next.END),
    (OnUnknown.ASK, 5, Next.DECIDE),
    (OnUnknown.ASK, 0, Next.DECIDE),
    (OnUnknown.RESEND, 5, Next.LATER),
    (OnUnknown.RESEND, 1, Next.LATER),
    (OnUnknown.RESEND, 0, Next.END),
]


@pytest.mark.parametrize(("on_unknown", "retries", "move"), UNDECIDED)
@pytest.mark.parametrize("absent", [NOTHING, GONE, Verdict(Action.UNCHANGED, 200)])
def test_an_effect_not_found_after_all_looks(
    on_unknown: OnUnknown, retries: int, move: Next, absent: Verdict
) -> None:
    going = ticket(RULE)
    seen = moves(going, [LOST, *[absent] * len(LOOKS)], rules(on_unknown, retries))
    assert seen == [*[Next.LOOK] * len(LOOKS), move]
    ended = told(going, absent)
    if move is Next.END:
        assert ended.status is Status.UNKNOWN
        assert ended.error is not None
        assert "looked for 3 times and not found" in ended.error.message
    assert going.asking is (move is not Next.LATER)


@pytest.mark.parametrize(("on_unknown", "retries", "move"), UNDECIDED)
def test_what_cannot_be_asked_for(on_unknown: OnUnknown, retries: int, move: Next) -> None:
    going = ticket(ENABLE)
    assert moves(going, [LOST], rules(on_unknown, retries)) == [move]
    assert told(going, LOST).status is Status.UNKNOWN


@pytest.mark.parametrize(("on_unknown", "retries", "move"), UNDECIDED)
def test_a_question_that_is_refused_is_not_asked_again(
    on_unknown: OnUnknown, retries: int, move: Next
) -> None:
    going = ticket(RULE)
    assert moves(going, [LOST, NOTHING, DENIED], rules(on_unknown, retries)) == [Next.LOOK, Next.LOOK, move]
    if move is Next.END:
        ended = told(going, DENIED)
        assert ended.status is Status.UNKNOWN
        assert ended.error is not None
        assert "Your roles do not grant it." in ended.error.message


@pytest.mark.parametrize("before", [0, 1, len(LOOKS) - 1])
@pytest.mark.parametrize("strict", [False, True])
def test_an_effect_that_is_found_is_a_success_with_a_word_about_it(before: int, strict: bool) -> None:
    going = ticket(RULE)
    assert moves(going, [LOST, *[NOTHING] * before, THERE], rules()) == [
        *[Next.LOOK] * (before + 1),
        Next.END,
    ]
    ended = told(going, THERE, strict=strict)
    assert (ended.status, ended.error, ended.attempts) == (Status.SUCCEEDED, None, 1)
    assert list(ended.warnings) == [
        "New-InboxRule was sent and never answered; its effect was found afterwards."
    ]


PASSING_TROUBLE = [Action.PASSING, Action.BUSY, Action.UNANSWERED, Action.FAULT, Action.RESTART]


@pytest.mark.parametrize("action", PASSING_TROUBLE)
def test_trouble_while_looking_is_waited_out_as_often_as_there_are_retries(action: Action) -> None:
    going = ticket(RULE)
    trouble = Verdict(action, failure=Failure("X", "", "Try again."))
    assert moves(going, [LOST, *[trouble] * 2], rules(retries=2)) == [Next.LOOK, Next.LATER, Next.LATER]
    assert (going.asked, going.attempts) == (0, 1)  # neither a look nor a sending
    assert next_move(going, trouble, rules(retries=2)) is Next.END
    assert told(going, trouble).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("action", "move"),
    [
        (Action.THROTTLED, Next.AT_ONCE),
        (Action.CROWDED, Next.AT_ONCE),
        (Action.APART, Next.AT_ONCE),
        (Action.SIGN_IN, Next.SIGN_IN),
        (Action.UNREACHED, Next.LATER),
    ],
)
def test_a_look_that_did_not_take_place_counts_for_nothing(action: Action, move: Next) -> None:
    going = ticket(RULE)
    assert moves(going, [LOST, *[Verdict(action)] * 20], rules(retries=0)) == [Next.LOOK, *[move] * 20]
    assert (going.asking, going.asked, going.attempts, going.failures) == (True, 0, 1, 0)
    assert going.started == 1.0


def test_what_is_resent_is_looked_for_from_the_start_if_it_is_lost_again() -> None:
    going = ticket(RULE)
    one_round = [LOST, *[NOTHING] * len(LOOKS)]
    resend = rules(OnUnknown.RESEND, retries=2)
    once = [*[Next.LOOK] * len(LOOKS), Next.LATER]
    assert moves(going, one_round * 2, resend) == once * 2
    assert going.asked == 0
    assert moves(going, one_round, resend) == [*once[:-1], Next.END]
    assert told(going, NOTHING).status is Status.UNKNOWN


def test_a_person_says_resend() -> None:
    going = ticket(RULE)
    moves(going, [LOST, *[NOTHING] * len(LOOKS)], rules(OnUnknown.ASK))
    told_to_resend(going)
    assert (going.asking, going.asked, going.failures) == (False, 0, 0)
    assert going.call().cmdlet == RULE
    assert next_move(going, LOST, rules(OnUnknown.ASK)) is Next.LOOK


def test_the_question_is_another_call_than_the_one_in_doubt() -> None:
    going = ticket(RULE)
    sent = going.call()
    next_move(going, LOST, rules())
    asked = going.call()
    assert (asked.cmdlet, asked.parameters) == ("Get-InboxRule", {"Identity": "Rule", "Mailbox": "ada"})
    assert (sent.cmdlet, sent.parameters) == (RULE, going.item.parameters)
    assert asked.request_id != sent.request_id
    assert len(asked.request_id) == len(sent.request_id) == 36


@pytest.mark.parametrize(("cmdlet", "text"), ALREADY.items())
@pytest.mark.parametrize("loss", [LOST, Verdict(Action.FAULT, 500, failure=Failure("X", "", "Our fault."))])
def test_already_done_after_a_lost_answer_was_done_by_it(cmdlet: str, text: str, loss: Verdict) -> None:
    going = ticket(cmdlet)
    assert next_move(going, loss, rules()) is Next.LATER
    already = Verdict(Action.FAILED, 400, failure=Failure("BadRequest", "X.Y", text))
    assert next_move(going, already, rules()) is Next.END
    ended = told(going, already, strict=True)
    assert (ended.status, ended.error, list(ended.warnings)) == (Status.SUCCEEDED, None, [text])


@pytest.mark.parametrize(("cmdlet", "text"), ALREADY.items())
def test_but_not_without_one(cmdlet: str, text: str) -> None:
    already = Verdict(Action.FAILED, 400, failure=Failure("BadRequest", "X.Y", text))
    going = ticket(cmdlet)
    assert moves(going, [Verdict(Action.PASSING), Verdict(Action.BUSY), already], rules())[-1] is Next.END
    assert told(going, already).status is Status.FAILED


@pytest.mark.parametrize("cmdlet", [ADD, SET])
@pytest.mark.parametrize(
    ("before", "strict", "status"),
    [
        ([LOST], False, Status.SUCCEEDED),
        ([LOST], True, Status.SUCCEEDED),
        ([], False, Status.UNCHANGED),
        ([], True, Status.FAILED),
        ([Verdict(Action.PASSING), Verdict(Action.THROTTLED)], False, Status.UNCHANGED),
    ],
)
def test_unchanged_after_a_lost_answer_was_changed_by_it(
    cmdlet: str, before: list[Verdict], strict: bool, status: Status
) -> None:
    going = ticket(cmdlet)
    unchanged = Verdict(Action.UNCHANGED, 200, warnings=["No settings of 'ada' have been modified."])
    assert moves(going, [*before, unchanged], rules())[-1] is Next.END
    assert told(going, unchanged, strict=strict).status is status


@pytest.mark.parametrize("action", [Action.PASSING, Action.BUSY, Action.FAULT, Action.UNANSWERED])
@pytest.mark.parametrize(
    ("cmdlet", "status"),
    [(ADD, Status.UNKNOWN), ("Remove-Mailbox", Status.UNKNOWN), (SET, Status.FAILED)],
)
def test_refusals_after_a_lost_answer_say_nothing_of_the_first_sending(
    action: Action, cmdlet: str, status: Status
) -> None:
    """It is not known to have failed: the first one may have run."""
    going = ticket(cmdlet)
    refusal = Verdict(action, failure=Failure("X", "", "Try again."))
    move, count = next_move(going, LOST, rules(retries=2)), 0
    while move is Next.LATER:
        count += 1
        move = next_move(going, refusal, rules(retries=2))
    assert move is Next.END
    assert count == 2
    assert told(going, refusal).status is status


def test_what_was_made_in_vain_so_often_is_asked_for_in_the_end() -> None:
    going = ticket("New-Mailbox")
    assert moves(going, [LOST, LOST, LOST], rules(retries=2)) == [Next.LATER, Next.LATER, Next.LOOK]
    assert going.call().cmdlet == "Get-Mailbox"
    assert next_move(going, THERE, rules(retries=2)) is Next.END
    assert told(going, THERE).status is Status.SUCCEEDED


def test_a_person_is_asked_when_the_retries_are_used_up() -> None:
    assert moves(ticket(ADD), [LOST, LOST], rules(OnUnknown.ASK, retries=1)) == [Next.LATER, Next.DECIDE]
    assert moves(ticket(ADD), [LOST, LOST], rules(OnUnknown.RESEND, retries=1)) == [Next.LATER, Next.END]


BAD_VALUE = Verdict(Action.FAILED, 400, failure=Failure("BadRequest", "X.Y", "The value is bad."))


@pytest.mark.parametrize(
    ("refusal", "cmdlet", "status"),
    [
        (BAD_VALUE, ADD, Status.FAILED),
        (BAD_VALUE, SET, Status.FAILED),
        (DENIED, SET, Status.FAILED),
        (DENIED, ADD, Status.UNKNOWN),
    ],
)
def test_a_refusal_for_good_after_a_lost_answer(refusal: Verdict, cmdlet: str, status: Status) -> None:
    """Of the object: the first sending was refused as well. At the door (403): it may have got in."""
    going = ticket(cmdlet)
    assert moves(going, [LOST, refusal], rules()) == [Next.LATER, Next.END]
    assert told(going, refusal).status is status


@pytest.mark.parametrize(
    ("cmdlet", "repeat", "retries", "move"),
    [
        (ADD, None, 5, Next.LATER),
        (ADD, None, 0, Next.LATER),
        (ADD, Repeat.UNSAFE, 5, Next.END),
        ("Remove-Mailbox", None, 0, Next.LATER),
        ("New-Mailbox", None, 0, Next.LATER),
        (SET, None, 0, Next.LATER),
        (ENABLE, Repeat.SAFE, 0, Next.LATER),
        (ENABLE, None, 5, Next.END),
        (RULE, None, 0, Next.LOOK),
    ],
)
def test_what_an_earlier_process_left_is_settled_by_the_same_table(
    cmdlet: str, repeat: Repeat | None, retries: int, move: Next
) -> None:
    """Nothing has failed here yet, so that no retry is used up."""
    going = Ticket(Item(1, 1, cmdlet, "ada", {"Name": "R"}, {}, repeat=repeat), "id", "", recovered=True)
    assert next_move(going, RECOVERED, rules(retries=retries)) is move
    assert going.failures == 0
    assert going.in_doubt
    if move is Next.END:
        ended = told(going, RECOVERED)
        assert (ended.status, ended.attempts, ended.started) == (Status.UNKNOWN, 0, None)
        assert ended.error is not None
        assert "The process that sent it ended before the answer came." in ended.error.message


def test_done_already_by_an_earlier_process() -> None:
    going = ticket(ADD, recovered=True)
    next_move(going, RECOVERED, rules())
    already = Verdict(Action.FAILED, 400, failure=Failure("BadRequest", "X.Y", ALREADY[ADD]))
    assert told(going, already).status is Status.SUCCEEDED


@pytest.mark.parametrize("looks", [(), (1.0,)])
def test_any_number_of_looks_will_do(looks: tuple[float, ...]) -> None:
    those = Rules(looks=looks)
    going = ticket(RULE)
    assert moves(going, [LOST, *[NOTHING] * len(looks)], those) == [*[Next.LOOK] * len(looks), Next.END]
    assert told(going, NOTHING if looks else LOST).status is Status.UNKNOWN
