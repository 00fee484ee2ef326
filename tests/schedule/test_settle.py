"""What becomes of a ticket after an attempt, as tables; and how its outcome is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from bulkexo.model import Failure, Item, Outcome, Page, Status, Value
from bulkexo.redact import secret_texts
from bulkexo.schedule import PageLimits, Rules, Ticket
from bulkexo.schedule.outcomes import left_out, outcome, page
from bulkexo.schedule.settle import Next, next_move, turn, within
from bulkexo.wire import Action, Verdict
from bulkexo.wire.discreet import discreet

RETRIES = 2
RULES = Rules(retries=RETRIES)
BROKEN = Failure("Code", "Some.Exception", "It broke.", "target")


def ticket(cmdlet: str = "Set-Mailbox", **state: Any) -> Ticket:
    return Ticket(Item(3, 1, cmdlet, "ada", {"Identity": "ada"}, {}), "id", "ada", attempts=1, **state)


def told(action: Action, cmdlet: str = "Set-Mailbox", *, strict: bool = False, **verdict: Any) -> Outcome:
    return outcome(ticket(cmdlet, started=1000.0, began=5.0), Verdict(action, **verdict), 7.5, strict=strict)


SAFE, ONCE, UNSAFE = "Set-Mailbox", "Add-MailboxPermission", "Enable-Mailbox"
"""ONCE: not harmless in itself, but the service lets it take effect once only. UNSAFE: nothing helps."""
ANY = (SAFE, ONCE, UNSAFE)
TWICE = (SAFE, ONCE)

MOVES = [
    # action, of which cmdlets, failures so far, faults so far -> next, failures, attempts counted
    (Action.DONE, ANY, 0, 0, Next.END, 0, 1),
    (Action.UNCHANGED, ANY, 0, 0, Next.END, 0, 1),
    (Action.FAILED, ANY, 0, 0, Next.END, 0, 1),
    (Action.THROTTLED, ANY, RETRIES, 0, Next.AT_ONCE, RETRIES, 1),
    (Action.CROWDED, ANY, RETRIES, 0, Next.AT_ONCE, RETRIES, 1),
    (Action.APART, ANY, RETRIES, 0, Next.AT_ONCE, RETRIES, 1),
    (Action.SIGN_IN, ANY, RETRIES, 0, Next.SIGN_IN, RETRIES, 0),
    (Action.UNREACHED, ANY, RETRIES, 0, Next.LATER, RETRIES, 0),
    (Action.PASSING, ANY, 0, 0, Next.LATER, 1, 1),
    (Action.PASSING, ANY, RETRIES - 1, 0, Next.LATER, RETRIES, 1),
    (Action.PASSING, ANY, RETRIES, 0, Next.END, RETRIES + 1, 1),
    (Action.BUSY, ANY, 0, 0, Next.LATER, 1, 1),
    (Action.BUSY, ANY, RETRIES, 0, Next.END, RETRIES + 1, 1),
    (Action.RESTART, ANY, 0, 0, Next.LATER, 1, 1),
    (Action.RESTART, ANY, RETRIES, 0, Next.END, RETRIES + 1, 1),
    (Action.UNANSWERED, TWICE, 0, 0, Next.LATER, 1, 1),
    (Action.UNANSWERED, TWICE, RETRIES, 0, Next.END, RETRIES + 1, 1),
    (Action.UNANSWERED, (UNSAFE,), 0, 0, Next.END, 0, 1),
    (Action.FAULT, TWICE, 0, 0, Next.LATER, 1, 1),
    (Action.FAULT, (SAFE,), 0, 1, Next.END, 0, 1),
    (Action.FAULT, (ONCE,), 0, 1, Next.LATER, 1, 1),
    (Action.FAULT, TWICE, RETRIES, 0, Next.END, RETRIES + 1, 1),
    (Action.FAULT, (UNSAFE,), 0, 0, Next.END, 0, 1),
]


def test_the_table_has_every_action() -> None:
    assert {row[0] for row in MOVES} == set(Action)


@pytest.mark.parametrize(
    ("action", "cmdlets", "failures", "faults", "move", "failures_after", "attempts"),
    MOVES,
    ids=[f"{row[0].name}-{row[2]}-{row[3]}-{row[4].name}" for row in MOVES],
)
def test_next_move(
    action: Action,
    cmdlets: tuple[str, ...],
    failures: int,
    faults: int,
    move: Next,
    failures_after: int,
    attempts: int,
) -> None:
    for cmdlet in cmdlets:
        going = ticket(cmdlet, failures=failures, faults=faults, started=1.0)
        assert next_move(going, Verdict(action, failure=BROKEN), RULES) is move
        assert (going.failures, going.attempts) == (failures_after, attempts)
        assert going.apart == (action is Action.APART)


def test_a_page_goes_on_at_once_and_keeps_what_was_read() -> None:
    going = ticket("Get-Mailbox")
    first = Verdict(Action.DONE, value=[1], warnings=["one"], link="more")
    assert next_move(going, first, RULES) is Next.PAGE
    assert page(going, first) == Page(going.item, [1], first=True)
    turn(going, first)
    assert going.link == "more"
    last = Verdict(Action.DONE, value=[2], warnings=["two", "one"])
    assert next_move(going, last, RULES) is Next.END
    assert page(going, last) == Page(going.item, [2], first=False)
    ended = outcome(going, last, 1.0, strict=False)
    assert (list(ended.value), ended.paged, ended.warnings) == ([], True, ["one", "two"])


def test_what_failed_keeps_nothing_of_its_pages() -> None:
    going = ticket("Get-Mailbox")
    turn(going, Verdict(Action.DONE, value=[1], link="more"))
    ended = outcome(going, Verdict(Action.FAILED, failure=BROKEN), 1.0, strict=False)
    assert (list(ended.value), ended.paged, ended.status) == ([], False, Status.FAILED)


def read(going: Ticket, *pages: Verdict, limits: PageLimits) -> Verdict:
    """The last of these pages as it is understood; those before it are good."""
    rules = Rules(pages=limits)
    for each in pages[:-1]:
        assert within(going, each, rules) is each
        turn(going, each)
    return within(going, pages[-1], rules)


@pytest.mark.parametrize(
    ("pages", "limits", "words"),
    [
        ([("a", 1), ("b", 1), ("a", 1)], PageLimits(), "read already"),
        ([("a", 1), ("a", 1)], PageLimits(), "read already"),
        ([("a", 1), ("b", 0), ("c", 0), ("d", 0)], PageLimits(empty=3), "3 empty pages in a row"),
        ([("a", 1), ("b", 1), ("c", 1), ("d", 1)], PageLimits(pages=4), "4 pages, and there was no end"),
    ],
)
def test_pages_without_an_end_are_given_up(
    pages: list[tuple[str, int]], limits: PageLimits, words: str
) -> None:
    going = ticket("Get-Mailbox")
    came = [Verdict(Action.DONE, 200, value=[{}] * count, link=link) for link, count in pages]
    verdict = read(going, *came, limits=limits)
    assert (verdict.action, verdict.link, verdict.value) == (Action.FAILED, "", ())
    assert verdict.failure is not None
    assert verdict.failure.code == "bulkexo:endless"
    assert words in verdict.failure.message
    assert next_move(going, verdict, RULES) is Next.END


def test_pages_with_an_end_are_read_to_it() -> None:
    going = ticket("Get-Mailbox")
    came = [Verdict(Action.DONE, value=[{}] * (n % 2), link=f"page{n}") for n in range(9)]
    last = Verdict(Action.DONE, value=[])
    assert read(going, *came, last, limits=PageLimits(pages=10, empty=2)) is last


def test_a_lost_cursor_forgets_what_was_seen() -> None:
    going = ticket("Get-Mailbox")
    first = Verdict(Action.DONE, value=[1], link="more")
    turn(going, first)
    assert next_move(going, Verdict(Action.RESTART, 400, failure=BROKEN), RULES) is Next.LATER
    assert going.link == ""
    assert within(going, first, RULES) is first
    assert page(going, first).first


@pytest.mark.parametrize("action", [Action.SIGN_IN, Action.UNREACHED])
def test_asking_for_a_page_was_no_attempt_and_is_not_taken_back(action: Action) -> None:
    going = ticket("Get-Mailbox", link="more", started=1.0)
    next_move(going, Verdict(action), RULES)
    assert (going.attempts, going.started) == (1, 1.0)


STATUSES = [
    (Action.DONE, SAFE, Status.SUCCEEDED, ""),
    (Action.UNCHANGED, SAFE, Status.UNCHANGED, ""),
    (Action.FAILED, SAFE, Status.FAILED, "Code"),
    (Action.PASSING, UNSAFE, Status.FAILED, "Code"),
    (Action.BUSY, UNSAFE, Status.FAILED, "Code"),
    (Action.FAULT, SAFE, Status.FAILED, "Code"),
    (Action.FAULT, ONCE, Status.UNKNOWN, "bulkexo:unknown"),
    (Action.FAULT, UNSAFE, Status.UNKNOWN, "bulkexo:unknown"),
    (Action.RESTART, SAFE, Status.FAILED, "Code"),
    (Action.UNANSWERED, SAFE, Status.FAILED, "bulkexo:no-answer"),
    (Action.UNANSWERED, ONCE, Status.UNKNOWN, "bulkexo:unknown"),
    (Action.UNANSWERED, UNSAFE, Status.UNKNOWN, "bulkexo:unknown"),
]


@pytest.mark.parametrize(("action", "cmdlet", "status", "code"), STATUSES)
def test_status_and_code(action: Action, cmdlet: str, status: Status, code: str) -> None:
    ended = told(action, cmdlet, failure=BROKEN)
    assert (ended.status, ended.error.code if ended.error else "") == (status, code)


def test_an_outcome_has_the_times_and_names_of_its_attempts() -> None:
    ended = told(Action.DONE, status=200, value=[1], warnings=["w"], request_id="r")
    assert (ended.started, ended.duration, ended.attempts) == (1000.0, 2.5, 1)
    assert (ended.http_status, ended.request_id) == (200, "r")
    assert (list(ended.value), list(ended.warnings)) == ([1], ["w"])


def test_without_the_services_request_id_ours_is_told() -> None:
    assert told(Action.DONE).request_id == "id"


def test_a_clock_that_went_back_gives_no_negative_duration() -> None:
    assert outcome(ticket(started=1.0, began=9.0), Verdict(Action.DONE), 8.0, strict=False).duration == 0.0


def test_unchanged_by_an_error_keeps_its_words_as_a_warning() -> None:
    ended = told(Action.UNCHANGED, warnings=["w"], failure=BROKEN)
    assert (list(ended.warnings), ended.error) == (["w", "It broke."], None)


def test_strict_makes_unchanged_a_failure_with_a_reason() -> None:
    ended = told(Action.UNCHANGED, warnings=["Nothing to do."], strict=True)
    assert ended.status is Status.FAILED
    assert ended.error == Failure("bulkexo:unchanged", "", "Nothing to do.")


def test_the_reason_for_unknown_says_what_to_do() -> None:
    error = told(Action.UNANSWERED, UNSAFE, failure=Failure("x", "", "The line was cut.")).error
    assert error is not None
    assert "The line was cut." in error.message
    assert "look at the object" in error.message


def test_skipped() -> None:
    later = left_out(ticket())
    assert (later.status, later.attempts, later.started, later.request_id) == (Status.SKIPPED, 0, None, None)


SECRET = "Sesam-öffne-1"
OTHER = "Zweites"
HIDDEN: Mapping[str, Value] = {
    "Password": SECRET,
    "Nested": {"Add": [OTHER, {"Deep": "Tief-77"}]},
    "Pin": 918273,
    "Identity": "ada",
}


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("secret", [SECRET, OTHER, "Tief-77", "918273"])
def test_what_the_service_quotes_of_secrets_is_blotted(action: Action, secret: str) -> None:
    item = Item(1, 1, "New-Mailbox", "ada", HIDDEN, {}, frozenset({"Password", "Nested", "Pin"}))
    quoted = f"The value '{secret}' is bad: {secret}"
    verdict = Verdict(
        action,
        400,
        value=[{"A": quoted, "B": [{"C": secret}], "D": 918273}],
        warnings=[quoted],
        failure=Failure(quoted, quoted, quoted, quoted),
    )
    told = discreet(verdict, secret_texts(item))
    for strict in (False, True):
        ended = asdict(outcome(Ticket(item, "id", "ada", attempts=1), told, 0.0, strict=strict))
        assert secret not in str({name: ended[name] for name in ("value", "warnings", "error")})
        assert "***" in str(ended["value"])
        assert ended["error"] is None or ended["error"]["message"]
        if action is Action.FAILED:
            assert all("***" in text for text in ended["error"].values())


def test_what_is_not_secret_stays() -> None:
    item = Item(1, 1, "New-Mailbox", "ada", {"Password": ""}, {}, frozenset({"Password", "Absent"}))
    ended = outcome(
        Ticket(item, "id", ""), Verdict(Action.DONE, value=[{"A": 1, "B": None}]), 0.0, strict=False
    )
    assert list(ended.value) == [{"A": 1, "B": None}]
