"""Objects as cells: docs/tables.md's rules as examples, and what holds of any object."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.report.tables.cells import TYPED, cells
from bulkexo.report.tables.columns import LIMIT, Column, Kind, Survey
from bulkexo.report.tables.delimited import RISKY, defused
from bulkexo.report.tables.flat import DEEPEST, flat
from bulkexo.report.tables.values import Seen, joined, moment, of_text, size, span

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
STRINGS = (
    *("007", "+49 30 1234", "1e5", "12345678901234567890", "true", "7095beeb-d765-45e4-a5be-2df267ef432e"),
    *("10.1.2.3", "-5", "1,5", "99 GB", "20261124", "12:30", "P@ssw0rd"),
)
OBJECTS = st.dictionaries(st.text(max_size=8), JSON, max_size=6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"A": 1, "B": {"C": "x", "D": {"E": True}}}, {"A": 1, "B.C": "x", "B.D.E": True}),
        ({"A": [], "B": {}, "C": None}, {"A": [], "C": None}),
        ({"A@odata.type": "#Int64", "A": 1, "@odata.id": "x", "B@data.type": "y"}, {"A": 1}),
        ({"A": [{"B": 1, "B@odata.type": "#Int64"}]}, {"A": [{"B": 1}]}),
        ({"mail@contoso.com": "kept"}, {"mail@contoso.com": "kept"}),
        ({"A.B": 1, "A": {"B": 2}}, {"A.B": 1, "A.B (2)": 2}),
        ("Ada", {"Value": "Ada"}),
        (["a", "b"], {"Value": ["a", "b"]}),
    ],
)
def test_objects_are_flat(value: Any, expected: dict[str, Any]) -> None:
    assert flat(value) == expected


def test_what_is_too_deep_is_one_column() -> None:
    deep: Any = {"End": 1}
    for _ in range(DEEPEST + 3):
        deep = {"In": deep}
    assert flat(deep) == {".".join(["In"] * DEEPEST): {"In": {"In": {"In": {"End": 1}}}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T09:30:00Z", datetime(2026, 11, 24, 9, 30)),
        ("2026-11-24T09:30:00.1234567Z", datetime(2026, 11, 24, 9, 30, 0, 123456)),
        ("2026-11-24T09:30:00+01:00", datetime(2026, 11, 24, 8, 30)),
        ("2026-11-24T09:30:00", datetime(2026, 11, 24, 9, 30)),
        ("2026-11-24 09:30", datetime(2026, 11, 24, 9, 30)),
        ("2026-11-24", datetime(2026, 11, 24)),
        ("/Date(1795512600000)/", datetime(2026, 11, 24, 9, 30)),
        ("/Date(1795512600000+0100)/", datetime(2026, 11, 24, 9, 30)),
        ("0001-01-01T00:00:00+01:00", None),
        ("2026-02-30T00:00:00Z", None),
        ("11/24/2026 9:30:00 AM", None),
        ("20261124", None),
        ("/Date(99999999999999999)/", None),
    ],
)
def test_dates(text: str, expected: datetime | None) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("99 GB (106,300,440,576 bytes)", 106_300_440_576),
        ("1.206 GB (1.294.932.450 bytes)", 1_294_932_450),
        ("1 KB (1\u202f024 bytes)", 1024),
        ("0 B (0 bytes)", 0),
        ("1 B (1 byte)", 1),
        ("Unlimited", None),
        ("99 GB", None),
        ("a note (5 bytes)", None),
    ],
)
def test_sizes(text: str, expected: int | None) -> None:
    assert size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14.00:00:00", 14 * 86400),
        ("00:30:00", 1800),
        ("-00:00:01.5000000", -1.5),
        ("P14DT1H", 14 * 86400 + 3600),
        ("PT0.5S", 0.5),
        ("P1D", 86400),
        ("24:00:00", None),
        ("P", None),
        ("PT", None),
        ("Unlimited", None),
    ],
)
def test_durations(text: str, expected: float | None) -> None:
    assert span(text) == expected


@pytest.mark.parametrize("text", STRINGS)
def test_all_else_stays_text(text: str) -> None:
    assert of_text(text) == Seen.TEXT


def column(*values: Any) -> list[Column]:
    """The columns of objects with this member, found out as for a table."""
    survey = Survey({})
    for value in values:
        survey.see(flat({"A": value}))
    return list(survey.columns())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((1, 2, None), Kind.WHOLE),
        ((1, 2.5, ""), Kind.FRACTION),
        ((True, False), Kind.BOOLEAN),
        ((True, 1), Kind.TEXT),
        (("2026-11-24T09:30:00Z", "/Date(0)/", None, ""), Kind.UTC),
        (("2026-11-24T09:30:00", []), Kind.LOCAL),
        (("2026-11-24T09:30:00", "2026-11-24T09:30:00Z"), Kind.TEXT),
        (("2026-11-24",), Kind.DAY),
        (("2026-11-24", "soon"), Kind.TEXT),
        ((["a"], [], ["b", 1]), Kind.LIST),
        (([], []), Kind.LIST),
        (([], "a"), Kind.TEXT),
        (([{"B": 1}], []), Kind.TREE),
        ((2**63, 1), Kind.TEXT),
        ((None, ""), Kind.TEXT),
        (("Unlimited",), Kind.TEXT),
    ],
)
def test_a_column_is_what_all_its_cells_are(values: tuple[Any, ...], kind: Kind) -> None:
    assert [each.kind for each in column(*values)] == [kind]


@pytest.mark.parametrize(
    ("values", "name", "kind", "made"),
    [
        (("1 KB (1,024 bytes)", "Unlimited", None), "A.Bytes", Kind.WHOLE, [1024, None, None]),
        (("14.00:00:00", "Unlimited", ""), "A.Seconds", Kind.WHOLE, [1_209_600, None, None]),
        (("00:00:01.5", "00:00:02"), "A.Seconds", Kind.FRACTION, [1.5, 2]),
    ],
)
def test_sizes_and_durations_are_text_and_a_number(
    values: tuple[Any, ...], name: str, kind: Kind, made: list[Any]
) -> None:
    text, measure = column(*values)
    assert (text.name, text.kind, measure.name, measure.kind) == ("A", Kind.TEXT, name, kind)
    row = cells([text, measure], TYPED)
    assert [row({"A": value}) for value in values] == [list(pair) for pair in zip(values, made, strict=True)]


def test_columns_are_chosen_and_ordered() -> None:
    survey = Survey({"@row": "Row"}, ("@row",), (), ("total*", "Row", "b.c", "none"))
    survey.see(
        {"@row": 1, **flat({"TotalSize": "1 KB (1,024 bytes)", "B": {"C": 1, "D": 2}, "TotalCount": 3})}
    )
    columns = survey.columns()
    assert [each.name for each in columns] == ["TotalSize", "TotalSize.Bytes", "TotalCount", "Row", "B.C"]
    assert survey.missing(columns) == ["none"]


def test_names_are_unique_whatever_their_case() -> None:
    survey = Survey({"@row": "Row"}, ("@row",))
    survey.see({"@row": 1, "row": 2, "ROW": 3, "A\nB": 4, "": 5})
    assert [each.name for each in survey.columns()] == ["Row", "row (2)", "ROW (3)", "A\ufffdB", "(no name)"]


def test_columns_are_limited() -> None:
    survey = Survey({"@row": "Row"}, ("@row",))
    for number in range(3):
        survey.see({"@row": number, **{f"C{number}-{each}": each for each in range(LIMIT)}})
    assert survey.cut
    assert len(survey.columns()) == LIMIT + 1
    chosen = Survey({"@row": "Row"}, (), (), ("C2-999",))
    for number in range(3):
        chosen.see({"@row": number, **{f"C{number}-{each}": each for each in range(LIMIT)}})
    assert [each.name for each in chosen.columns()] == ["C2-999"]


def entries(text: str) -> list[str]:
    """A joined list, read back by the rule alone."""
    reader = csv.reader(io.StringIO(text.replace("; ", ";"), newline=""), delimiter=";", strict=True)
    return [each for row in reader for each in row]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0;"), max_size=6), max_size=5))
def test_a_joined_list_can_be_taken_apart(values: list[str]) -> None:
    assert entries(joined(list(values))) == values


def test_an_entry_with_the_separator_is_in_quotes() -> None:
    assert joined(["a; b", 'say "c"', "", None, 1, True]) == '"a; b"; "say ""c"""; ""; 1; True'


