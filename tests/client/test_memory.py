"""Memory does not grow with the number of items; measured where /proc tells it (Linux)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import LIMIT, environment
from tests.e2e.memory import STATUS
from tests.e2e.pretend import Pretend, pretend

PROGRAM = """
import asyncio, re, sys
import bulkexo

async def main(count):
    names = (f"mailbox{number % 200 + 1}@contoso.onmicrosoft.com" for number in range(count))
    calls = (bulkexo.call("Get-Mailbox", Identity=name, select="Alias") for name in names)
    seen = 0
    async with bulkexo.Client.from_environment() as client:
        async for outcome in client.run(calls):
            seen += outcome.status.good
    assert seen == count
    print(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])

asyncio.run(main(int(sys.argv[1])))
"""


def peak(tenant: Pretend, count: int) -> int:
    """Kilobytes that a program with so many items takes at its most."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(count)],
        env=environment(tenant.env),
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    return int(told.stdout)


@pytest.mark.skipif(not STATUS.exists(), reason="There is no /proc here.")
def test_six_times_the_items_take_the_same_memory(tmp_path: Path) -> None:
    """12,000 items would take 20 MB more if each were kept."""
    with pretend(tmp_path / "tenant", "--mailboxes 200 --speed 1000 --latency 0") as tenant:
        few, many = peak(tenant, 2000), peak(tenant, 12_000)
    assert many < few + 10_000
