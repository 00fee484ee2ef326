"""The live view, at fixed widths and clocks: what stands where, and that it always fits."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from rich.cells import cell_len

from bulkexo.cli.gauge import Fault, Scene
from bulkexo.cli.signs import signs
from bulkexo.cli.view import frame, last_frame
from bulkexo.model import Status
from bulkexo.schedule import Tally

NOON = datetime(2026, 11, 24, 12, 0, 0).timestamp()
COUNTS = {Status.SUCCEEDED: 7800, Status.UNCHANGED: 120, Status.FAILED: 188, Status.UNKNOWN: 2}
FAULTS = [
    Fault(170, "the mailbox or other object does not exist", 8099, "zoë.łukasz@contoso.com"),
    Fault(20, "the service does not accept a value", 17, ""),
]


def scene(tally: dict[str, Any] | None = None, **given: Any) -> Scene:
    more: dict[str, Any] = {
        "rate": 40.0,
        "places": 16,
        "batches": 15,
        "sent": 8500,
        "refused": 100,
        "retried": 130,
    }
    counts = Counter({**COUNTS, Status.SKIPPED: 10})
    told = Tally(**{"by_status": counts, **more, **(tally or {})})
    usual: dict[str, Any] = {"speed": 39.84, "left": 298.0, "clock": NOON, "elapsed": 252.0}
    return Scene(told, 20_000, **{**usual, **given})


def plain(shown: Scene, width: int = 80, height: int = 24, encoding: str = "utf-8") -> list[str]:
    title = "mailboxes.csv on contoso.onmicrosoft.com"
    return [line.plain.rstrip() for line in frame(title, shown, width, height, signs(encoding))]


def test_eighty_columns() -> None:
    assert plain(scene({"wave": "wave 2 of 3"}, faults=FAULTS)) == [
        "mailboxes.csv on contoso.onmicrosoft.com, wave 2 of 3                4 min 12 s",
        "━━━━━━━━━━━━━━━━━━━━━━╸────────────────────────────────   8,120 of 20,000   40%",
        "done at 12:04:58, in 4 min 58 s",
        "",
        "      succeeded      unchanged         failed        unknown        skipped",
        "          7,800            120            188              2             10",
        "",
        "    items/s now        allowed        batches      throttled    tried again",
        "           39.8           40.0       15 of 16           1.2%            130",
        "",
        "The last failures, by cause:",
        "    170  the mailbox or other object does not exist                   row 8,099",
        "     20  the service does not accept a value                             row 17",
    ]


def test_the_identity_stands_where_there_is_room() -> None:
    assert plain(scene(faults=FAULTS), 120)[-2].endswith("row 8,099, zoë.łukasz@contoso.com")


def test_forty_columns_of_ascii() -> None:
    assert plain(scene(faults=FAULTS), 40, 24, "ascii") == [
        "mailboxes.csv on contoso.onmicrosoft...",
        "#######--------   8,120 of 20,000   40%",
        "done at 12:04:58, in 4 min 58 s",
        "",
        "succeeded    7,800  unchanged      120",
        "failed         188  unknown          2",
        "skipped         10",
        "",
        "items/s now   39.8  allowed       40.0",
        "batches   15 of 16  throttled     1.2%",
        "tried again    130",
        "",
        "The last failures, by cause:",
        "    170  the mailbox or other object...",
        "     20  the service does not accept...",
    ]


@pytest.mark.parametrize("width", [20, 33, 40, 59, 66, 67, 80, 120, 200])
@pytest.mark.parametrize("height", [2, 5, 9, 16, 24, 60])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "cp932"])
def test_it_fits(width: int, height: int, encoding: str) -> None:
    big = Counter(dict.fromkeys(Status, 1_000_000))
    long = Fault(1_000_000, "漢字 " * 60, 1_000_000, "名前" * 30)
    shown = scene({"by_status": big, "wave": "wave 100 of 200"}, faults=[long] * 5)
    lines = plain(shown, width, height, encoding)
    assert len(lines) < height or height == 2
    for line in lines:
        assert cell_len(line) < width or width == 20
        line.encode(encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "nonsense"])
def test_no_character_that_the_console_lacks(encoding: str) -> None:
    text = "\n".join(plain(scene(faults=FAULTS), 120, 24, encoding))
    text.encode("ascii" if encoding == "nonsense" else encoding)
    assert "#####" in text
    assert "ukasz@contoso.com" in text


def test_what_a_message_says_never_steers_the_console() -> None:
    evil = Fault(1, "\x1b[2Jgone\x9b31m\u202e\nand\x07", 1, "\x1b]0;title\x07")
    (line,) = plain(scene(faults=[evil]), 120)[-1:]
    assert line.isprintable()
    assert "[2Jgone" in line


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"state": "throttled by the service, next try in 41 s", "stuck": True, "left": None},
            "next try in 41 s",
        ),
        ({"state": "the service delays replies, so the pace is eased"}, "is eased, done at 12:04:58"),
        ({"left": None}, "under way"),
        ({"left": 50_000.0}, "done at Wed 2026-11-25 01:53, in 13 h 53 min"),
    ],
)
def test_the_third_line_says_what_goes_on(given: dict[str, Any], said: str) -> None:
    assert said in plain(scene(**given))[2]


def test_how_long_it_waits_is_told_in_forty_columns() -> None:
    lines = plain(scene(state="throttled by the service, next try in 41 s", stuck=True, left=None), 40)
    assert lines[2:4] == ["throttled by the service, next try in", "41 s"]


def test_several_tenants_are_told_in_the_title() -> None:
    assert "contoso.onmicrosoft.com, 2 at work" in plain(scene({"tenants": 3, "working": 2}))[0]


def test_a_low_console_shows_the_first_lines() -> None:
    lines = plain(scene(faults=FAULTS), 80, 6)
    assert len(lines) == 5
    assert "8,120 of 20,000" in lines[1]
    assert "succeeded" in lines[3]


def test_what_stays_is_the_bar() -> None:
    shown = [line.plain for line in last_frame("job.csv", scene(), 80, signs("utf-8"))]
    assert len(shown) == 2
    assert "8,120 of 20,000" in shown[1]


def test_nothing_is_known_yet() -> None:
    lines = plain(Scene(Tally(), 0))
    assert "100%" in lines[1]
    assert lines[2] == "under way"
