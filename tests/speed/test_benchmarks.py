"""The benchmarks still run: each that needs nothing but Python, on a job of a few rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import environment

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(
            "memory.py --rows 50 --rows 100 --inside",
            ("csv", "yaml", "ndjson", "resume", "report"),
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="only Linux tells the peak of a process"
            ),
        ),
    ],
)
def test_a_benchmark_prints_its_table(words: str, told: tuple[str, ...]) -> None:
    script, *rest = words.split()
    command = [sys.executable, str(BENCHMARKS / script), *rest]
    printed = subprocess.run(
        command, env=environment(), check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert all(word in printed for word in told), printed


def test_the_table_replaces_the_last_one_on_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench -->\nan older table\n<!-- end of bench -->\nafter\n")
    command = [
        sys.executable,
        str(BENCHMARKS / "bench.py"),
        "--quick",
        "--part",
        "loader",
        "--write",
        str(page),
    ]
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    lines = page.read_text().splitlines()
    assert [lines[0], lines[-1]] == ["before", "after"]
    rows = [line for line in lines if line.startswith("| ")]
    assert "`python benchmarks/loader.py`" in rows[1]
    assert [line.split(",")[0] for line in rows[2:]] == ["| csv"] * 2 + ["| ndjson"] * 2 + ["| yaml"] * 2
    assert "an older table" not in lines


def test_a_page_without_a_place_for_it_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks\n")
    command = [sys.executable, str(BENCHMARKS / "bench.py"), "--write", str(page)]
    failed = subprocess.run(command, env=environment(), check=False, capture_output=True, encoding="utf-8")
    assert failed.returncode
    assert "has no <!-- bench -->" in failed.stderr
    assert not failed.stdout
