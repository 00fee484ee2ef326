"""`bulkexo status` on runs that live, have died, and have ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from bulkexo.journal.lock import lock
from bulkexo.journal.progress import Standing
from bulkexo.model import Status
from tests.e2e.command import bulkexo, start, until
from tests.e2e.files import table
from tests.e2e.pretend import Pretend

EPOCH = 1_795_512_600.0
COLUMNS = ("Identity", "CustomAttribute1")


@pytest.mark.skipif(os.name != "posix", reason="a kill that nobody can catch")
def test_alive_dead_and_ended(tenant: Pretend, names: list[str], tmp_path: Path) -> None:
    table(tmp_path / "job.csv", COLUMNS, [[name, "v"] for name in names[:60]])
    arguments = ("run", "job.csv", "--cmdlet", "Set-Mailbox", "--out", "runs/one", "--rate", "2")
    process = start(*arguments, cwd=tmp_path, env=tenant.env, stderr=subprocess.DEVNULL)
    until((tmp_path / "runs" / "one" / "results.ndjson").exists)
    alive = bulkexo("status", "runs/one", cwd=tmp_path).check(0)
    assert "State:      running" in alive.stdout
    assert "of 60 (" in alive.stdout
    assert alive.stderr == ""
    follower = start("status", "runs/one", "--follow", "--json", cwd=tmp_path)
    assert follower.stdout is not None
    assert json.loads(follower.stdout.readline())["state"] == "running"
    process.send_signal(signal.SIGKILL)
    process.wait()
    follower.wait(30)
    found = json.loads(follower.stdout.readlines()[-1])
    assert (found["state"], found["exit_code"], follower.returncode) == ("died", 3, 3)
    assert found["next"] == "bulkexo resume runs/one"
    dead = bulkexo("status", cwd=tmp_path).check(3)
    assert "died" in dead.stdout
    bulkexo("resume", "runs/one", "--rate", "500", cwd=tmp_path, env=tenant.env).check(0)
    done = bulkexo("status", "runs/one", "--json", cwd=tmp_path).check(0).summary
    assert (done["state"], done["done"], done["succeeded"] + done["unchanged"]) == ("complete", 60, 60)
    listed = bulkexo("status", "runs", "--json", cwd=tmp_path).check(0).summary
    assert [run["run"] for run in listed["runs"]] == [str(Path("runs/one"))]


def test_nothing_to_tell(tmp_path: Path) -> None:
    assert "There are no runs" in bulkexo("status", cwd=tmp_path).check(0).stderr
    assert "not the folder of a run" in bulkexo("status", "none", cwd=tmp_path).check(2).stderr
    (tmp_path / "runs").mkdir()
    assert bulkexo("status", "--json", cwd=tmp_path).check(0).summary == {"runs": []}
    bulkexo("status", "--follow", cwd=tmp_path).check(2)


@pytest.mark.skipif(os.name != "posix", reason="a pipe that closes")
def test_following_ends_when_nobody_reads(tmp_path: Path) -> None:
    run, counts = tmp_path / "one", {Status.SUCCEEDED: 10}
    run.mkdir()
    (run / "run.json").write_text('{"state": "running"}')
    with lock(run):  # it runs, as far as can be seen
        (run / "progress.ndjson").write_bytes(Standing(EPOCH, "running", 60, counts).line())
        follower = start("status", "one", "--follow", cwd=tmp_path)
        assert follower.stdout is not None
        assert "10 of 60" in follower.stdout.readline()
        follower.stdout.close()
        with (run / "progress.ndjson").open("ab") as file:
            file.write(Standing(EPOCH + 10, "running", 60, counts).line())
        assert follower.wait(60) == 0
