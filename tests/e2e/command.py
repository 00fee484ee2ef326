"""`bulkexo` as a process: run to its end, or started and watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "bulkexo")
LIMIT = 240.0
"""Seconds after which a test gives up on something that should long have happened."""

STARTED: list[subprocess.Popen[str]] = []
"""What the present test has started; what it leaves is ended with it."""


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def summary(self) -> dict[str, Any]:
        """The one JSON object of `--json`; nothing else may stand on stdout."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        assert self.stdout.count("\n") == 1
        return found

    def check(self, code: int) -> Ended:
        """Itself, if it ended with this code, told without a traceback, and kept stdout for results."""
        assert self.code == code, f"exit code {self.code}, not {code}:\n{self.stdout}\n{self.stderr}"
        assert "Traceback" not in self.stderr, self.stderr
        assert "mistake of its own" not in self.stderr, self.stderr
        return self


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without what would steer bulkexo, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BULKEXO_")}
    return {**kept, "PYTHONIOENCODING": "utf-8", **(more or {})}


def start(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, **more: Any
) -> subprocess.Popen[str]:
    """The command, started."""
    process: subprocess.Popen[str] = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        stdin=more.pop("stdin", subprocess.DEVNULL),
        stdout=more.pop("stdout", subprocess.PIPE),
        stderr=more.pop("stderr", subprocess.PIPE),
        encoding="utf-8",
        errors="backslashreplace",
        **more,
    )
    STARTED.append(process)
    return process


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for its end."""
    with process:
        try:
            stdout, stderr = process.communicate(timeout=LIMIT)
        except BaseException:
            process.kill()
            raise
    return Ended(process.returncode, stdout or "", stderr or "")


def bulkexo(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, **more: Any) -> Ended:
    """The command, run to its end."""
    return ended(start(*arguments, cwd=cwd, env=env, **more))


def until(condition: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> None:
    """Wait until something has happened; a process that should bring it about must be alive."""
    give_up = time.monotonic() + LIMIT
    while not condition():
        if process is not None and process.poll() is not None and not condition():
            raise AssertionError(f"The command ended first:\n{ended(process)}")
        assert time.monotonic() < give_up, "It has not happened."
        time.sleep(0.02)


def lines(run: Path) -> list[dict[str, Any]]:
    """results.ndjson, each line whole; a run that is still going may be in the middle of its last."""
    path = run / "results.ndjson"
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    return [json.loads(line) for line in whole.splitlines()]


def value(run: Path, line: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What an item returned, from its line or from the pages that it points to."""
    if "pages" not in line:
        return list(line["value"])
    assert line["value"] == []
    content = (run / line["pages"]["path"]).read_bytes()
    found = [json.loads(each) for each in content.splitlines()]
    assert (len(found), len(content)) == (line["pages"]["objects"], line["pages"]["bytes"])
    return found


def statuses(run: Path) -> dict[int, str]:
    """Row → status, of a job of one step; each row stands there once."""
    found = lines(run)
    by_row = {line["row"]: line["status"] for line in found}
    assert len(by_row) == len(found)
    return by_row


def document(run: Path) -> dict[str, Any]:
    """run.json; its counts must agree with the lines of results.ndjson."""
    found: dict[str, Any] = json.loads((run / "run.json").read_bytes())
    counts, ended_so = found["counts"], [line["status"] for line in lines(run)]
    assert (run / "results.ndjson").read_bytes()[-1:] in (b"", b"\n")
    assert counts["ended"] == len(ended_so)
    for status in ("succeeded", "unchanged", "failed", "skipped", "unknown"):
        assert counts[status] == ended_so.count(status)
    return found
