"""Whatever a cmdlet returns becomes a table of every format, with a line for each object, and can be read."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from bulkexo.report.tables.export import Format, Request, export_to
from bulkexo.report.tables.values import as_text, moment, size, span
from tests.report.runs import ended, run

NAMES = st.sampled_from(("A", "a", "B", "C.D", "C", "=E", "A@odata.type", "@odata.id", "Row", "Ü", ""))
FORMS = st.sampled_from(
    (
        *("2026-11-24T09:30:00Z", "2026-11-24T09:30:00", "2026-11-24", "0001-01-01T00:00:00Z", "/Date(0)/"),
        *("1 KB (1,024 bytes)", "Unlimited", "14.00:00:00", "PT0.5S", "=1+1", "-5", "<r></r>", "_x0000_"),
        *("\x00\x0b", "<r>&</r>"),
    )
)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | FORMS | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
VALUES = st.lists(st.dictionaries(NAMES, JSON, max_size=5) | SCALARS, min_size=1, max_size=6)


def exported(values: list[Any], form: Format, folder: Path, **more: Any) -> Path:
    try:
        line = ended(1, *values)
    except orjson.JSONEncodeError:  # more than 64 bits: no reply holds it
        line = ended(1, *[None] * len(values))
    to = folder / f"table.{form}"
    summary = export_to(run(folder / "run", [line]), Request(form, **more), to)
    assert summary.rows == len(values)
    return to


@settings(deadline=None)
@given(VALUES)
def test_csv(values: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        to = exported(values, Format.CSV, Path(folder))
        with to.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
    assert len({name.lower() for name in header}) == len(header)
    assert [len(row) for row in rows] == [len(header)] * len(values)


@settings(deadline=None)
@given(VALUES)
def test_ndjson(values: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        content = exported(values, Format.NDJSON, Path(folder)).read_bytes()
    assert len([json.loads(line) for line in content.splitlines()]) == len(values)


@settings(deadline=None, max_examples=50)
@given(VALUES)
def test_parquet(values: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert parquet.read_table(exported(values, Format.PARQUET, Path(folder))).num_rows == len(values)


@settings(deadline=None, max_examples=40)
@given(VALUES)
def test_excel(values: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = openpyxl.load_workbook(exported(values, Format.XLSX, Path(folder)))
    header, *rows = book["Values"].iter_rows()
    assert len(rows) == len(values)
    assert {cell.data_type for cell in header} == {"s"}
    assert "f" not in {cell.data_type for row in rows for cell in row}


@given(st.lists(FORMS | st.text(max_size=20), min_size=1, max_size=6))
def test_a_text_is_kept_or_read_for_what_it_is(values: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        to = exported([{"A": text} for text in values], Format.PARQUET, folder)
        found = parquet.read_table(to).to_pydict()
    measured = {"A.Bytes": size, "A.Seconds": span}
    for number, text in enumerate(values):
        cell = found["A"][number]
        assert cell == text or as_text(text) == "" or moment(text) is not None
        for name, measure in measured.items():
            if name in found:
                assert found[name][number] == measure(text)


@pytest.mark.parametrize("values", [[2**63 - 1, 0.5], [-(2**63), 1e300], [2**60 + 1, 0.1]])
def test_large_whole_numbers_among_fractions(tmp_path: Path, values: list[float]) -> None:
    to = exported([{"A": value} for value in values], Format.PARQUET, tmp_path)
    assert parquet.read_table(to)["A"].to_pylist() == [float(value) for value in values]
