"""Retrying what a run left, and going on with a job that has changed: what is in doubt stays in doubt."""

from __future__ import annotations

from pathlib import Path

from bulkexo.journal import RunFolder
from bulkexo.journal.past import IN_DOUBT, again, recall, recall_by_key
from bulkexo.model import Item, Status

from .helpers import folder, item, outcome

ROWS = [item(row) for row in range(1, 7)]
ENDS = (Status.SUCCEEDED, Status.FAILED, Status.UNKNOWN, Status.SKIPPED, Status.UNCHANGED, Status.UNKNOWN)


def retried(path: Path) -> RunFolder:
    """A run of what the first one left, which died at once."""
    first = folder(path / "first", [outcome(*each) for each in zip(ROWS, ENDS, strict=True)])
    fresh = again(recall(first, len(ROWS), 1), 1)
    assert fresh is not None
    second = folder(path / "second")
    second.choose(fresh.chosen)
    return second


def test_a_retry_takes_failed_skipped_and_unknown(tmp_path: Path) -> None:
    second = retried(tmp_path)
    assert second.read_chosen(6) == bytes([0, 1, IN_DOUBT, 1, 0, IN_DOUBT])


def test_what_a_retry_found_unknown_is_still_in_doubt_when_the_retry_is_gone_on_with(tmp_path: Path) -> None:
    second = retried(tmp_path)
    second.results.write_bytes(folder(tmp_path / "other", [outcome(ROWS[5])]).results.read_bytes())
    past = recall(second, 6, 1)
    past.choose(second.read_chosen(6))
    assert [each.row for each in ROWS if past.unsettled(each)] == [3]
    assert [each.row for each in ROWS if not past.ended(each)] == [2, 3, 4]


def test_nothing_to_retry(tmp_path: Path) -> None:
    assert again(recall(folder(tmp_path, [outcome(ROWS[0])]), 6, 1), 1) is None


def test_twins_of_which_one_is_in_doubt(tmp_path: Path) -> None:
    """Three rows that are the same: one never sent, one in flight, one ended; and the job has grown."""
    twins = [item(row, name="ada") for row in (1, 2, 3)]
    run = folder(tmp_path, [outcome(twins[0], Status.SKIPPED)], [twins[1]])
    job: list[Item] = [item(1, name="new"), *(item(row, name="ada") for row in (2, 3, 4))]
    past = recall_by_key(run, 4, 1, lambda: job)
    assert [past.ended(each) for each in job] == [False, True, False, False]
    assert [past.unsettled(each) for each in job] == [False, False, True, False]
