"""Where a page is played: a scratch folder with the jobs of the project, a shell, and a pretend tenant.

The shell is bash; what a command exports or where it goes holds for those after it. `bulkexo` and `python`
are this tree's. A command that sends finds the tenant of the page in its environment, as the page tells a
reader to set it; `bulkexo sandbox …` in a page starts one that serves until the page's end.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.blocks import Command
from tests.docs.matching import mismatch

ROOT = Path(__file__).parents[2]
LIMIT = 90.0
"""Seconds that a command of a page may take, on a busy machine."""
WIDTH = 100
"""Of the terminal that the pages show."""
QUICK = "--speed 100"
UP = "Nothing here is kept"
"""What the sandbox says last when it serves."""
EXPORT = re.compile(r"^\s*export (BULKEXO_\w+)='(.*)'$", re.MULTILINE)
APP = "00000000-0000-0000-0000-000000000000"
"""What stands for the reader's own app."""
TENANTLESS = re.compile(
    r"--sandbox\b|--help\b|"
    r"\bbulkexo (report|export|compare|status|undo|profiles|completion|catalogue show)\b"
)
"""Commands that need no tenant of the page."""
INTERRUPT = "^C"

STAND_INS = {
    "make": f'exec {shutil.which("make")} --dry-run -C "$BULKEXO_ROOT" "$@" > /dev/null',
    "pip": ": its packages are installed already",
    "git": ": the tree is here already",
    "systemctl": ": there may be no systemd",
    "loginctl": ": there may be no systemd",
    "crontab": ": nobody's table is touched",
    "kubectl": ": there is no cluster",
    "az": ": there is no Azure",
    "gh": ": there is no GitHub",
    "docker": ": there is no daemon",
}
"""Commands that are not run here, and what is done for them."""


@dataclass
class Stage:
    """folder: the scratch folder. beside: what the page does not see. options: of the page's tenant, None for
    no tenant."""

    folder: Path
    beside: Path
    options: str | None
    tenant: dict[str, str] = field(default_factory=dict)
    _served: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, name: str, text: str) -> None:
        """A file of the page."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")

    def play(self, command: Command) -> str:
        """Types a command; what is wrong with its end or its output, "" if nothing is."""
        text = command.text
        if re.match(r"bulkexo sandbox\b", text) and "--list-mailboxes" not in text and "--help" not in text:
            code, said = 0, self._serve(text)
        else:
            self._needs(text)
            code, said = self._run(text, interrupted=INTERRUPT in command.output)
        if code != command.exit_code:
            return f"exit code {code}, not {command.exit_code}:\n{said}"
        if "Traceback" in said or "mistake of its own" in said:
            return f"a traceback, or a mistake of its own:\n{said}"
        shown = [line for line in command.output if line != INTERRUPT]
        return mismatch(shown, said) if shown else ""

    def program(self, text: str) -> str:
        """Runs a Python program; what is wrong with it."""
        self._needs("bulkexo")
        (self.beside / "program.py").write_text(text, encoding="utf-8")
        code, said = self._run(f"python {shlex.quote(str(self.beside / 'program.py'))}")
        return f"exit code {code}:\n{said}" if code else ""

    def _needs(self, text: str) -> None:
        """The page's tenant, from the first command on that may ask it."""
        calls = re.search(r"\bbulkexo\b|\bpython\b", text) and not TENANTLESS.search(text)
        if calls and self.options is not None and not self._served:
            self._serve(f"bulkexo sandbox --credentials . {self.options}")

    def _serve(self, line: str) -> str:
        """A sandbox that serves until the end of the page; what it said."""
        words = shlex.split(line, comments=True)
        process = subprocess.Popen(
            [sys.executable, "-m", *words, "--stop-with-stdin"],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._served.append(process)
        assert process.stderr is not None
        said = ""
        for text in process.stderr:
            said += text
            if UP in text:
                break
        else:
            raise AssertionError(f"The sandbox did not start:\n{said}")
        self.tenant = dict(EXPORT.findall(said))
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.tenant.items())
        with self._state.open("a", encoding="utf-8") as file:
            file.write(exports)
        return said

    @property
    def _state(self) -> Path:
        """What the shell knows from one command to the next."""
        return self.beside / "state.sh"

    def _run(self, text: str, *, interrupted: bool = False) -> tuple[int, str]:
        text = text.replace(APP, self.tenant.get("BULKEXO_CLIENT_ID", APP))
        script = f'. "$STATE"\n{text}\nended=$?\n{{ export -p; echo cd "$PWD"; }} > "$STATE"\nexit $ended\n'
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", script],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
        )
        with process:
            try:
                if interrupted:
                    self._interrupt(process)
                said, _ = process.communicate(timeout=LIMIT)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, said

    def _interrupt(self, process: subprocess.Popen[str]) -> None:
        """Ctrl-C, once the run has a result."""
        known = {path: path.stat().st_size for path in self.folder.glob("**/results.ndjson")}
        limit = time.monotonic() + LIMIT
        while process.poll() is None and time.monotonic() < limit:
            now = self.folder.glob("**/results.ndjson")
            if any(path.stat().st_size > known.get(path, 0) for path in now):
                os.killpg(process.pid, signal.SIGINT)
                return
            time.sleep(0.05)
        raise AssertionError("There was nothing to interrupt.")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BULKEXO_")}
        home = self.beside / "home"
        return kept | {
            "PATH": f"{self.beside / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONIOENCODING": "utf-8",
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            "COLUMNS": str(WIDTH),
            "BULKEXO_ROOT": str(ROOT),
            "BULKEXO_SANDBOX_OPTIONS": self.options or QUICK,
            "STATE": str(self._state),
        }

    def close(self) -> None:
        """Ends its tenants."""
        for process in self._served:
            with process:
                assert process.stdin is not None
                process.stdin.close()
                process.wait(LIMIT)


@contextlib.contextmanager
def stage(folder: Path, options: str | None) -> Iterator[Stage]:
    """A stage below `folder`, until the page has been played."""
    scratch, beside = folder / "page", folder / "beside"
    for path in (scratch, beside / "bin", beside / "home"):
        path.mkdir(parents=True)
    shutil.copytree(ROOT / "jobs", scratch / "jobs")
    (beside / "state.sh").touch()
    own = {"bulkexo": f'exec "{sys.executable}" -m bulkexo "$@"', "python": f'exec "{sys.executable}" "$@"'}
    for name, line in {**STAND_INS, **own}.items():
        (beside / "bin" / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        (beside / "bin" / name).chmod(0o755)
    made = Stage(scratch, beside, options)
    try:
        yield made
    finally:
        made.close()
