"""A virtual clock for what waits: hours pass in milliseconds, exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import looptime
import pytest

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def virtual() -> Run:
    """Runs a coroutine on a loop whose clock starts at 0 and jumps to the next timer."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
            return runner.run(main)

    return run
