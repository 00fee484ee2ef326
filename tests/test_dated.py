"""Names with the day in them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from bulkexo.dated import check_name, dated, is_dated, numbered, numbered_folder

NOW = datetime(2026, 11, 24, 6, 5, 9)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("reports/sizes-${date}", "reports/sizes-2026-11-24"),
        ("${JOB}-${date}-${time}.xlsx", "sizes-2026-11-24-060509.xlsx"),
        ("$$5-${ date }", "$5-2026-11-24"),
        ("$${date}", "${date}"),
        ("plain$name", "plain$name"),
    ],
)
def test_names_are_filled_in(text: str, filled: str) -> None:
    check_name(text)
    assert dated(Path(text), NOW, "sizes") == Path(filled)


@pytest.mark.parametrize("text", ["sizes-${day}", "${}", "${date}-${Identity}"])
def test_a_name_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="means nothing here"):
        check_name(text)


def test_a_dollar_alone_makes_no_dated_name() -> None:
    assert is_dated(Path("a-${date}"))
    assert not is_dated(Path("a-$$"))


def test_a_second_one_gets_a_number() -> None:
    assert numbered(Path("r/a-2026-11-24.xlsx"), 1) == Path("r/a-2026-11-24.xlsx")
    assert numbered(Path("r/a-2026-11-24.xlsx"), 2) == Path("r/a-2026-11-24-2.xlsx")
    assert numbered_folder(Path("r/v1.5-2026"), 3) == Path("r/v1.5-2026-3")
