"""A request, sent in a session of its own."""

from __future__ import annotations

from pathlib import Path

from bulkexo.net.session import Session
from bulkexo.wire import Lost, Reply, Request

PATH = "/adminapi/beta/tenant/$batch"


async def send(endpoint: str, trusted: Path | None, path: str = PATH, timeout: float = 30.0) -> Reply | Lost:
    """One request, in a session of its own."""
    async with Session([endpoint], connections=2, ca_file=trusted) as session:
        return await session.send(request(endpoint, path, timeout))


def request(
    endpoint: str, path: str = PATH, timeout: float = 30.0, body: bytes = b'{"a":"\xc3\x9f"}'
) -> Request:
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json;charset=utf-8"}
    return Request(endpoint + path, headers, body, timeout)
