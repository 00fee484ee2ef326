"""--log-file: what stands there by level, what never does, and a disk that refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.command import bulkexo
from tests.e2e.files import table
from tests.e2e.pretend import Pretend

COLUMNS = ("Identity", "CustomAttribute1")
RUN = ("run", "job.csv", "--cmdlet", "Set-Mailbox", "--out", "out", "--log-file", "logs/${job}.log")


@pytest.fixture
def job(names: list[str], tmp_path: Path) -> Path:
    rows = [*([name, "v"] for name in names[:25]), ["nobody@contoso.com", "v"]]
    table(tmp_path / "job.csv", COLUMNS, rows)
    return tmp_path


def logged(folder: Path) -> list[tuple[str, str]]:
    """(level, words) of each line; each has its time."""
    found = []
    for line in (folder / "logs" / "job.log").read_text("utf-8").splitlines():
        match = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) +(.*)", line)
        assert match, line
        found.append((match[1], match[2]))
    return found


def test_all_levels(job: Path, tenant: Pretend) -> None:
    bulkexo(*RUN, "--log-level", "debug", cwd=job, env=tenant.env).check(1)
    lines = logged(job)
    words = [text for _, text in lines]
    assert words[0].startswith("start: job.csv (26 × Set-Mailbox), run out, bulkexo ")
    assert words[1].startswith("options: ")
    assert "log_level=debug" in words[1]
    assert words[2].startswith("sign-in: ")
    (failure,) = [text for level, text in lines if level == "WARNING"]
    assert failure.startswith("failed: row 26 step 1, Set-Mailbox nobody@contoso.com: ")
    batches = [text for level, text in lines if level == "DEBUG"]
    assert sum(int(re.findall(r"batch: (\d+) items", text)[0]) for text in batches) == 26
    for text in batches:
        assert re.search(r"status (200|404), attempt 1, \d+\.\d{3} s, .*request id \S+$", text)
    assert words[-1].startswith("end: job.csv complete: 26 of 26 items, 25 succeeded, 1 failed, in ")


@pytest.mark.parametrize(
    ("level", "levels"), [("info", {"INFO", "WARNING"}), ("warning", {"WARNING"}), ("error", set())]
)
def test_levels(job: Path, tenant: Pretend, level: str, levels: set[str]) -> None:
    bulkexo(*RUN, "--log-level", level, cwd=job, env=tenant.env).check(1)
    assert {found for found, _ in logged(job)} == levels


def test_a_second_run_appends_and_an_error_is_told(job: Path, tenant: Pretend) -> None:
    bulkexo(*RUN, cwd=job, env=tenant.env).check(1)
    before = logged(job)
    env = {**tenant.env, "BULKEXO_CLIENT_SECRET": "wrong"}
    bulkexo("retry", "out", "--out", "again", cwd=job, env=env).check(4)
    lines = logged(job)
    assert lines[: len(before)] == before
    assert lines[-1][0] == "ERROR"
    assert "AADSTS" in lines[-1][1]


def test_the_end_of_a_stopped_run_is_an_error(job: Path, tenant: Pretend) -> None:
    bulkexo(*RUN, "--max-failures", "1", cwd=job, env=tenant.env).check(3)
    lines = logged(job)
    assert lines[-1][0] == "ERROR"
    assert "stopped: " in lines[-1][1]


def test_no_secret_is_in_it(tenant: Pretend, job: Path) -> None:
    """Among what fails is what the service quotes back."""
    secret = "Pa55w0rd-of-Nobody"
    table(job / "job.csv", (*COLUMNS, "Password"), [["nobody@contoso.com", "v", secret]])
    bulkexo(*RUN, "--log-level", "debug", cwd=job, env=tenant.env)
    text = (job / "logs" / "job.log").read_text("utf-8")
    assert "row 1" in text
    assert secret not in text
    assert tenant.env["BULKEXO_CLIENT_SECRET"] not in text
    assert "eyJ" not in text  # of a token


def test_a_log_that_cannot_be_written_stops_before_anything_is_sent(job: Path, tenant: Pretend) -> None:
    (job / "logs").write_text("")
    done = bulkexo(*RUN, cwd=job, env=tenant.env).check(2)
    assert "cannot be written" in done.stderr
    assert not (job / "out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_stops_nothing(job: Path, tenant: Pretend) -> None:
    (job / "logs").mkdir()
    (job / "logs" / "job.log").symlink_to("/dev/full")
    done = bulkexo(*RUN, cwd=job, env=tenant.env).check(1)
    assert "job.log is not whole: " in done.stderr
    assert "Complete: 26 items" in done.stderr