@given(st.text())
def test_no_text_is_left_that_begins_like_a_formula(text: str) -> None:
    found = defused(text)
    assert found in (text, "'" + text)
    assert found[:1] not in RISKY or found.lstrip("-").replace(",", ".").replace(".", "", 1).isdigit()


@given(OBJECTS)
def test_any_object_is_flat(value: dict[str, Any]) -> None:
    found = flat(value)
    for name, member in found.items():
        assert not name.startswith("@")
        assert "@odata." not in name
        if isinstance(member, dict):
            assert name.count(".") >= DEEPEST - 1


@given(st.lists(OBJECTS, min_size=1, max_size=5))
def test_any_objects_are_a_table_of_one_kind_for_each_column(values: list[dict[str, Any]]) -> None:
    types = {
        Kind.WHOLE: int,
        Kind.FRACTION: int | float,
        Kind.BOOLEAN: bool,
        Kind.UTC: datetime,
        Kind.LOCAL: datetime,
        Kind.DAY: date,
    }
    survey = Survey({})
    for value in values:
        survey.see(flat(value))
    columns = survey.columns()
    assert len({each.name.lower() for each in columns}) == len(columns)
    row = cells(columns, TYPED)
    for value in values:
        made = row(flat(value))
        assert len(made) == len(columns)
        for each, cell in zip(columns, made, strict=True):
            assert cell is None or isinstance(cell, types.get(each.kind, str))
