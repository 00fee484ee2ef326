"""The sandbox for the length of a run: a process of its own, which ends with this one."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from bulkexo.model import UsageError

START_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Tenant:
    """A running sandbox: where it listens and how to sign in."""

    endpoint: str
    authority: str
    tenant: str
    ca_file: Path
    client_id: str
    secret: str


@asynccontextmanager
async def sandbox(options: str) -> AsyncIterator[Tenant]:
    """Start `bulkexo sandbox` with `options`, a line as it would be typed. Raises UsageError.

    The child has a process group of its own, so that Ctrl-C reaches only us and what is in flight can
    still be answered; it ends when its standard input closes, even if we are killed.
    """
    command = [
        sys.executable,
        "-m",
        "bulkexo",
        "sandbox",
        "--json",
        "--stop-with-stdin",
        *shlex.split(options),
    ]
    windows = sys.platform == "win32"
    process = await anyio.open_process(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=not windows,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    async with process:
        if process.stdout is None or process.stderr is None:
            raise UsageError("The sandbox did not start: its output cannot be read.")
        line = b""
        with anyio.move_on_after(START_LIMIT):
            async for piece in process.stdout:
                line += piece
                if b"\n" in line:
                    break
        if b"\n" not in line:
            words = b"".join([piece async for piece in process.stderr]).decode(errors="replace").strip()
            raise UsageError(f"The sandbox did not start. {words}")
        said = json.loads(line)
        async with anyio.create_task_group() as group:
            group.start_soon(_drain, process.stderr)
            try:
                yield Tenant(
                    endpoint=said["endpoint"],
                    authority=said["authority"],
                    tenant=said["tenant"],
                    ca_file=Path(said["ca_file"]),
                    client_id=said["client_id"],
                    secret=said["client_secret"],
                )
            finally:
                group.cancel_scope.cancel()


async def _drain(stream: anyio.abc.ByteReceiveStream) -> None:
    """Read what the sandbox tells people, so that it never waits for a reader."""
    async for _ in stream:
        pass
