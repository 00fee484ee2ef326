"""A parameter that the cmdlet, or the role, does not have: every row would fail, so the run stops."""

from __future__ import annotations

import pytest

from bulkexo.model import Failure, Outcome, Status
from bulkexo.schedule.binding import ENOUGH, Binding

from .world import item

NO_SUCH = Failure(
    "BadRequest",
    "System.Management.Automation.ParameterBindingException",
    "A parameter cannot be found that matches parameter name 'Colour'.",
)
OTHER = Failure("NotFound", "X.ManagementObjectNotFoundException", "It couldn't be found.")


REFUSED = Failure("Forbidden", "", "The service refused it.")
OUT_OF_SCOPE = Failure("Forbidden", "X.OperationRequiresWriteScopeException", "It isn't within your scopes.")


def ended(
    row: int, error: Failure | None, cmdlet: str = "Set-Mailbox", status: str = "", http: int = 400
) -> Outcome:
    told = Status(status) if status else Status.FAILED if error else Status.SUCCEEDED
    return Outcome(item(row, cmdlet), told, 1, http if error else 200, 0.0, 0.0, None, error=error)


def test_when_enough_have_failed_so_and_none_otherwise() -> None:
    binding = Binding()
    for row in range(1, ENOUGH):
        assert binding.hopeless([ended(row, NO_SUCH)]) == ""
    assert binding.hopeless([ended(ENOUGH, NO_SUCH)]) == (
        "Set-Mailbox fails for every row: A parameter cannot be found that matches parameter name 'Colour'. "
        "Correct the parameter in the job and resume with --accept-changed-input, or give the identity a "
        "role that grants it and resume."
    )


def test_two_batches_at_once_are_enough() -> None:
    assert Binding().hopeless([ended(row, NO_SUCH) for row in range(ENOUGH)])
    assert ENOUGH == 20


@pytest.mark.parametrize("error", [None, OTHER])
@pytest.mark.parametrize("place", [0, 10, ENOUGH - 1])
def test_one_row_that_ended_otherwise_shows_that_rows_differ(error: Failure | None, place: int) -> None:
    binding = Binding()
    outcomes = [ended(row, error if row == place else NO_SUCH) for row in range(ENOUGH + 1)]
    assert binding.hopeless(outcomes) == ""
    assert binding.hopeless([ended(row, NO_SUCH) for row in range(100, 300)]) == ""


def test_skipped_steps_say_nothing() -> None:
    skipped = Failure("bulkexo:earlier-step", "", "An earlier step of the row did not succeed.")
    outcomes = [
        each for row in range(ENOUGH) for each in (ended(row, NO_SUCH), ended(row, skipped, status="skipped"))
    ]
    assert Binding().hopeless(outcomes)


def test_each_cmdlet_is_judged_by_itself() -> None:
    binding = Binding()
    for row in range(ENOUGH - 1):
        assert not binding.hopeless([ended(row, NO_SUCH), ended(row, NO_SUCH, "Set-User")])
        assert not binding.hopeless([ended(row, None, "Get-Mailbox")])
    assert binding.hopeless([ended(99, NO_SUCH, "Set-User")]).startswith("Set-User fails for every row")


def test_an_identity_without_a_role_is_turned_away_for_every_row() -> None:
    said = Binding().hopeless([ended(row, REFUSED, http=403) for row in range(ENOUGH)])
    assert said.startswith("Set-Mailbox is refused for every row: The service refused it. An app needs")


@pytest.mark.parametrize(("error", "http"), [(OUT_OF_SCOPE, 403), (REFUSED, 400)])
def test_rows_that_may_differ_do_not_stop_the_run(error: Failure, http: int) -> None:
    assert Binding().hopeless([ended(row, error, http=http) for row in range(5 * ENOUGH)]) == ""


def test_two_reasons_are_not_added_up() -> None:
    both = [
        each for row in range(ENOUGH - 1) for each in (ended(row, NO_SUCH), ended(row, REFUSED, http=403))
    ]
    assert Binding().hopeless(both) == ""
