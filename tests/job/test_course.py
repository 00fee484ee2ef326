"""`waves:`, `gate:` and `window:` as a job writes them."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from bulkexo.job import load
from bulkexo.job.course import Course

from .helpers import refused, save

HEAD = "rows: [{Id: ada}]\ncmdlet: Get-Mailbox\nparameters: {Identity: '${Id}'}\n"


def course(folder: Path, text: str) -> Course:
    return load(save(folder, HEAD + text, "job.yaml")).course


@pytest.mark.parametrize(
    ("waves", "rows", "bounds"),
    [
        ("[10, 500, 5000, rest]", 100_000, [10, 510, 5510, 100_000]),
        ("[10, 500]", 100_000, [10, 510, 100_000]),
        ("[1%, 10%, rest]", 1000, [10, 110, 1000]),
        ("[1, 0.1%, 50%, Rest]", 999, [1, 2, 502, 999]),
        ("[10, rest]", 10, [10]),
        ("[10, 10, rest]", 15, [10, 15]),
        ("[1%, 1%, 1%, rest]", 3, [1, 2, 3]),
        ("[100%]", 7, [7]),
        ("[50%, 50%, rest]", 7, [4, 7]),
        ("[3, rest]", 0, [0]),
    ],
)
def test_where_waves_end(tmp_path: Path, waves: str, rows: int, bounds: list[int]) -> None:
    assert course(tmp_path, f"waves: {waves}\n").bounds(rows) == bounds


def test_a_job_without_them_is_one(tmp_path: Path) -> None:
    found = course(tmp_path, "")
    assert (found.bounds(7), found.hours, found.described()) == ([7], None, {})


def test_a_gate(tmp_path: Path) -> None:
    found = course(tmp_path, "waves: [1, rest]\ngate: {failures: 2%, pause: 10m, approve: true}\n")
    gate = found.gate
    assert gate.failures is not None
    assert (gate.pause, gate.approve) == (600.0, True)
    assert [gate.failures.exceeded(*each) for each in ((10, 500), (11, 500), (0, 10), (1, 10), (1, 50))] == [
        *(False, True, False, True, False)
    ]
    assert found.described() == {
        "waves": ["1", "rest"],
        "gate": {"failures": "2%", "pause": 600.0, "approve": True},
    }


@pytest.mark.parametrize(
    ("days", "numbers"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("Friday-Monday", {4, 5, 6, 0}),
        ("sat", {5}),
        ("sat,sun", {5, 6}),
        ("[mon, wed-thu]", {0, 2, 3}),
    ],
)
def test_a_window(tmp_path: Path, days: str, numbers: set[int]) -> None:
    window = f'window: {{from: "20:00", to: 6:30, tz: Europe/Zurich, days: "{days}"}}\n'
    hours = course(tmp_path, window.replace('"[', "[").replace(']"', "]")).hours
    assert hours is not None
    assert (hours.start, hours.end, hours.zone.key) == (time(20), time(6, 30), "Europe/Zurich")
    assert hours.days == numbers


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("waves: 10", "waves: is no list of sizes"),
        ("waves: []", "waves: is no list of sizes"),
        ("waves: [rest]", "waves: is no list of sizes"),
        ("waves: [rest, 10]", "waves: is no list of sizes"),
        ("waves: [0, rest]", "waves: is no list of sizes"),
        ("waves: [0%, rest]", "waves: is no list of sizes"),
        ("waves: [101%, rest]", "waves: is no list of sizes"),
        ("waves: [-5, rest]", "waves: is no list of sizes"),
        ("waves: [1.5, rest]", "waves: is no list of sizes"),
        ("waves: [true, rest]", "waves: is no list of sizes"),
        ("gate: {pause: 5m}", "The job has a gate: and no waves:"),
        ("waves: [1]\ngate: {failure: 2%}", "gate: has no key 'failure'."),
        ("waves: [1]\ngate: {failures: some}", "failures: is no number or share of rows."),
        ("waves: [1]\ngate: {pause: long}", "pause: is no time."),
        ("waves: [1]\ngate: {approve: perhaps}", "approve: is neither true nor false."),
        ("waves: [1]\ngate: yes", "gate: says nothing."),
        ("window: {from: 25:00, to: 06:00, tz: UTC}", "window: needs from, a time of the day."),
        ("window: {from: 20:00, tz: UTC}", "window: needs to, a time of the day."),
        ("window: {from: 20:00, to: 06:00}", "window: does not say of which time zone."),
        ("window: {from: 20:00, to: 06:00, tz: Europe/Zuerich}", "'Europe/Zuerich' is no time zone"),
        ("window: {from: 20:00, to: 06:00, tz: ../../etc/passwd}", "'../../etc/passwd' is no time zone"),
        ("window: {from: 20:00, to: 06:00, tz: UTC, days: mon-frei-x}", "'mon-frei-x' names no days."),
        ("window: {from: 20:00, to: 06:00, tz: UTC, days: []}", "names no days."),
    ],
)
def test_refused(tmp_path: Path, text: str, what: str) -> None:
    problems = refused(save(tmp_path, f"{HEAD}{text}\n", "job.yaml"), None)
    assert len(problems) == 1
    assert what in problems[0].what


def test_zones_are_suggested(tmp_path: Path) -> None:
    text = f"{HEAD}window: {{from: 20:00, to: 06:00, tz: Europe/Zurch}}\n"
    assert refused(save(tmp_path, text, "job.yaml"), None)[0].remedy == "Did you mean Europe/Zurich?"
