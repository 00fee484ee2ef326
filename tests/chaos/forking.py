"""A process that has bulkexo loaded and forks for each command: a hundred deaths in the time of ten.

In the child, every step of the journal and every sending is counted, and at a chosen one it dies; or, from
there on for so many, the disk answers with EIO.
"""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEVER = -1
STRUCK = "(the disk is struck)"


class Fate:
    """Counts steps and strikes at one of them. at: its number, from 0. half: where it is a write, within it.
    broken: instead of dying, fail with EIO from there on for so many steps."""

    def __init__(self, at: int, *, half: bool, broken: int = 0) -> None:
        self.at = at
        self.half = half
        self.broken = broken
        self.steps = 0

    def due(self) -> bool:
        """Note a step; whether it is struck."""
        self.steps += 1
        return self.at != NEVER and 0 <= self.steps - 1 - self.at <= max(0, self.broken - 1)

    def strike(self) -> None:
        """Die as by SIGKILL from outside, or fail."""
        if self.broken:
            os.write(2, f"{STRUCK}\n".encode())
            raise OSError(errno.EIO, "Input/output error")
        os.kill(os.getpid(), signal.SIGKILL)

    def step(self) -> None:
        """A step that happens or does not."""
        if self.due():
            self.strike()


class Doomed(io.FileIO):
    """A file whose writes are steps."""

    fate: Fate

    def write(self, data: Any, /) -> int:
        """Write, or strike before it, or within it."""
        if self.fate.due():
            if self.fate.half:
                super().write(bytes(data)[: len(data) // 2])
            self.fate.strike()
        return super().write(data)

    def truncate(self, size: int | None = None, /) -> int:
        """A step too."""
        self.fate.step()
        return super().truncate(size)


def _counted(function: Callable[..., Any], fate: Fate) -> Callable[..., Any]:
    def counted(*arguments: Any, **named: Any) -> Any:
        fate.step()
        return function(*arguments, **named)

    return counted


def haunt(fate: Fate) -> None:
    """Make every step of the journal and every sending of this process one of the fate's."""
    from bulkexo.net.session import Session  # noqa: PLC0415 - in the child of a process that has it
    from bulkexo.pace import Backoff  # noqa: PLC0415

    Doomed.fate = fate
    opened = Path.open

    def doomed(path: Path, mode: str = "r", buffering: int = -1, **named: Any) -> Any:
        if mode in ("xb", "r+b") and buffering == 0:
            fate.step()
            return Doomed(path, "xb" if mode == "xb" else "rb+")
        if mode == "wb":
            fate.step()
            return io.BufferedWriter(Doomed(path, "wb"))
        return opened(path, mode, buffering, **named)

    send = Session.send

    async def sent(session: Session, request: Any) -> Any:
        if not fate.broken:
            fate.step()
        reply = await send(session, request)
        if not fate.broken:
            fate.step()
        return reply

    setattr(Path, "open", doomed)  # noqa: B010 - what mypy calls a method is to be another
    setattr(Session, "send", sent)  # noqa: B010
    setattr(Backoff, "wait", lambda backoff, failures: 0.0)  # noqa: B010 - waiting shows nothing here
    for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "touch"), (Path, "unlink")):
        setattr(owner, name, _counted(getattr(owner, name), fate))


def serve() -> None:
    """Read commands from standard input, a JSON object a line; answer each with the child's end."""
    import bulkexo.cli.again  # noqa: PLC0415
    import bulkexo.cli.runs  # noqa: PLC0415
    import bulkexo.run  # noqa: F401, PLC0415

    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            _child(asked)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def _child(asked: Mapping[str, Any]) -> None:
    """Run one command and end, whatever happens."""
    from bulkexo.cli import main  # noqa: PLC0415

    code = 99
    try:
        said = os.open(asked["words"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(asked["environment"])
        sys.argv = ["bulkexo", *asked["arguments"]]
        haunt(Fate(asked["at"], half=asked["half"], broken=asked["broken"]))
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stderr.flush()
        os._exit(code)


@dataclass(slots=True)
class Forker:
    """The other end of `serve`. words: the file for what the commands say."""

    process: subprocess.Popen[str]
    environment: Mapping[str, str]
    words: Path

    def run(self, arguments: Sequence[str], at: int = NEVER, *, half: bool = False, broken: int = 0) -> int:
        """Run `bulkexo …`, to be struck at step `at`; its exit code, -9 if it died."""
        assert self.process.stdin and self.process.stdout
        asked = {
            "arguments": list(arguments),
            "environment": dict(self.environment),
            "words": str(self.words),
            "at": at,
            "half": half,
            "broken": broken,
        }
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def forker(environment: Mapping[str, str], words: Path) -> Iterator[Forker]:
    """Start one."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.forking"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(environment),
        cwd=Path(__file__).parents[2],
    ) as process:
        try:
            yield Forker(process, environment, words)
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(30)


if __name__ == "__main__":
    serve()
