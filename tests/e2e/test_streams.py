"""Where stdout and stderr lead is nobody's business: the run goes on, and its code tells of the run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, document, lines
from tests.e2e.files import table
from tests.e2e.pretend import Pretend

FULL = Path("/dev/full")
full = pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full here")


@pytest.fixture
def command(tmp_path: Path, names: list[str]) -> tuple[str, ...]:
    """A run of fifty rows."""
    rows = [[name, "v"] for name in names[:50]]
    job = table(tmp_path / "job.csv", ["Identity", "CustomAttribute3"], rows)
    return ("run", str(job), "--cmdlet", "Set-Mailbox", "--out", "out")


def gone() -> int:
    """The end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(
    ("stream", "option"), [("stdout", "--json"), ("stdout", "--dry-run"), ("stderr", "--json")]
)
def test_a_reader_who_has_gone(
    tmp_path: Path, tenant: Pretend, command: tuple[str, ...], stream: str, option: str
) -> None:
    writer = gone()
    try:
        more: dict[str, Any] = {stream: writer}
        bulkexo(*command, option, cwd=tmp_path, env=tenant.env, **more).check(0)
    finally:
        os.close(writer)
    if option != "--dry-run":
        assert document(tmp_path / "out")["counts"]["ended"] == 50


@full
@pytest.mark.parametrize("option", ["--json", "--dry-run"])
def test_results_that_do_not_fit_are_told(
    tmp_path: Path, tenant: Pretend, command: tuple[str, ...], option: str
) -> None:
    with FULL.open("wb") as stdout:
        done = bulkexo(*command, option, cwd=tmp_path, env=tenant.env, stdout=stdout).check(3)
    assert done.stderr.splitlines()[-1].startswith("The output cannot be written (No space left on device).")


@full
def test_words_that_do_not_fit_do_not_stop_a_run(
    tmp_path: Path, tenant: Pretend, command: tuple[str, ...]
) -> None:
    with FULL.open("wb") as stderr:
        done = bulkexo(*command, "--json", cwd=tmp_path, env=tenant.env, stderr=stderr).check(0)
    assert done.summary["ended"] == 50


def test_closed_streams(tmp_path: Path, tenant: Pretend, command: tuple[str, ...]) -> None:
    def close() -> None:
        for stream in range(3):
            os.close(stream)

    inherit: dict[str, Any] = {"stdout": None, "stderr": None, "preexec_fn": close}
    bulkexo(*command, cwd=tmp_path, env=tenant.env, **inherit).check(0)
    assert document(tmp_path / "out")["counts"]["ended"] == 50


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("sandbox", "--list-mailboxes", "-")])
def test_help_and_lists_for_a_reader_who_has_gone(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    writer = gone()
    try:
        assert bulkexo(*arguments, cwd=tmp_path, stdout=writer).check(0).stderr == ""
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    "env",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"HOME": os.devnull, "USERPROFILE": os.devnull, "XDG_CACHE_HOME": ""},
        {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "30"},
    ],
)
def test_odd_surroundings(tmp_path: Path, tenant: Pretend, names: list[str], env: dict[str, str]) -> None:
    value = f"ß 👩‍💻 {min(env)}"
    rows = [*([name, value] for name in names[:9]), ["nobody-ß-日本@contoso.com", "x"]]
    job = table(tmp_path / "größe 日本.csv", ["Identity", "CustomAttribute5"], rows)
    arguments = ("run", job.name, "--cmdlet", "Set-Mailbox", "--json")
    done = bulkexo(*arguments, cwd=tmp_path, env={**tenant.env, **env}, stderr=subprocess.STDOUT)
    assert done.code == 1, done.stdout
    assert "Traceback" not in done.stdout
    assert "9 succeeded, 1 failed." in done.stdout
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("größe 日本-")
    assert "nobody-ß-日本@contoso.com" in {line["identity"] for line in lines(run)}
    assert {box["CustomAttribute5"] for box in tenant.get(names[:9])} == {value}
