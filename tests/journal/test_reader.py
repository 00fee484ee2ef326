"""Reading back: any prefix of any journal, lines in any order, garbage after."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkexo.journal import Past, RunFolder
from bulkexo.journal.files import Appending
from bulkexo.journal.lines import announcement, line
from bulkexo.journal.past import Lines, recall, recall_by_key
from bulkexo.model import Item, Status, UsageError

from .helpers import item, outcome

ROWS, STEPS = 8, 2
ITEMS = [item(row, step) for row in range(1, ROWS + 1) for step in range(1, STEPS + 1)]

ENDS = st.lists(st.tuples(st.sampled_from(ITEMS), st.sampled_from(list(Status))), max_size=25)
ANNOUNCED = st.lists(
    st.tuples(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=4), st.booleans()), max_size=10
)
"""Announcements, and whether each is withdrawn instead."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
ODD_LINES = st.one_of(
    st.binary(max_size=40),
    JSON.map(lambda value: orjson.dumps(value) + b"\n"),
    st.fixed_dictionaries({"row": JSON, "step": JSON, "status": JSON | st.sampled_from(list(Status))}).map(
        lambda value: orjson.dumps(value) + b"\n"
    ),
    st.fixed_dictionaries({"items": JSON}).map(lambda value: orjson.dumps(value) + b"\n"),
    st.fixed_dictionaries({"withdrawn": JSON}).map(lambda value: orjson.dumps(value) + b"\n"),
    st.just(b'{"row":1e400,"step":1,"status":"failed"}\n'),
    st.just(b"[" * 5000 + b"\n"),
)
QUICK = settings(deadline=None, max_examples=200)


def in_folder(results: bytes, announced: bytes) -> RunFolder:
    path = Path(tempfile.mkdtemp(dir=TEMPORARY))
    folder = RunFolder(path)
    folder.results.write_bytes(results)
    folder.announced.write_bytes(announced)
    return folder


TEMPORARY = ""


@pytest.fixture(autouse=True, scope="module")
def _temporary(tmp_path_factory: pytest.TempPathFactory) -> None:
    globals()["TEMPORARY"] = str(tmp_path_factory.mktemp("reader"))


def whole(data: bytes) -> list[bytes]:
    return data.split(b"\n")[:-1]


def model(results: bytes, announced: bytes) -> tuple[dict[tuple[int, int], Status], set[tuple[int, int]]]:
    """The same in a few lines: the first line of an item counts; an announced one without is in doubt."""
    ended: dict[tuple[int, int], Status] = {}
    for raw in whole(results):
        document = orjson.loads(raw)
        ended.setdefault((document["row"], document["step"]), Status(document["status"]))
    sent: set[tuple[int, int]] = set()
    for raw in whole(announced):
        document = orjson.loads(raw)
        sent |= {(row, step) for row, step, _ in document.get("items", [])}
        sent -= {(row, step) for row, step, _ in document.get("withdrawn", [])}
    return ended, sent - ended.keys()


def lines_of(announced: list[tuple[list[Item], bool]]) -> bytes:
    return b"".join(announcement(items, 0.0, withdrawn=withdrawn) for items, withdrawn in announced)


def check(past: Past, ended: dict[tuple[int, int], Status], in_doubt: set[tuple[int, int]]) -> None:
    for each in ITEMS:
        status = ended.get((each.row, each.step))
        assert past.ended(each) == (status is not None)
        assert past.unsettled(each) == ((each.row, each.step) in in_doubt)
        before = {step: ended.get((each.row, step)) for step in range(1, each.step)}
        found = {step: end.status for step, end in past.earlier(each).items()}
        assert found == {step: status for step, status in before.items() if status is not None}
        assert (past.in_trouble(each) is not None) == (status in (Status.FAILED, Status.UNKNOWN))
    assert past.counts == Counter(ended.values())
    assert past.in_doubt == len(in_doubt)
    assert past.strangers == 0


@QUICK
@given(ENDS, ANNOUNCED, st.data())
def test_any_prefix_of_any_journal_in_any_order(
    ends: list[tuple[Item, Status]], announced: list[tuple[list[Item], bool]], data: st.DataObject
) -> None:
    results = b"".join(line(outcome(*each)) for each in ends)
    sent = lines_of(announced)
    results = results[: data.draw(st.integers(0, len(results)), "cut")]
    sent = sent[: data.draw(st.integers(0, len(sent)), "cut of the announced")]
    tail = data.draw(st.binary(max_size=30), "garbage").replace(b"\n", b"")
    folder = in_folder(results + tail, sent + tail)
    past = recall(folder, len(ITEMS), STEPS)
    check(past, *model(results, sent))
    goes_on(folder, past)


def goes_on(folder: RunFolder, past: Past) -> None:
    """After the cut, the next line is a whole one, and all before are what they were."""
    before = folder.results.read_bytes()
    file = Appending(folder.results, past.results_size)
    file.append(line(outcome(ITEMS[0])))
    file.close()
    after = folder.results.read_bytes()
    assert after.startswith(before[: past.results_size])
    assert after.endswith(b"\n")
    assert [orjson.loads(raw)["row"] for raw in whole(after)][-1] == 1
    assert len(whole(after)) == len(whole(before[: past.results_size])) + 1
    assert past.results_size + past.torn == len(before)


@QUICK
@given(ENDS, st.lists(ODD_LINES, max_size=4), st.lists(ODD_LINES, max_size=4), ANNOUNCED)
def test_any_garbage_is_left_out_or_said(
    ends: list[tuple[Item, Status]],
    odd: list[bytes],
    more: list[bytes],
    announced: list[tuple[list[Item], bool]],
) -> None:
    results = b"".join(line(outcome(*each)) for each in ends) + b"".join(odd)
    sent = lines_of(announced) + b"".join(more)
    folder = in_folder(results, sent)
    for by_key in (False, True):
        try:
            past = (
                recall_by_key(folder, len(ITEMS), STEPS, lambda: ITEMS)
                if by_key
                else recall(folder, len(ITEMS), STEPS)
            )
        except UsageError as error:
            assert str(error).endswith((".", "folder."))
        else:
            assert past.results_size <= len(results)
            assert past.announced_size <= len(sent)
            assert sum(past.counts.values()) == sum(map(past.ended, ITEMS))


@QUICK
@given(ENDS, ANNOUNCED)
def test_by_key_it_is_the_same_where_nothing_has_changed(
    ends: list[tuple[Item, Status]], announced: list[tuple[list[Item], bool]]
) -> None:
    results = b"".join(line(outcome(*each)) for each in ends)
    sent = lines_of(announced)
    past = recall_by_key(in_folder(results, sent), len(ITEMS), STEPS, lambda: ITEMS)
    check(past, *model(results, sent))


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_lines_of_anything(pieces: list[bytes]) -> None:
    folder = in_folder(b"\n".join(pieces), b"")
    found = Lines(folder.results)
    try:
        objects = list(found)
    except UsageError:
        return
    data = folder.results.read_bytes()
    assert found.whole + found.torn == len(data)
    assert len(objects) == len(whole(data[: found.whole]))
    assert not found.whole or data[: found.whole].endswith(b"\n")


def test_a_line_that_is_damaged_in_the_middle_is_said(tmp_path: Path) -> None:
    good = line(outcome(item(1)))
    folder = in_folder(good + b"\0" * 20 + b"\n" + good, b"")
    with pytest.raises(UsageError, match=f"cannot be read from byte {len(good)} on, though lines follow"):
        recall(folder, 1, 1)
