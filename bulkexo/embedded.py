"""The sandbox for the length of a run: a process of its own, which ends with this one."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from bulkexo.connection import Auth, Connection
from bulkexo.model import UsageError
from bulkexo.net.identity import SECRET, Identity, Secrets

START_LIMIT = 60.0
NOT_SERVING = "It was asked for something else than to serve: see `bulkexo sandbox --help` for its options."


@dataclass(frozen=True, slots=True)
class Tenant:
    """A running sandbox: where it listens and how to sign in."""

    endpoint: str
    compliance: str
    authority: str
    tenant: str
    ca_file: Path
    client_id: str
    secret: str

    @property
    def identity(self) -> Identity:
        """Its app, with its secret."""
        connection = Connection(
            tenant=self.tenant,
            endpoint=self.endpoint,
            compliance=self.compliance,
            authority=self.authority,
            ca_file=self.ca_file,
            auth=Auth.SECRET,
            client_id=self.client_id,
        )
        return Identity(connection, Secrets({SECRET: self.secret}))


@asynccontextmanager
async def sandbox(options: str) -> AsyncIterator[Tenant]:
    """Start `bulkexo sandbox` with `options`, a line as it would be typed. Raises UsageError.

    The child has a process group of its own, so that Ctrl-C reaches only us and what is in flight can
    still be answered; it ends when its standard input closes, even if we are killed.
    """
    try:
        # On Windows a backslash is part of a path, and quotes are for blanks.
        words = shlex.split(options.replace("\\", "\\\\") if sys.platform == "win32" else options)
    except ValueError:
        raise UsageError(f"--sandbox-options cannot be read: a quote in {options} is not closed.") from None
    command = [sys.executable, "-m", "bulkexo", "sandbox", "--json", "--stop-with-stdin", *words]
    windows = sys.platform == "win32"
    tenant = None
    with tempfile.TemporaryFile() as told:
        process = await anyio.open_process(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            start_new_session=not windows,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        async with process:
            with anyio.move_on_after(START_LIMIT):
                tenant = _tenant(await _first_line(process))
            if tenant is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                await process.wait()
                told.seek(0)
                said = told.read().decode(errors="replace").strip()
                raise UsageError(f"The sandbox did not start: check --sandbox-options. {said or NOT_SERVING}")
            yield tenant


async def _first_line(process: anyio.abc.Process) -> bytes:
    line = b""
    if process.stdout is not None:
        async for piece in process.stdout:
            line += piece
            if b"\n" in line:
                break
    return line


def _tenant(line: bytes) -> Tenant | None:
    """What the sandbox says of itself; None if that is something else."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return Tenant(
        endpoint=said["endpoint"],
        compliance=said["compliance"],
        authority=said["authority"],
        tenant=said["tenant"],
        ca_file=Path(said["ca_file"]),
        client_id=said["client_id"],
        secret=said["client_secret"],
    )
