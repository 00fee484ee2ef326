"""How much of a reply the session reads, and that large ones wait for each other and for nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import pytest

from bulkexo.net.session import LARGE, LARGE_AT_ONCE, Session
from bulkexo.wire import Lost, Reply, Request
from bulkexo.wire.bodies import ERROR_LIMIT, REPLY_LIMIT

from .servers import raw, read_request, reply_bytes

pytestmark = pytest.mark.anyio

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


async def sent(answer: Answer, *paths: str, timeout: float = 30.0) -> list[Reply | Lost]:
    """What comes of a request to each path, all at once, in the order in which they end."""
    found: list[Reply | Lost] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer((await read_request(reader)).split(b" ")[1], writer)

    async def send(session: Session, url: str) -> None:
        found.append(await session.send(Request(url, {}, b"{}", timeout)))

    async with (
        raw(behave, None) as endpoint,
        Session([endpoint], connections=9) as session,
        anyio.create_task_group() as group,
    ):
        for path in paths:
            group.start_soon(send, session, endpoint + path)
    return found


async def test_of_an_error_only_the_beginning_is_read() -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply_bytes(b"x" * (3 * ERROR_LIMIT), status=b"500 No"))
        await writer.drain()

    (reply,) = await sent(answer, "/x")
    assert isinstance(reply, Reply)
    assert (reply.status, len(reply.body)) == (500, ERROR_LIMIT)


async def test_what_says_that_it_is_too_large_is_not_read() -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (REPLY_LIMIT + 1))
        await writer.drain()
        await asyncio.Event().wait()

    (lost,) = await sent(answer, "/x")
    assert isinstance(lost, Lost)
    assert (lost.sent, lost.final) == (True, False)
    assert lost.reason == "The reply was given up: it holds more than 128 MB."


async def test_large_replies_wait_for_each_other_and_small_ones_for_nobody() -> None:
    async def answer(path: bytes, writer: asyncio.StreamWriter) -> None:
        if path == b"/small":
            writer.write(reply_bytes())
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (3 * LARGE))
        writer.write(b"x" * (2 * LARGE))
        await writer.drain()
        await asyncio.Event().wait()  # the rest never comes

    large = ["/large"] * (LARGE_AT_ONCE + 2)
    found = await sent(answer, *large, "/small", timeout=1.0)
    assert isinstance(found[0], Reply)
    assert [type(each) for each in found[1:]] == [Lost] * len(large)


async def test_all_large_replies_come_in_the_end() -> None:
    async def answer(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply_bytes(b"x" * (LARGE + 5000)))
        await writer.drain()

    found = await sent(answer, *["/large"] * (3 * LARGE_AT_ONCE))
    assert [isinstance(each, Reply) and len(each.body) for each in found] == [LARGE + 5000] * len(found)
