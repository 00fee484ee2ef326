"""What the engine is set against: loops that send the same bytes, read the replies, write a line per item,
and do nothing else. No retries, no pacing, no journal that could be trusted, no checks.

Each takes rows of a CSV and returns when all are answered.
"""

from __future__ import annotations

import asyncio
import csv
import ssl
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from speed.canned import PATH, TENANT, TOKEN, Server

HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "Content-Type": "application/json;charset=utf-8",
    "Accept": "application/json;odata.metadata=minimal",
    "Accept-Encoding": "gzip",
    "Accept-Language": "en-US",
    "X-AnchorMailbox": f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT}",
    "X-ResponseFormat": "json",
    "X-SerializationLevel": "Partial",
    "connection-id": "5f3bd0a6-0b0e-4a86-8c1d-000000000001",
    "Prefer": "odata.maxpagesize=1000;odata.continue-on-error",
}
INNER = {
    **HEADERS,
    "client-request-id": "5f3bd0a6-0b0e-4a86-8c1d-000000000002",
    "X-CmdletName": "Set-Mailbox",
}
IN_FLIGHT = 32
"""Batches, for every loop that sends several at once; threads are 20."""


def batches(job: Path) -> Iterator[list[list[str]]]:
    """The rows of a job, ten at a time; its header is known."""
    with job.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        while rows := list(islice(reader, 10)):
            yield rows


def packed(endpoint: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """One `$batch` as bytes, the same as bulkexo's."""
    url = f"{endpoint}{PATH}/InvokeCommand"
    return orjson.dumps(
        {
            "requests": [
                {
                    "id": str(number),
                    "method": "POST",
                    "url": url,
                    "headers": INNER,
                    "body": {
                        "CmdletInput": {
                            "CmdletName": "Set-Mailbox",
                            "Parameters": dict(zip(names, row, strict=True)),
                        }
                    },
                }
                for number, row in enumerate(rows, 1)
            ]
        }
    )


def note(reply: bytes, rows: Sequence[Sequence[str]], out: BinaryIO) -> None:
    """A line for each item of a reply."""
    found = {each["id"]: each for each in orjson.loads(reply)["responses"]}
    for number, row in enumerate(rows, 1):
        answer = found[str(number)]
        line = {"identity": row[0], "status": answer["status"], "value": answer["body"]["value"]}
        out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def names_of(job: Path) -> list[str]:
    """The header of a job."""
    with job.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


async def by_aiohttp(job: Path, out: BinaryIO, server: Server) -> None:
    """(i) aiohttp, orjson, NDJSON."""
    import aiohttp  # noqa: PLC0415 - what this loop is measured by

    names, left = names_of(job), batches(job)
    context = ssl.create_default_context(cafile=server.ca_file)
    url = f"{server.endpoint}{PATH}/$batch"

    async def work(session: aiohttp.ClientSession) -> None:
        for rows in left:
            async with session.post(url, data=packed(server.endpoint, names, rows), headers=HEADERS) as reply:
                note(await reply.read(), rows, out)

    connector = aiohttp.TCPConnector(limit=IN_FLIGHT, ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(work(session))


class ByHand(asyncio.Protocol):
    """A connection that knows only what it is sent: a head, with Content-Length, and a body."""

    def __init__(self) -> None:
        self._seen = bytearray()
        self._waiting: asyncio.Future[bytes] | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand a whole reply on."""
        self._seen += data
        end = self._seen.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._seen.find(b"Content-Length: ") + 16
        size = int(self._seen[at : self._seen.find(b"\r\n", at)])
        if len(self._seen) >= end + 4 + size and self._waiting is not None:
            self._waiting.set_result(bytes(self._seen[end + 4 :]))
            self._seen.clear()

    async def ask(self, request: bytes) -> bytes:
        """The body of the reply."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()


async def by_hand(job: Path, out: BinaryIO, server: Server) -> None:
    """(ii) the same on one asyncio.Protocol."""
    names, left = names_of(job), batches(job)
    context = ssl.create_default_context(cafile=server.ca_file)
    port = int(server.endpoint.rpartition(":")[2])
    lines = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    head = f"POST {PATH}/$batch HTTP/1.1\r\nHost: localhost:{port}\r\n{lines}Content-Length: ".encode()

    async def work() -> None:
        loop = asyncio.get_running_loop()
        _, here = await loop.create_connection(
            ByHand, "127.0.0.1", port, ssl=context, server_hostname="localhost"
        )
        for rows in left:
            body = packed(server.endpoint, names, rows)
            note(await here.ask(b"%b%d\r\n\r\n%b" % (head, len(body), body)), rows, out)
        here.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(work())


def by_threads(job: Path, out: BinaryIO, server: Server) -> None:
    """(iii) 20 threads of requests."""
    import requests  # noqa: PLC0415 - what this loop is measured by

    names, left = names_of(job), batches(job)
    url = f"{server.endpoint}{PATH}/$batch"
    chunks = [[] for _ in range(20)]  # type: list[list[list[list[str]]]]
    for number, rows in enumerate(left):
        chunks[number % 20].append(rows)

    def work(mine: list[list[list[str]]]) -> None:
        with requests.Session() as session:
            session.verify = str(server.ca_file)
            session.trust_env = False
            for rows in mine:
                reply = session.post(url, data=packed(server.endpoint, names, rows), headers=HEADERS)
                note(reply.content, rows, out)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, chunks))


async def by_httpx(job: Path, out: BinaryIO, server: Server) -> None:
    """(iv) httpx."""
    import httpx  # noqa: PLC0415 - what this loop is measured by

    names, left = names_of(job), batches(job)
    url = f"{server.endpoint}{PATH}/$batch"
    context = ssl.create_default_context(cafile=server.ca_file)
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)

    async def work(client: httpx.AsyncClient) -> None:
        for rows in left:
            reply = await client.post(url, content=packed(server.endpoint, names, rows), headers=HEADERS)
            note(reply.content, rows, out)

    async with (
        httpx.AsyncClient(verify=context, limits=limits, timeout=60) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(IN_FLIGHT):
            group.create_task(work(client))


LOOPS = {"aiohttp": by_aiohttp, "hand": by_hand, "httpx": by_httpx}
"""Those that run on an event loop."""
