"""Completion as bash really does it; of the other shells what they are answered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bulkexo.cli import COMMANDS
from tests.e2e.command import bulkexo, environment

ASK = r"""
eval "$(bulkexo completion bash)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_bulkexo_completion bulkexo
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH with `bulkexo` on it."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "bulkexo").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bulkexo "$@"\n')
    (folder / "bulkexo").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def asked(path: str, cwd: Path, *words: str) -> list[str]:
    """What bash would offer after these words, the last of which is being typed."""
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", *words],
        cwd=cwd,
        env={**environment(), "PATH": path, "XDG_CONFIG_HOME": str(cwd)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert "compopt" in done.stderr or not done.stderr, done.stderr
    return done.stdout.split()


bash = pytest.mark.skipif(shutil.which("bash") is None or os.name != "posix", reason="no bash")


@bash
def test_bash(path: str, tmp_path: Path) -> None:
    for name in ("one-1", "one-2", "two"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text("{}")
    (tmp_path / "runs" / "no-run").mkdir()
    (tmp_path / "bulkexo.toml").write_text('[profiles.contoso]\ntenant = "contoso.onmicrosoft.com"\n')

    def offered(*words: str) -> list[str]:
        return asked(path, tmp_path, "bulkexo", *words)

    assert set(offered("")) == set(COMMANDS)
    assert offered("stat") == ["status"]
    assert "--cmdlet" in offered("run", "--cm")
    assert {"Set-Mailbox", "Set-MailboxPlan"} <= set(offered("run", "--cmdlet", "set-mailb"))
    assert offered("run", "--profile", "con") == ["contoso"]
    assert offered("run", "--auth", "dev") == ["device-code"]
    assert sorted(offered("resume", "")) == ["runs/one-1", "runs/one-2", "runs/two"]
    assert offered("status", "tw") == ["runs/two"]
    assert sorted(offered("retry", "runs/one")) == ["runs/one-1", "runs/one-2"]


def answers(shell: str, words: str, cwd: Path, **more: str) -> list[str]:
    env = {"_BULKEXO_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, **more}
    return bulkexo(cwd=cwd, env=env).check(0).stdout.splitlines()


def test_what_the_other_shells_are_answered(tmp_path: Path) -> None:
    power = answers("powershell", "bulkexo\nrun\n--log-level\nwar", tmp_path, COMP_WORD="war")
    assert power == ["plain\twarning\t"]
    begun = answers("powershell", "bulkexo\nstat", tmp_path, COMP_WORD="stat")
    assert begun == [f"plain\tstatus\t{COMMANDS['status'][1]}"]
    assert answers("powershell", "bulkexo\nresume", tmp_path, COMP_WORD="") == ["dir\t\t"]
    assert answers("fish", "bulkexo run --order", tmp_path, COMP_CWORD="fi") == ["plain,file"]
    assert answers("zsh", "bulkexo run --order fi", tmp_path, COMP_CWORD="3")[:2] == ["plain", "file"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_script(shell: str, tmp_path: Path) -> None:
    script = bulkexo("completion", shell, cwd=tmp_path).check(0).stdout
    assert "_BULKEXO_COMPLETE" in script
    assert f"{shell}_complete" in script
    assert "%(" not in script
    syntax = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "-n"]}.get(shell)
    if syntax and shutil.which(syntax[0]):
        subprocess.run(syntax, input=script, encoding="utf-8", check=True)
