"""The event loop of a command: uvloop's (winloop's on Windows) where the extra `fast` is installed.

BULKEXO_LOOP=asyncio turns that off.
"""

from __future__ import annotations

import asyncio.sslproto
import gc
import importlib.util
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from bulkexo.model import UsageError

_Result = TypeVar("_Result")
VARIABLE = "BULKEXO_LOOP"
FAST = "winloop" if sys.platform == "win32" else "uvloop"
GARBAGE = 10_000
"""Objects made between two looks for garbage: a batch makes a thousand, nearly none of them in a circle. With
Python's 700, looking took a seventh of all time."""

TLS_BUFFER = 64 << 10
"""Bytes that a connection of asyncio's reads at once, and has for itself all the time: four records of TLS.
It takes 256 KB, which are 25 MB for a hundred connections. uvloop has one of its own."""


def run(function: Callable[..., Awaitable[_Result]], *arguments: object) -> _Result:
    """Run it to its end, in a process that is ours alone. Raises UsageError."""
    _occupied()
    gc.freeze()  # what has been imported stays
    gc.set_threshold(GARBAGE, 10, 10)
    asyncio.sslproto.SSLProtocol.max_size = TLS_BUFFER
    return anyio.run(function, *arguments, backend_options={"use_uvloop": fast(os.environ.get(VARIABLE, ""))})


def _occupied() -> None:
    """A stream that was closed leads nowhere from now on: uvloop aborts when it meets a pipe under the number
    of one, and what a library prints would go into whichever file had got it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one


def fast(asked: str) -> bool:
    """Whether the faster loop is used. asked: asyncio, its name, or "" for whichever there is. Raises
    UsageError."""
    there = importlib.util.find_spec(FAST) is not None
    if asked.lower() == "asyncio":
        return False
    if asked.lower() not in ("", FAST):
        raise UsageError(f"{VARIABLE} is {asked!r}. Write asyncio or {FAST}, or leave it out.")
    if asked and not there:
        raise UsageError(f'{FAST} is not installed. Install it: pip install "bulkexo[fast]".')
    return there
