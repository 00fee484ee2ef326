"""What must not creep up, measured without a clock: instructions an item, memory, what --help imports.

A figure that rises for a good reason is recorded anew, here, in the commit that says why.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import environment

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RECORDED = {(3, 11): 286_000}
"""Instructions an item by `benchmarks/counted.py`, by the Python that carries them out."""
WITHIN = 0.1
MORE, MOST = 10.0, 95.0
"""Megabytes that 100,000 rows may take beyond what 10,000 do, and altogether."""
HELP = {"bulkexo", "bulkexo.cli", "bulkexo.cli.terminal"}
MODULES = 150
"""Those of Python and click."""


@pytest.mark.skipif(
    shutil.which("valgrind") is None
    or platform.machine() != "x86_64"
    or sys.version_info[:2] not in RECORDED,
    reason="valgrind counts instructions, which are recorded for one processor and one Python",
)
def test_instructions_an_item() -> None:
    counted = [sys.executable, str(BENCHMARKS / "counted.py")]
    told = subprocess.run(
        counted, env=environment(), check=True, capture_output=True, encoding="utf-8"
    ).stdout
    found = int(told.split()[0].replace(",", ""))
    recorded = RECORDED[sys.version_info[:2]]
    assert found == pytest.approx(recorded, rel=WITHIN), (
        f"{found:,} instructions an item, {recorded:,} recorded"
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process")
def test_memory_at_100_000_rows(tmp_path: Path) -> None:
    few, many = peak(tmp_path, 10_000), peak(tmp_path, 100_000)
    assert many <= few + MORE, f"{many:.0f} MB at 100,000 rows, {few:.0f} MB at 10,000"
    assert many <= MOST


def peak(folder: Path, rows: int) -> float:
    """Megabytes that a run of so many rows has held at most."""
    measured = [sys.executable, str(BENCHMARKS / "memory.py"), "--measure", "csv", "--rows", str(rows)]
    command = [*measured, "--folder", str(folder / str(rows))]
    told = subprocess.run(
        command, env=environment(), check=True, capture_output=True, encoding="utf-8"
    ).stdout
    return float(told)


def test_what_help_imports() -> None:
    code = "import sys\nfrom bulkexo.cli import root\nroot.main(['--help'], standalone_mode=False)\n"
    code += "print(*sys.modules, file=sys.stderr)"
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment(), check=True, capture_output=True, encoding="utf-8"
    )
    modules = set(told.stderr.split())
    assert {name for name in modules if re.match(r"bulkexo\b", name)} <= HELP
    assert modules.isdisjoint(
        {"aiohttp", "anyio", "asyncio", "cryptography", "msal", "orjson", "rich", "yaml"}
    )
    assert len(modules) <= MODULES
