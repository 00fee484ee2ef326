"""The lines of a plan, in the order of the job, whatever order they came in; and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkexo.compare import Assessed, Change, Difference
from bulkexo.model import Item, Repeat, UsageError
from bulkexo.plan.book import Book, Counts, line
from bulkexo.report.plan import Shown, as_object, as_text


def item(row: int, step: int = 1, **more: Any) -> Item:
    given = {"Identity": f"u{row}", "Office": "2"}
    return Item(row, step, "Set-Mailbox", f"u{row}", more.pop("parameters", given), {}, **more)


def changed(before: Any = "1", after: Any = "2") -> Assessed:
    return Assessed(Change.CHANGE, (Difference("Office", before, after, False),))


NONE = Assessed(Change.NONE, (Difference("Office", "2", "2", True),))
MASTERED = Assessed(
    Change.ON_PREMISES, (Difference("Office", "1", "2", False),), "It is mastered on-premises."
)


def finished(book: Book) -> tuple[list[dict[str, Any]], Counts]:
    shown: list[Mapping[str, Any]] = []
    counts = book.finish(shown.append)
    book.close()
    lines = [json.loads(each) for each in (book.folder / "plan.ndjson").read_text("utf-8").splitlines()]
    assert lines == shown
    return lines, counts


def test_lines_stand_in_the_order_of_the_job_and_the_last_word_counts(tmp_path: Path) -> None:
    book = Book(tmp_path, 6, 2)
    for row in (3, 1, 2):
        for step in (2, 1):
            book.add(item(row, step), changed())
    assert book.differs(item(2, 1))
    book.add(item(2, 1), NONE)
    assert not book.differs(item(2, 1))
    lines, counts = finished(book)
    assert [(each["row"], each["step"]) for each in lines] == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    assert counts.changes == {Change.CHANGE: 5, Change.NONE: 1}
    assert counts.parameters == {("Set-Mailbox", "Office"): 5}
    assert counts.sent == {"": 5}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["plan.ndjson"]


def test_a_line_has_what_it_takes_to_run_it(tmp_path: Path) -> None:
    parameters = {"Identity": "u1", "Office": "2", "Password": "geheim"}
    secret = item(
        1,
        parameters=parameters,
        secrets=frozenset({"Password"}),
        repeat=Repeat.SAFE,
        select=("Name",),
        tenant="t",
    )
    book = Book(tmp_path, 1, 1)
    book.add(secret, changed())
    ((told,), counts) = finished(book)
    assert told["parameters"] == {"Identity": "u1", "Office": "2", "Password": "<secret>"}
    assert (told["before"], told["after"]) == ({"Office": "1"}, {"Office": "2"})
    assert (told["repeat"], told["select"], told["tenant"], told["secret"]) == (
        "safe",
        ["Name"],
        "t",
        ["Password"],
    )
    assert "Password" in told["only_in_job"]
    assert counts.only_in_job == 1
    assert "geheim" not in (tmp_path / "plan.ndjson").read_text("utf-8")


def test_what_is_mastered_on_premises_is_set_apart(tmp_path: Path) -> None:
    book = Book(tmp_path, 3, 1)
    for row, assessed in ((1, changed()), (2, MASTERED), (3, NONE)):
        book.add(item(row), assessed)
    finished(book)
    text = (tmp_path / "on-premises.csv").read_text("utf-8-sig").splitlines()
    assert text[0] == "Row,Step,Cmdlet,Identity,Change,Why"
    assert text[1].startswith("2,1,Set-Mailbox,u2,")
    assert len(text) == 2


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        Book(tmp_path / "nowhere", 1, 1)


def shown(*lines: Assessed, width: int, identity: str = "u1") -> str:
    told = Shown()
    for number, assessed in enumerate(lines, 1):
        told.add(json.loads(_line(number, assessed, identity)))
    return told.table(width)


def _line(number: int, assessed: Assessed, identity: str) -> bytes:
    return line(Item(number, 1, "Set-Mailbox", identity, {"Identity": identity}, {}), assessed)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_table_fits_every_console(width: int) -> None:
    text = shown(
        changed("x" * 500, ["a", "b"] * 40), MASTERED, width=width, identity="a.long.name@contoso.com"
    )
    assert max(map(len, text.splitlines())) <= width
    assert ("Set-Mailbox" in text) == (width >= 60)


def test_a_table_shows_the_first_that_are_not_without_a_change() -> None:
    text = shown(*[NONE] * 5, *[changed()] * 25, width=100)
    assert "5 more" in text
    assert text.count('"1" → "2"') == 20
    assert shown(NONE, width=100) == ""


def test_brackets_of_a_name_are_no_markup() -> None:
    assert "[red]x[/red]" in shown(changed("[red]x[/red]"), width=120)


def test_words_and_figures(tmp_path: Path) -> None:
    counts = Counts()
    counts.changes.update({Change.CHANGE: 1200, Change.ON_PREMISES: 3, Change.NONE: 5})
    counts.parameters["Set-Mailbox", "Office"] = 1200
    told = as_object(counts, 1208, 61.0, 75.0, tmp_path)
    assert (told["items"], told["change"], told["on-premises"], told["missing"]) == (1208, 1200, 3, 0)
    text = as_text(told, Path("job.csv"))
    assert "1,208 items: 1,200 to change, 5 without a change, 3 mastered on-premises." in text
    assert "1,200 items, about 1 min 15 s" in text
    assert "bulkexo run --plan" in text
    assert "on-premises.csv" in text
    counts.only_in_job = 2
    assert "--skip-unchanged" in as_text(as_object(counts, 1, 1.0, None, tmp_path), Path("job.csv"))
