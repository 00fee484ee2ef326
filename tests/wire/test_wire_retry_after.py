"""`Retry-After`: seconds, fractions, dates, nonsense."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.wire.retry_after import retry_after

SAID = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("5", 5.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("0.25", 0.25),
        (".5", 0.5),
        ("1e2", 100.0),
        ("-5", 0.0),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("Infinity", None),
        ("1e999", None),
        ("", None),
        (" ", None),
        ("soon", None),
        ("5 s", None),
        ("5, 10", None),
        ("00:00:05", None),
    ],
)
def test_seconds(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text, "date": SAID}) == seconds


def test_absent() -> None:
    assert retry_after({}) is None
    assert retry_after({"date": SAID}) is None


@pytest.mark.parametrize(
    ("due", "seconds"),
    [
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:27:30 GMT", 0.0),
        ("Thu, 22 Oct 2026 07:28:00 GMT", 86400.0),
        ("Wed, 21 Oct 2026 09:28:07 +0200", 7.0),
        ("Wednesday, 21-Oct-26 07:28:05 GMT", 5.0),
    ],
)
def test_a_date_counts_from_the_replys_own(due: str, seconds: float) -> None:
    assert retry_after({"retry-after": due, "date": SAID}) == seconds


@pytest.mark.parametrize("date", [None, "", "nonsense", "Wed, 21 Oct 2026 07:28:00 -0000"])
def test_a_date_without_one_to_count_from_says_nothing(date: str | None) -> None:
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}
    assert retry_after(headers if date is None else headers | {"date": date}) is None


@pytest.mark.parametrize(
    "due",
    [
        "Wed, 99 Oct 2026 07:28:30 GMT",
        "Mon, 01 Jan 99999 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +9999",
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999",
        ", :",
        "Mon, 01 Jan 2024 0" + "0" * 5000 + ":00:00",
    ],
)
def test_dates_out_of_range_say_nothing(due: str) -> None:
    assert retry_after({"retry-after": due, "date": SAID}) is None


PIECES = st.sampled_from(
    ["Mon", ",", " ", "01", "Jan", "2024", "00:00:00", "+9999", "GMT", "-", "9" * 20, ":"]
)


@given(
    st.text(max_size=30) | st.lists(PIECES, max_size=9).map(" ".join),
    st.just(SAID) | st.text(max_size=30) | st.lists(PIECES, max_size=9).map("".join),
)
def test_whatever_it_says_the_wait_is_finite_and_not_negative(text: str, date: str) -> None:
    seconds = retry_after({"retry-after": text, "date": date})
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)
