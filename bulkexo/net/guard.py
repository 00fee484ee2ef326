"""What holds a request back at the last moment, where a process may find out that it is no longer to send.

A process can be stopped, or a machine put to sleep, between any question and what follows from the answer. So
it is asked three times, each time with less that can come between: before the headers and before the body, of
whoever sends, and when bytes go to the system, of the process. After that there are microseconds.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeAlias

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import AddrInfoType, SocketFactoryType

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Guard: TypeAlias = Callable[[], bool]
"""Whether something may be sent now."""


class OverError(Exception):
    """The guard lets nothing leave."""


class GuardedBody(aiohttp.BytesPayload):
    """A body that leaves, and its headers with it, if its guard says so. over: it did not."""

    def __init__(self, body: bytes, guard: Guard) -> None:
        super().__init__(body)
        self._guard = guard
        self.over = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write it. Raises OverError."""
        if not self._guard():
            self.over = True
            raise OverError
        await super().write_with_length(writer, content_length)


async def _ask(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    guard = context.trace_request_ctx
    if guard is not None and not guard():
        raise OverError


def headers_guarded() -> aiohttp.TraceConfig:
    """For a session whose requests may each have a guard as their `trace_request_ctx`: it is asked before the
    headers leave, and a request without a body is nothing but them."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_ask)
    return trace


class _Socket(socket.socket):
    """A socket that hands nothing to the system without being allowed to. asyncio's loop of selectors calls
    it; uvloop, and asyncio on Windows, have their own ways to the system."""

    guard: Guard

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        if not self.guard():
            raise ConnectionAbortedError
        return super().send(data, flags)

    if sys.platform != "win32":

        def sendmsg(self, *arguments: object) -> int:
            if not self.guard():
                raise ConnectionAbortedError
            return super().sendmsg(*arguments)  # type: ignore[arg-type]


def sockets(guard: Guard) -> SocketFactoryType:
    """Sockets that ask a guard for every piece of every connection."""

    def make(found: AddrInfoType) -> socket.socket:
        made = _Socket(*found[:3])
        made.guard = guard
        return made

    return make
