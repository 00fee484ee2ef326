"""The live view on real terminals: drawn, dumb, narrow, resized, asked at, and gone."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.command import document, until
from tests.e2e.files import table
from tests.e2e.pretend import Pretend

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.e2e.screen import screen

RUN = ("run", "job.csv", "--cmdlet", "Set-Mailbox", "--out", "out", "--yes")
COLOUR = re.compile(r"\x1b\[[0-9;]*\b(3[0-7]|38;5;\d+|9[0-7])[;m]")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def job(names: list[str], tmp_path: Path) -> Path:
    rows = [["nobody@contoso.com", "v"], *([name, f"v{number}"] for number, name in enumerate(names[:30]))]
    table(tmp_path / "job.csv", ("Identity", "CustomAttribute1"), rows)
    return tmp_path


def test_it_draws_asks_for_nothing_and_leaves_the_summary(job: Path, tenant: Pretend) -> None:
    with screen(*RUN, "--rate", "20", cwd=job, env=tenant.env) as shown:
        shown.until("succeeded")
        shown.until("does not exist")
        text = shown.rest()
    assert shown.process.returncode == 1
    assert COLOUR.search(text)
    assert "━" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor comes back
    assert "Complete: 31 items" in text
    assert "31 of 31  100%" in CONTROL.sub("", text)


def test_no_colour(job: Path, tenant: Pretend) -> None:
    with screen(*RUN, cwd=job, env={**tenant.env, "NO_COLOR": "1"}) as shown:
        text = shown.rest()
    assert "31 of 31" in CONTROL.sub("", text)
    assert not COLOUR.search(text)


def test_a_dumb_terminal_gets_no_control_codes(job: Path, tenant: Pretend) -> None:
    with screen(*RUN, cwd=job, env={**tenant.env, "TERM": "dumb"}) as shown:
        text = shown.rest()
    assert "Complete: 31 items" in text
    assert "\x1b" not in text


def test_a_terminal_of_windows_characters(job: Path, tenant: Pretend) -> None:
    with screen(*RUN, "--rate", "30", cwd=job, env=tenant.env, encoding="cp1252") as shown:
        text = shown.rest()
    assert "######" in text
    assert "\\u" not in text  # by which Python writes what cannot be written
    assert "\ufffd" not in text


@pytest.mark.parametrize("option", ["--quiet", "--no-progress"])
def test_nothing_is_drawn_where_nothing_is_wanted(job: Path, tenant: Pretend, option: str) -> None:
    with screen(*RUN, option, cwd=job, env=tenant.env) as shown:
        text = shown.rest()
    assert "\x1b" not in text
    assert (text.count("\n") == 1) == (option == "--quiet")


def test_it_follows_the_size_of_the_terminal(job: Path, tenant: Pretend) -> None:
    with screen(*RUN, "--rate", "12", cwd=job, env=tenant.env) as shown:
        shown.until("items/s now")
        shown.resize(40, 20)
        shown.until("failed\x1b[0m\x1b[1;31m", since=len(shown.seen))  # name and figure side by side
        shown.resize(20, 5)
        text = shown.rest()
    assert shown.process.returncode == 1
    assert "Complete: 31 items" in text


def test_questions_are_asked_with_the_view_out_of_the_way(job: Path, tenant: Pretend) -> None:
    (job / "job.yaml").write_text(
        "rows: job.csv\nwaves: [10, rest]\ngate: {approve: true}\ncmdlet: Set-Mailbox\n"
        'parameters: {Identity: "${Identity}", CustomAttribute1: "${CustomAttribute1}"}\n'
    )
    with screen("run", "job.yaml", "--out", "out", "--yes", cwd=job, env=tenant.env) as shown:
        shown.until("[y/N]:")
        shown.type("y\n")
        text = shown.rest()
    assert shown.process.returncode == 1
    assert "Wave 1 of 2 has ended" in CONTROL.sub("", text)
    assert "Complete: 31 items" in text


def test_a_question_is_asked_under_quiet_too(job: Path, tenant: Pretend) -> None:
    (job / "job.yaml").write_text(
        "rows: job.csv\nwaves: [10, rest]\ngate: {approve: true}\ncmdlet: Set-Mailbox\n"
        'parameters: {Identity: "${Identity}", CustomAttribute1: "${CustomAttribute1}"}\n'
    )
    with screen("run", "job.yaml", "--out", "out", "--yes", "--quiet", cwd=job, env=tenant.env) as shown:
        shown.until("[y/N]:")
        shown.type("n\n")
        text = shown.rest()
    assert shown.process.returncode == 3
    assert text.splitlines()[-1].startswith("job.yaml stopped: 10 of 31 items")


def test_a_terminal_that_goes_away_ends_the_run_in_order(job: Path, tenant: Pretend) -> None:
    with screen(*RUN, "--rate", "5", cwd=job, env=tenant.env) as shown:
        shown.until("items/s now")
        shown.close()  # the shell's SIGHUP comes with it
        shown.process.wait(60)
    assert shown.process.returncode == 3
    assert document(job / "out")["state"] == "stopped"


def test_under_nohup_the_run_goes_on_without_its_terminal(job: Path, tenant: Pretend) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does; the process inherits it
    try:
        with screen(*RUN, "--rate", "20", cwd=job, env=tenant.env) as shown:
            shown.until("items/s now")
            shown.close()
            until((job / "out" / "progress.ndjson").exists)
            shown.process.wait(60)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert document(job / "out")["state"] == "complete"
    assert shown.process.returncode == 1


def test_a_terminal_that_takes_nothing_holds_up_no_run(job: Path, tenant: Pretend) -> None:
    """As over a line that hangs; here it is Ctrl-S, then Ctrl-Q."""
    with screen(*RUN, "--rate", "10", cwd=job, env=tenant.env) as shown:
        shown.until("items/s now")
        shown.type("\x13")
        run_json = job / "out" / "run.json"
        until(lambda: '"state": "complete"' in run_json.read_text("utf-8"))
        shown.type("\x11")
        text = shown.rest()
    assert shown.process.returncode == 1
    assert "Complete: 31 items" in text
