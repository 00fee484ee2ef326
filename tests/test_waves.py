"""Waves: which rows belong to which, what is counted in each, and what a run that goes on takes over."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest

from bulkexo.job.course import Course, Gate, Size
from bulkexo.journal import Past
from bulkexo.journal.past import Line
from bulkexo.model import Item, Outcome, Status, UsageError
from bulkexo.waves import Ahead, Waves

COURSE = Course((Size("2", 2), Size("3", 3)), Gate(failures=Size("1", 1)))


def item(row: int, step: int = 1) -> Item:
    return Item(row, step, "Set-Mailbox", "", {}, {})


def outcome(row: int, status: Status, step: int = 1) -> Outcome:
    return Outcome(item(row, step), status, 1, 200, 1.0, 1.0, "")


def past(steps: int, *ended: tuple[int, int, Status]) -> Past:
    found = Past(10 * steps, steps)
    for row, step, status in ended:
        found.note(found.number(row, step), Line(row, step, "", status, 0))
    return found


def test_items_are_taken_as_far_as_a_row() -> None:
    read: list[int] = []

    def items() -> Iterator[Item]:
        for row in (1, 1, 3, 6):
            read.append(row)
            yield item(row)

    ahead = Ahead(items())
    assert [each.row for each in ahead.until(2)] == [1, 1]
    assert read == [1, 1, 3]  # no more of the job is read than shows that the wave is over
    assert [each.row for each in ahead.until(2)] == []
    assert [each.row for each in ahead.until(5)] == [3]
    assert [each.row for each in ahead.until(float("inf"))] == [6]
    assert [each.row for each in ahead.until(float("inf"))] == []


def test_rows_that_failed_are_counted_once_and_in_their_wave() -> None:
    waves = Waves(COURSE, 10, None, None)
    assert (waves.bounds, waves.last, waves.over, waves.rows) == ([2, 5, 10], 2, False, 2)
    waves.note([outcome(1, Status.FAILED), outcome(1, Status.UNKNOWN, 2), outcome(2, Status.SKIPPED)])
    assert (waves.failed, waves.tripped) == (1, False)
    waves.note([outcome(2, Status.UNKNOWN)])
    assert (waves.failed, waves.tripped) == (2, True)
    assert waves.told() == "Wave 1 of 3 has ended: 2 rows, 2 failed or unknown."
    assert waves.next_told() == "wave 2 (3 rows)"
    waves.pass_on()
    assert (waves.failed, waves.tripped, waves.last, waves.over) == (0, False, 5, False)
    waves.note([outcome(2, Status.FAILED), outcome(6, Status.FAILED)])
    assert waves.failed == 0
    waves.pass_on()
    assert (waves.last, waves.over, waves.rows) == (10, True, 5)


@pytest.mark.parametrize(("failed", "tripped"), [(0, False), (1, False), (2, True)])
def test_a_share_is_exact(failed: int, tripped: bool) -> None:
    course = Course((Size("50", 50),), Gate(failures=Size("2%", None, Fraction(2, 100))))
    waves = Waves(course, 100, None, None)
    waves.note([outcome(row, Status.FAILED) for row in range(1, failed + 1)])
    assert waves.tripped is tripped


def test_a_run_that_goes_on_knows_where_it_was() -> None:
    waves = Waves(COURSE, 10, None, None)
    waves.pass_on()
    waves.arrive(1000.5)
    waves.arrive(2000.5)
    recorded = waves.document()["waves"]
    assert recorded == {"bounds": [2, 5, 10], "passed": 1, "waiting": 1000.5}
    before = past(2, (1, 1, Status.FAILED), (3, 2, Status.FAILED), (4, 1, Status.UNKNOWN))
    again = Waves(Course((Size("7", 7),)), 12, before, recorded)
    assert (again.bounds, again.passed, again.waiting, again.failed) == ([2, 5, 12], 1, 1000.5, 2)
    assert not again.approved


def test_a_run_of_chosen_rows_counts_these() -> None:
    before = past(1)
    before.choose(bytes([0, 0, 1, 0, 1, 0, 0, 0, 0, 1]))
    waves = Waves(COURSE, 10, before, None)
    counts = []
    while not waves.over:
        counts.append(waves.rows)
        waves.pass_on()
    assert [*counts, waves.rows] == [0, 2, 1]


def test_a_run_of_one_wave_says_nothing_of_it() -> None:
    waves = Waves(Course(), 10, None, None)
    waves.note([outcome(1, Status.FAILED)])
    assert (waves.over, waves.document(), waves.bounds) == (True, {}, [10])


def test_a_broken_record_is_told() -> None:
    with pytest.raises(UsageError, match=r"run\.json of this run does not tell its waves"):
        Waves(COURSE, 10, None, {"bounds": [2, 5]})
