"""Signals: the first lets what is in flight end, the second ends it, and nothing that ran lacks its line."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import document, ended, lines, start, until
from tests.e2e.files import people, table
from tests.e2e.pretend import Pretend, pretend

SET = ("--cmdlet", "Set-Mailbox")
PROC = Path("/proc")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant whose cmdlets take a third of a second; Get-User and New-Mailbox never end."""
    options = "--mailboxes 400 --latency 0.3,0 --latency New-Mailbox=900,0 --latency Get-User=900,0"
    with pretend(tmp_path_factory.mktemp("slow"), options) as running:
        yield running


def begun(folder: Path, tenant: Pretend) -> subprocess.Popen[str]:
    """A run of 400 rows, four batches at a time, in its middle."""
    rows = [[name, folder.name] for name in people(tenant)]
    job = table(folder / "job.csv", ["Identity", "CustomAttribute1"], rows)
    arguments = ("--out", "out", "--concurrency", "4", "--json")
    tenant.journal()
    process = start("run", job, *SET, *arguments, cwd=folder, env=tenant.env)
    until(lambda: lines(folder / "out"), process)
    return process


def effects(tenant: Pretend) -> list[str]:
    """The identities of what took effect since this was asked last."""
    return sorted(effect["identity"] for effect in tenant.journal())


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_lets_what_is_in_flight_end(tmp_path: Path, slow: Pretend, name: str) -> None:
    process = begun(tmp_path, slow)
    process.send_signal(getattr(signal, name))
    done = ended(process).check(3)
    found = document(tmp_path / "out")
    recorded = lines(tmp_path / "out")
    assert sorted(line["identity"] for line in recorded) == effects(slow)
    assert {line["status"] for line in recorded} == {"succeeded"}
    assert 0 < len(recorded) < 400
    assert (found["state"], found["reason"]) == ("stopped", "The run was interrupted.")
    assert found["ended"] is not None
    assert done.summary["ended"] == len(recorded)
    assert "in flight and may end" in done.stderr
    assert "bulkexo resume out" in done.stderr
    assert f"{400 - len(recorded)} have no line in the results and are still to be done" in done.stderr


def test_words_that_nobody_reads_do_not_cut_off_what_is_in_flight(tmp_path: Path, slow: Pretend) -> None:
    process = begun(tmp_path, slow)
    assert process.stderr is not None
    process.stderr.close()
    process.stderr = None
    process.send_signal(signal.SIGINT)
    ended(process).check(3)
    assert sorted(line["identity"] for line in lines(tmp_path / "out")) == effects(slow)
    assert document(tmp_path / "out")["state"] == "stopped"


def test_nohup_is_heeded(tmp_path: Path, slow: Pretend) -> None:
    rows = [[name, tmp_path.name] for name in people(slow)[:40]]
    job = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], rows)
    command = ("run", job, *SET, "--out", "out", "--concurrency", "1")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(*command, cwd=tmp_path, env=slow.env)
    finally:
        signal.signal(signal.SIGHUP, before)
    until(lambda: lines(tmp_path / "out"), process)
    process.send_signal(signal.SIGHUP)
    ended(process).check(0)
    assert document(tmp_path / "out")["counts"]["succeeded"] == 40


def test_a_second_signal_ends_it_at_once(tmp_path: Path, slow: Pretend) -> None:
    rows = [["New-Mailbox", "", f"new{row}", "true"] for row in range(3)]
    rows += [["Get-User", name, "", ""] for name in people(slow)[:3]]
    job = table(tmp_path / "job.csv", ["Cmdlet", "Identity", "Name", "Shared"], rows)
    requests = slow.stats()["requests"]
    process = start("run", job, "--out", "out", "--json", cwd=tmp_path, env=slow.env)
    until(lambda: slow.stats()["requests"] > requests, process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("Stopping: 1 batch is in flight and may end")
    process.send_signal(signal.SIGINT)
    done = ended(process).check(3)
    found = document(tmp_path / "out")
    assert (found["state"], found["counts"]["ended"]) == ("stopped", 0)
    assert "bulkexo resume out" in done.stderr
    # Reads can go again; what may have taken effect is known, for `resume` to settle.
    announced = [
        json.loads(line) for line in (tmp_path / "out" / "announced.ndjson").read_bytes().splitlines()
    ]
    assert [row for line in announced for row, *_ in line["items"]] == [1, 2, 3]


def test_interrupted_while_signing_in_nothing_is_left(tmp_path: Path, slow: Pretend) -> None:
    job = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], [[people(slow)[0], "v"]])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {**slow.env, "BULKEXO_AUTHORITY": f"https://localhost:{silent.getsockname()[1]}"}
        process = start("run", job, *SET, "--out", "out", cwd=tmp_path, env=env)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        with connection:
            done = ended(process).check(3)
    assert done.stderr.strip() == "Interrupted."
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc to see another process's children")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_the_sandbox_ends_with_its_run(tmp_path: Path, slow: Pretend, name: str) -> None:
    rows = [[user, "v"] for user in people(slow)]
    job = table(tmp_path / "job.csv", ["Identity", "CustomAttribute1"], rows)
    options = "--mailboxes 400 --latency 0.3,0"
    arguments = ("--sandbox", "--sandbox-options", options, "--out", "out", "--concurrency", "1")
    process = start("run", job, *SET, *arguments, cwd=tmp_path)
    until(lambda: lines(tmp_path / "out"), process)
    children = (PROC / str(process.pid) / "task" / str(process.pid) / "children").read_text().split()
    (child,) = [number for number in children if b"sandbox" in (PROC / number / "cmdline").read_bytes()]
    process.send_signal(getattr(signal, name))
    process.communicate()
    until(lambda: not running(child))


def running(number: str) -> bool:
    """Whether there is such a process, other than one that has ended and waits for its parent."""
    try:
        return (PROC / number / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
