"""Ctrl-C, SIGTERM, SIGHUP and Ctrl-Break, delivered to the event loop on every platform."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@contextmanager
def interrupts(act: Callable[[], None]) -> Iterator[None]:
    """While it holds, each such signal calls `act` in the loop. Outside the main thread it does nothing.

    signal.signal serves Windows too, where asyncio's own handlers do not exist. A SIGHUP that is ignored
    stays so: that is what nohup is for.
    """
    loop = asyncio.get_running_loop()

    def handle(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)

    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name) and not _nohup(name)]
    try:
        before = {number: signal.signal(number, handle) for number in numbers}
    except ValueError:  # not the main thread: whoever runs it there handles signals
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _nohup(name: str) -> bool:
    return name == "SIGHUP" and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN
