"""What `import bulkexo` gives: little, at once, and visible to whoever checks types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bulkexo

ROOT = Path(__file__).parents[2]
GOOD = """
import bulkexo

async def main(names: list[str]) -> None:
    async with bulkexo.Client(tenant="contoso.onmicrosoft.com", rate=20, ca_file="ca.pem") as client:
        calls = (bulkexo.call("Set-Mailbox", Identity=name, Office=None) for name in names)
        async for outcome in client.run(calls, journal="runs/x"):
            if outcome.status is bulkexo.Status.FAILED and outcome.error:
                reveal_type(outcome.error.message)
        reveal_type(await client.invoke("Get-Mailbox", Identity=names[0]))
    async with bulkexo.pretend_tenant() as tenant, bulkexo.Client(**tenant) as client:
        reveal_type(client.waiting)
"""
BAD = """
import bulkexo

async def main() -> None:
    async with bulkexo.Client(rat=20) as client:
        async for outcome in client.run(["Get-Mailbox"]):
            outcome.state
"""


def test_importing_it_imports_nothing() -> None:
    told = "import sys; old = set(sys.modules); import bulkexo; print(*set(sys.modules) - old)"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    mine = {name for name in found.stdout.split() if name.startswith("bulkexo")}
    assert mine == {"bulkexo"}
    assert not {"aiohttp", "msal", "anyio", "asyncio"} & set(found.stdout.split())


def test_all_names_are_there_and_fit_on_a_screen() -> None:
    assert all(getattr(bulkexo, name) is not None for name in bulkexo.__all__)
    assert set(bulkexo.__all__) <= set(dir(bulkexo))
    assert len(bulkexo.__all__) <= 24


def checked(folder: Path, text: str) -> str:
    """What mypy --strict says of a program."""
    (folder / "program.py").write_text(text, encoding="utf-8")
    arguments = ("--strict", "--no-error-summary", "--cache-dir", str(ROOT / ".mypy_cache"))
    found = subprocess.run(
        [sys.executable, "-m", "mypy", *arguments, str(folder / "program.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode in (0, 1), found.stderr
    return found.stdout


def test_types_are_visible(tmp_path: Path) -> None:
    said = checked(tmp_path, GOOD)
    assert said.count("note: Revealed type is") == 3, said
    assert ": error:" not in said
    assert "list[Any]" in said
    wrong = checked(tmp_path, BAD)
    assert wrong.count(": error:") == 3, wrong
    assert '"rat"' in wrong
    assert '"state"' in wrong
