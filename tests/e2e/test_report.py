"""`bulkexo report` and `run --report` on real runs of the sandbox."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, document, ended, lines, start, until
from tests.e2e.files import table
from tests.e2e.memory import STATUS, peak
from tests.e2e.pretend import Pretend, pretend
from tests.report.left import NOT_FOUND, item, packed, run, words

SET = ("--cmdlet", "Set-Mailbox")


def job(folder: Path, names: list[str]) -> Path:
    return table(folder / "job.csv", ["Identity", "CustomAttribute1"], [[name, "v"] for name in names])


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_a_run_leaves_its_report(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    path = job(tmp_path, [*names[:8], "gone@contoso.onmicrosoft.com"])
    done = bulkexo("run", path, *SET, "--out", "out", "--report", cwd=tmp_path, env=tenant.env).check(1)
    html = read(tmp_path / "out" / "report.html")
    assert f"Report:          {Path('out') / 'report.html'}" in done.stderr
    assert [(row[0], row[4], row[6]) for row in packed(html)] == [
        (9, "gone@contoso.onmicrosoft.com", "the mailbox or other object does not exist")
    ]
    text = words(html)
    assert "Complete, 1 failed" in text
    assert tenant.said["client_id"] in text and tenant.said["tenant_id"] in text
    assert tenant.said["client_secret"] not in html


def test_a_report_of_a_run_that_has_none(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    bulkexo("run", job(tmp_path, names[:5]), *SET, "--out", "out", cwd=tmp_path, env=tenant.env).check(0)
    before = sorted(path.name for path in (tmp_path / "out").iterdir())
    done = bulkexo("report", "out", "--out", "r.html", "--all-items", cwd=tmp_path).check(0)
    assert done.stderr.startswith("Report: r.html (")
    assert len(packed(read(tmp_path / "r.html"))) == 5
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == before


def test_a_run_that_is_under_way_and_what_goes_on_with_it(tmp_path: Path) -> None:
    with pretend(tmp_path / "tenant", "--mailboxes 400 --allowance 20/s --burst 10 --speed 4") as tenant:
        names = [str(mailbox["UserPrincipalName"]) for mailbox in tenant.everything()]
        path = job(tmp_path, names[:200])
        process = start("run", path, *SET, "--out", "out", "--report", cwd=tmp_path, env=tenant.env)
        until(lambda: len(lines(tmp_path / "out")) > 10, process)
        process.send_signal(signal.SIGSTOP)  # or it might end before the report is made
        bulkexo("report", "out", "--out", "now.html", cwd=tmp_path).check(0)
        process.send_signal(signal.SIGCONT)
        text = words(read(tmp_path / "now.html"))
        assert "Under way" in text and "Items 200" in text
        process.send_signal(signal.SIGINT)
        ended(process).check(3)
        assert "Stopped before the end" in words(read(tmp_path / "out" / "report.html"))
        bulkexo("resume", "out", cwd=tmp_path, env=tenant.env).check(0)
        assert "Complete, none failed" in words(read(tmp_path / "out" / "report.html"))
        assert document(tmp_path / "out")["counts"]["succeeded"] == 200


def test_a_report_that_cannot_be_written_changes_nothing_of_the_run(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    path = job(tmp_path, names[:3])
    done = bulkexo("run", path, *SET, "--out", "out", "--report", cwd=tmp_path, env=tenant.env).check(0)
    assert "There is no report:" in done.stderr


def test_what_is_no_run(tmp_path: Path) -> None:
    assert "is not the folder of a run" in bulkexo("report", ".", cwd=tmp_path).check(2).stderr
    assert "is not the folder of a run" in bulkexo("report", "nowhere", cwd=tmp_path).check(2).stderr


@pytest.mark.skipif(not STATUS.exists(), reason="Only /proc tells how much memory a process took.")
def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    def failing(count: int) -> Iterator[dict[str, Any]]:
        return (item(row, "failed", NOT_FOUND) for row in range(1, count + 1))

    small, large = run(tmp_path / "small", failing(2_000)), run(tmp_path / "large", failing(60_000))
    took = [peak("report", folder.path, cwd=tmp_path, env={}) for folder in (small, large)]
    assert took[1] - took[0] < 10
