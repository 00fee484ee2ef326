"""Draws the live view: rich's Live, in a thread, so that a terminal that takes nothing holds up no run."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import anyio
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from bulkexo.cli.gauge import Gauge, Scene
from bulkexo.cli.signs import signs
from bulkexo.cli.terminal import tell
from bulkexo.cli.view import frame, last_frame
from bulkexo.schedule import Tally

REFRESH = 0.25
LAST = 1.0
"""Seconds that a terminal may take for the last frame, before it is done without."""
GONE = (OSError, ValueError)
"""What a terminal raises that has gone, or was closed."""


class LiveView:
    """console: where it is drawn. title: its first words."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._signs = signs(console.encoding)
        self._notes: deque[str] = deque()
        self._live: Live | None = None
        self._lines: list[Text] = []
        self._width = 0
        self._turn = anyio.Lock()  # of whoever writes: the view, or a question

    def note(self, text: str) -> None:
        """Show it above the view, with its next frame."""
        if self._live is None:
            tell(text)
        else:
            self._notes.append(text)

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """While it is open, the view is off the screen."""
        async with self._turn:
            with contextlib.suppress(*GONE):
                await self._drawn(self._stop)
            try:
                yield
            finally:
                with anyio.move_on_after(LAST, shield=True), contextlib.suppress(*GONE):
                    await self._drawn(self._start)

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """Draw the run until cancelled. A terminal that has gone is drawn on no more."""
        gauge = Gauge(total)
        self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
        scene = gauge.look(read(), anyio.current_time(), time.time())
        try:
            async with self._turn:
                await self._drawn(self._start)
            while True:
                scene = gauge.look(read(), anyio.current_time(), time.time())
                async with self._turn:
                    await self._drawn(partial(self._draw, scene))
                await anyio.sleep(REFRESH)
        except GONE:
            await anyio.sleep_forever()
        finally:
            scene = gauge.look(read(), anyio.current_time(), time.time())
            with anyio.move_on_after(LAST, shield=True), contextlib.suppress(*GONE):
                await self._drawn(partial(self._end, scene))
            self._live = None

    async def _drawn(self, draw: Callable[[], None]) -> None:
        await anyio.to_thread.run_sync(draw, abandon_on_cancel=True)

    def _start(self) -> None:
        if self._live is not None:
            self._live.start()

    def _stop(self) -> None:
        if self._live is not None and self._live.is_started:
            self._live.update(Group(*self._lines))
            self._live.stop()

    def _draw(self, scene: Scene) -> None:
        live, console = self._live, self._console
        if live is None:
            return
        width, height = console.size
        if self._width and width < self._width:
            self._narrowed(width)
        self._width = width
        while self._notes:
            console.print(Text(self._signs.shown(self._notes.popleft())))
        self._lines = frame(self._title, scene, width, height, self._signs)
        live.update(Group(*self._lines), refresh=True)

    def _narrowed(self, width: int) -> None:
        """The console has wrapped the lines of the frame: erase as many rows as these have become more, below
        those that the next frame erases."""
        more = sum((max(1, line.cell_len) - 1) // width for line in self._lines)
        if not self._console.legacy_windows:
            self._console.file.write("\x1b[2K\x1b[1A" * more)

    def _end(self, scene: Scene) -> None:
        if self._live is not None:
            self._stop()
            while self._notes:
                self._console.print(Text(self._signs.shown(self._notes.popleft())))
            for line in last_frame(self._title, scene, self._console.width, self._signs):
                self._console.print(line)
