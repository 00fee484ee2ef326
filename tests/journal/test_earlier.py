"""What earlier steps returned, read back from a run's folder by one that goes on, or has chosen rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bulkexo.journal import RunFolder
from bulkexo.journal.earlier import copy_lines
from bulkexo.journal.lines import line
from bulkexo.journal.past import again, recall, recall_first
from bulkexo.model import BY_RULE, Earlier, Ended, Failure, Item, Outcome, Status, UsageError

from .helpers import folder, item, outcome

STEPS = 3


@dataclass(frozen=True)
class Needing:
    """A rule that needs the member Id of step 1."""

    keeps: frozenset[str] | None = None
    needs: Mapping[int, frozenset[str]] = field(default_factory=lambda: {1: frozenset({"id"})})
    retry_not_found: float = 0.0

    def chosen(self, item: Item, values: Sequence[Any]) -> Sequence[Any]:
        return values

    def against(self, item: Item, earlier: Earlier) -> str:
        return ""

    def bind(self, item: Item, earlier: Earlier) -> Item:
        return item


def later(row: int, step: int = 3) -> Item:
    return replace(item(row, step), rule=Needing())


def made(row: int, *values: Any, status: Status = Status.SUCCEEDED, step: int = 1) -> Outcome:
    return replace(outcome(item(row, step), status), value=values)


def left_out(row: int, step: int) -> Outcome:
    return replace(outcome(item(row, step), Status.SKIPPED), error=Failure(BY_RULE, "", "Not now."))


def test_statuses_and_what_is_needed(tmp_path: Path) -> None:
    ended = [made(2, {"ID": "x", "Else": 1}), left_out(2, 2), made(1, status=Status.FAILED)]
    past = recall(folder(tmp_path, ended), 6, STEPS)
    assert past.earlier(later(2)) == {
        1: Ended(Status.SUCCEEDED, [{"id": "x"}], 1),
        2: Ended(Status.SKIPPED, rule=True),
    }
    assert past.earlier(item(2, 3)) == {1: Ended(Status.SUCCEEDED), 2: Ended(Status.SKIPPED, rule=True)}
    assert past.earlier(later(1)) == {1: Ended(Status.FAILED, [])}
    assert past.earlier(later(2, 1)) == {}
    assert past.counts[Status.SKIPPED] == 1


def paged(path: Path, count: int) -> bytes:
    """A line that points to so many objects."""
    pages = path / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    content = b"".join(b'{"Id": %d}\n' % number for number in range(count))
    (pages / "1-1.ndjson").write_bytes(content)
    told = {"path": "pages/1-1.ndjson", "objects": count, "bytes": len(content)}
    return line(replace(made(1), paged=True), told)


@pytest.mark.parametrize(("count", "kept"), [(3, 3), (1500, 1000)])
def test_pages(tmp_path: Path, count: int, kept: int) -> None:
    run = folder(tmp_path)
    run.results.write_bytes(line(made(2)) + paged(tmp_path, count))
    found = recall(run, 6, STEPS).earlier(later(1))[1]
    assert (found.status, found.count) == (Status.SUCCEEDED, count)
    assert found.objects == [{"id": number} for number in range(kept)]


def test_pages_that_are_gone_are_told(tmp_path: Path) -> None:
    run = folder(tmp_path)
    run.results.write_bytes(paged(tmp_path, 3))
    (tmp_path / "pages" / "1-1.ndjson").unlink()
    past = recall(run, 6, STEPS)
    with pytest.raises(UsageError, match="What an earlier step returned cannot be read from"):
        past.earlier(later(1))


def chosen_of(source: RunFolder, target: Path, items: int) -> RunFolder:
    """A run of what failed in another, as `bulkexo retry` begins it."""
    before = recall(source, items, STEPS)
    before.first = recall_first(source, items, STEPS)
    fresh = again(before, STEPS)
    assert fresh is not None
    made = RunFolder.create(target)
    made.choose(fresh.chosen)
    copy_lines(fresh.depended_on(), made.earlier)
    assert fresh.earlier(later(1)) == gone_on(made, items).earlier(later(1))
    return made


def gone_on(run: RunFolder, items: int) -> Any:
    past = recall(run, items, STEPS)
    past.first = recall_first(run, items, STEPS)
    past.choose(run.read_chosen(items))
    return past


def ended_in(run: RunFolder, outcomes: Sequence[Outcome]) -> RunFolder:
    run.results.write_bytes(b"".join(map(line, outcomes)))
    return run


def test_a_run_of_chosen_rows_takes_over_what_they_depend_on(tmp_path: Path) -> None:
    first = folder(tmp_path / "first")
    ended = [made(2, {"Id": "other"}), made(2, step=2), made(2, step=3)]
    failed = [made(1, status=Status.FAILED, step=2), made(1, status=Status.SKIPPED, step=3)]
    first.results.write_bytes(b"".join(map(line, ended)) + paged(first.path, 2) + b"".join(map(line, failed)))
    second = chosen_of(first, tmp_path / "second", 6)
    assert len(second.earlier.read_bytes().splitlines()) == 1  # of row 2, nothing is to be done again
    found = gone_on(second, 6).earlier(later(1))
    assert found == {1: Ended(Status.SUCCEEDED, [{"id": 0}, {"id": 1}], 2)}
    ended_in(second, [made(1, step=2), made(1, status=Status.FAILED, step=3)])
    third = chosen_of(second, tmp_path / "third", 6)
    assert gone_on(third, 6).earlier(later(1)) == {
        1: Ended(Status.SUCCEEDED, [{"id": 0}, {"id": 1}], 2),
        2: Ended(Status.SUCCEEDED),
    }


def test_what_a_rule_left_out_is_not_chosen(tmp_path: Path) -> None:
    ended = [made(1, status=Status.FAILED), left_out(1, 2), made(1, step=3)]
    fresh = again(recall(folder(tmp_path, ended), 3, STEPS), STEPS)
    assert fresh is not None
    assert fresh.chosen == bytes([1, 0, 0])
