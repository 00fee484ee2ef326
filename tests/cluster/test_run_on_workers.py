"""`run --workers`: signals end it in good order, and what cannot be is told first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkexo.cluster import engine
from bulkexo.model import UsageError
from tests.e2e.command import bulkexo, document, ended, lines, start, until
from tests.e2e.pretend import Pretend, pretend

FIRST, SECOND = "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    with pretend(
        tmp_path_factory.mktemp("tenants"), f"--mailboxes 60 --speed 50 --tenant {SECOND}"
    ) as running:
        yield running


def job(folder: Path, rows: int, steps: str) -> Path:
    (folder / "rows.csv").write_text(
        "Tenant,Mailbox,Text\n"
        + "".join(
            f"{each},mailbox{row}@{each},t{row}\n" for row in range(1, rows + 1) for each in (FIRST, SECOND)
        ),
        encoding="utf-8",
    )
    path = folder / "job.yaml"
    path.write_text(f"rows: rows.csv\ntenant_column: Tenant\n{steps}", encoding="utf-8")
    return path


def somebody(group: int) -> bool:
    """Whether a process of a group is left; not one that has ended and that nobody has asked for since."""
    told = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    found = [line.split() for line in told.stdout.splitlines()]
    return any(int(of) == group and not state.startswith("Z") for of, state in found)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_signal_to_all_of_its_processes_drains_it(tenants: Pretend, tmp_path: Path) -> None:
    """As a terminal and systemd send it. Nothing is lost, nobody is left, and one process goes on."""
    path = job(tmp_path, 60, "cmdlet: Set-Mailbox\nparameters: {Identity: '${Mailbox}', Office: '${Text}'}\n")
    arguments = ("run", path, "--out", "run", "--workers", "2", "--rate", "5")
    process = start(*arguments, cwd=tmp_path, env=tenants.env, start_new_session=True)
    until(lambda: len(lines(tmp_path / "run")) > 20, process)
    os.killpg(process.pid, signal.SIGTERM)
    assert "Traceback" not in ended(process).check(3).stderr
    until(lambda: not somebody(process.pid))
    assert document(tmp_path / "run")["cluster"]["ended"] is True
    resumed = bulkexo("resume", "run", "--rate", "1000", cwd=tmp_path, env=tenants.env).check(0)
    assert "Workers of the process before" not in resumed.stderr
    assert {line["row"] for line in lines(tmp_path / "run")} == set(range(1, 121))
    assert len(lines(tmp_path / "run")) == 120
    assert not [line for line in lines(tmp_path / "run") if line["status"] != "succeeded"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--workers", "2", "--cluster", "tcp://here:1"), "give one of them"),
        (("--workers", "2", "--cluster-listen", "here"), "give --cluster too"),
        (("--workers", "2", "--sandbox", "--worker-sign-in", "worker"), "leave out --worker-sign-in"),
        (("--workers", "0"), "from 1 to 1000"),
        (("--cluster", "http://here:1"), "tls://host:8786"),
        (("--workers", "2", "--worker-timeout", "1"), "from 2 to 600"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_sent(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    path = job(tmp_path, 1, "cmdlet: Set-Mailbox\nparameters: {Identity: '${Mailbox}', Office: '${Text}'}\n")
    assert said in " ".join(bulkexo("check", path, *arguments, cwd=tmp_path).check(2).stderr.split())


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "START_LIMIT", 0.3)
    notes: list[str] = []
    with pytest.raises(UsageError, match=r"scheduler at tcp://127\.0\.0\.1:9 does not answer"):
        async with engine.existing("tcp://127.0.0.1:9", None, notes.append):
            pass
    assert not notes, "it is this machine"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_crosses_the_network_unencrypted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "START_LIMIT", 0.3)
    notes: list[str] = []
    with pytest.raises(UsageError, match="does not answer"):
        async with engine.existing("tcp://192.0.2.1:8786", "127.0.0.1", notes.append):
            pass
    assert "tls://" in notes[0]
