"""Keeps progress.ndjson while a run goes: for `bulkexo status`, the report, and whoever else looks on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path

import anyio

from bulkexo.journal.progress import Progress, Standing
from bulkexo.schedule import Tally
from bulkexo.schedule.waiting import waiting

EVERY = 10.0
"""Seconds from one line to the next."""
SOON = 1.0
"""Seconds to the first of them: who looks at a run that has just begun is told that it goes."""


class Pulse:
    """The file, while the context is open. path: of the file. read: how the run stands. total: its items.
    state: how it ended, for the last line of this process."""

    def __init__(self, path: Path, read: Callable[[], Tally], total: int) -> None:
        self.state = "stopped"
        self._file = Progress(path)
        self._read = read
        self._total = total
        self._earlier = (self._file.attempts, self._file.throttled)
        self._seen = (time.monotonic(), read().done)
        self._over = self._file.over and read().done == total

    async def __aenter__(self) -> None:
        await self._tell("running", "signing in")

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._tell(self.state, "")
        self._file.close()

    async def keep(self) -> None:
        """A line soon, and then one every 10 s, until cancelled."""
        for seconds in chain([min(SOON, EVERY)], repeat(EVERY)):
            await anyio.sleep(seconds)
            await self._tell("running", waiting(self._read(), anyio.current_time()))

    async def _tell(self, state: str, why: str) -> None:
        if self._over:  # nothing is left to be told
            return
        tally, now = self._read(), time.monotonic()
        then, done = self._seen
        self._seen = (now, tally.done)
        attempts, throttled = self._earlier
        standing = Standing(
            time=time.time(),
            state=state,
            total=self._total,
            by_status=tally.by_status,
            attempts=attempts + tally.sent,
            throttled=throttled + tally.refused,
            speed=(tally.done - done) / (now - then) if now > then else 0.0,
            allowed=tally.rate,
            batches=tally.batches,
            places=tally.places,
            waiting=why,
            pid=os.getpid(),
        )
        await anyio.to_thread.run_sync(self._file.append, standing)
