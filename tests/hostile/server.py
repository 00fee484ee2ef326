"""A server that plays a trick on every request, and a stranger that notes whoever comes to it.

Raw bytes over TLS, in a thread: it shares no HTTP with the client under test.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bulkexo.sandbox.certificate import server_context

Write = Callable[[bytes], Awaitable[None]]
Trick = Callable[["Asked", Write], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """A request as it came. evil: origin of the stranger. raw: the body; body: what it says as JSON."""

    head: bytes
    body: dict[str, Any]
    evil: str
    raw: bytes = b""

    @property
    def target(self) -> str:
        """What stands between method and version."""
        return self.head.split(b" ")[1].decode()

    @property
    def identity(self) -> str:
        """Of a lone cmdlet."""
        return identity(self.body)


def identity(body: dict[str, Any]) -> str:
    """`Identity` of one cmdlet's body."""
    return str(body["CmdletInput"]["Parameters"]["Identity"])


@dataclass
class Hostile:
    """A running one. came: connections that the stranger got, and the bytes that were sent on each."""

    endpoint: str
    evil: str
    ca_file: Path
    came: list[bytes] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """What makes a bulkexo use it."""
        return {"BULKEXO_ENDPOINT": self.endpoint, "BULKEXO_CA_FILE": str(self.ca_file)}


@contextmanager
def hostile(folder: Path, trick: Trick) -> Iterator[Hostile]:
    """Both listeners, until the block ends."""
    ca_file = folder / "ca.pem"
    context = server_context(folder, ca_file)
    loop = asyncio.new_event_loop()
    ready: list[Hostile] = []
    stop, started = asyncio.Event(), threading.Event()

    async def serve() -> None:
        async with _listening(context, ca_file, trick) as running:
            ready.append(running)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(30)
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


@asynccontextmanager
async def _listening(context: ssl.SSLContext, ca_file: Path, trick: Trick) -> AsyncIterator[Hostile]:
    tasks: set[asyncio.Task[None]] = set()
    running = Hostile("", "", ca_file)

    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.came.append(b"")
        running.came.append(await reader.read(65536))

    async def service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        while head := await reader.readuntil(b"\r\n\r\n"):
            raw = await _body(head, reader)
            body = json.loads(raw) if raw.startswith(b"{") else {}
            asked = Asked(head, body, running.evil, raw)
            running.asked.append(asked)
            await trick(asked, write)

    def connected(behave: Any) -> Any:
        async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            with suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError, Hangup):
                await behave(reader, writer)
            writer.close()

        return run

    plain = await asyncio.start_server(connected(stranger), "127.0.0.1", 0)
    evil = await asyncio.start_server(connected(stranger), "127.0.0.1", 0, ssl=context)
    server = await asyncio.start_server(connected(service), "127.0.0.1", 0, ssl=context)
    running.endpoint = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    running.evil = f"127.0.0.1:{evil.sockets[0].getsockname()[1]}"
    yield running
    for each in (plain, evil, server):
        each.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Hangup(Exception):
    """Closes the connection."""


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        ),
        0,
    )
    return await reader.readexactly(length)


def reply(body: bytes = b'{"value": []}', *headers: str, status: str = "200 OK") -> bytes:
    """A well-formed one."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
