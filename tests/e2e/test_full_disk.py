"""A disk that takes no more: what is written is whole, nothing is lost in silence, nothing half is left."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path

from tests.e2e.command import bulkexo, lines
from tests.e2e.files import table
from tests.e2e.pretend import Pretend

SET = ("--cmdlet", "Set-Mailbox", "--out", "out")


def files_up_to(size: int) -> Callable[[], None]:
    """For a process to be: no file of its may grow beyond this."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def job(folder: Path, names: list[str]) -> Path:
    """A job for everybody."""
    return table(
        folder / "job.csv", ["Identity", "CustomAttribute1"], [[name, folder.name] for name in names]
    )


def test_full_in_mid_run(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    tenant.journal()
    arguments = ("run", job(tmp_path, names), *SET, "--json", "--concurrency", "3")
    done = bulkexo(*arguments, cwd=tmp_path, env=tenant.env, preexec_fn=files_up_to(30_000)).check(3)
    recorded = lines(tmp_path / "out")
    assert (tmp_path / "out" / "results.ndjson").read_bytes().endswith(b"}\n")
    assert 0 < len(recorded) < 400
    took_effect = {effect["identity"] for effect in tenant.journal()}
    assert {line["identity"] for line in recorded} < took_effect
    assert done.summary["ended"] == len(took_effect)
    assert "The results cannot be written (File too large). Make room, then go on." in done.stderr
    lost = len(took_effect) - len(recorded)
    assert f"{lost} of those that ended have no line either: the disk did not take it." in done.stderr


def test_run_json_tells_of_it(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    command = ("run", job(tmp_path, names), *SET)
    bulkexo(*command, cwd=tmp_path, env=tenant.env, preexec_fn=files_up_to(20_000)).check(3)
    found = json.loads((tmp_path / "out" / "run.json").read_bytes())
    assert found["state"] == "stopped"
    assert found["reason"].startswith("The results cannot be written")
    assert found["counts"]["unwritten"] > 0
    assert found["counts"]["ended"] - found["counts"]["unwritten"] == len(lines(tmp_path / "out"))


def test_full_before_the_start(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    tenant.journal()
    arguments = ("run", job(tmp_path, names), *SET, "--json")
    done = bulkexo(*arguments, cwd=tmp_path, env=tenant.env, preexec_fn=files_up_to(0)).check(2)
    assert "out cannot be written (File too large)." in done.stderr
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["job.csv"]
    assert tenant.journal() == []
