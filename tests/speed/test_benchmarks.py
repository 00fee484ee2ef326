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
        ("loader.py --rows 50 --times 1", ("csv", "yaml", "ndjson", "rows/s")),
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
