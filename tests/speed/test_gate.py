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
RECORDED = {(3, 11): 175_000}
"""Instructions an item by `benchmarks/counted.py`, by the Python that carries them out."""
WITHIN = 0.1
MORE, MOST = 5.0, 75.0
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


NOT_TO_BEGIN = frozenset(
    {
        *("aiolimiter", "cryptography", "fractions", "importlib.metadata", "importlib.resources", "jinja2"),
        *("logging.handlers", "msal", "openpyxl", "pygal", "requests", "rich", "tomllib", "urllib3", "yaml"),
        *("zoneinfo", "bulkexo.asking", "bulkexo.cluster", "bulkexo.compare", "bulkexo.embedded"),
        *("bulkexo.facts.causes", "bulkexo.former", "bulkexo.job.coursereader", "bulkexo.job.xlsxrows"),
        *("bulkexo.job.yamljob", "bulkexo.judging", "bulkexo.net.identity.apps", "bulkexo.online"),
        *("bulkexo.net.identity.certificate", "bulkexo.net.identity.managed", "bulkexo.net.identity.people"),
        *("bulkexo.plan", "bulkexo.report.html", "bulkexo.report.tables", "bulkexo.sandbox"),
        *("bulkexo.telemetry", "bulkexo.wire.clixml"),
    }
)
"""What the first batch of a plain CSV with a token can do without."""
NOT_TO_CHECK = NOT_TO_BEGIN | {
    *("aiohttp", "asyncio", "decimal", "filelock", "ssl"),
    *("bulkexo.net.session", "bulkexo.pace", "bulkexo.run", "bulkexo.schedule"),
}
"""What its check can do without."""
SENDING = """
import os, sys
from bulkexo.net.session import Session
async def send(*_):
    print(*sys.modules, file=sys.stderr, flush=True)
    os._exit(0)
Session.send = send
"""
"""In place of the first request: what has been imported until then."""


def imported(*words: str | Path, first: str = "", env: dict[str, str] | None = None) -> set[str]:
    """The modules that a command of ours has imported at its end. first: code that runs before it."""
    code = f"{first}\nimport sys\nfrom bulkexo.cli import root\n"
    code += f"root.main({[str(word) for word in words]!r}, standalone_mode=False)\n"
    code += "print(*sys.modules, file=sys.stderr)"
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment(env), check=True, capture_output=True, encoding="utf-8"
    )
    return set(told.stderr.splitlines()[-1].split())


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = tmp_path / "job.csv"
    path.write_text("Identity,CustomAttribute1\nada@contoso.com,CC-1\n", encoding="utf-8")
    return path


def test_what_a_check_imports(job: Path, tmp_path: Path) -> None:
    modules = imported("check", job, "--cmdlet", "Set-Mailbox", env={"XDG_CACHE_HOME": str(tmp_path)})
    assert "bulkexo.job.csvrows" in modules
    assert modules & NOT_TO_CHECK == set()


def test_what_the_first_batch_imports(job: Path, tmp_path: Path) -> None:
    words = ["--cmdlet", "Set-Mailbox", "--tenant", "contoso.onmicrosoft.com", "--yes", "--no-progress"]
    env = {"BULKEXO_TOKEN": "a-token", "XDG_CACHE_HOME": str(tmp_path)}
    modules = imported("run", job, *words, "--out", tmp_path / "run", first=SENDING, env=env)
    assert "bulkexo.net.session" in modules
    assert modules & NOT_TO_BEGIN == set()


def test_what_help_imports() -> None:
    modules = imported("--help")
    assert {name for name in modules if re.match(r"bulkexo\b", name)} <= HELP
    assert modules.isdisjoint(
        {"aiohttp", "anyio", "asyncio", "cryptography", "msal", "orjson", "rich", "yaml"}
    )
    assert len(modules) <= MODULES
