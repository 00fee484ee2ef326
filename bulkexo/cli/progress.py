"""How a run looks while it goes: a live view on a terminal, a line every 10 s elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime

import anyio
import click

from bulkexo.cli.gauge import Gauge, words
from bulkexo.cli.terminal import person_at, say, tell
from bulkexo.model import Item
from bulkexo.report.words import many
from bulkexo.run import Watch
from bulkexo.schedule import Tally

LINE_EVERY = 10.0


class Silent:
    """For `--no-progress`: shows nothing, but asks where somebody can answer."""

    def __init__(self) -> None:
        self._one = anyio.Lock()

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """Show nothing."""
        await anyio.sleep_forever()

    def stopping(self, batches: int, drain: float) -> None:
        """Say that the run ends."""
        self.note(stopping_words(batches, drain))

    def note(self, text: str) -> None:
        """Say it."""
        tell(text)

    async def decide(self, item: Item, reason: str) -> bool:
        """Ask at the terminal, one item at a time."""
        return await self._confirmed(f"Row {item.row}, {item.identity}: {reason}", "Send it again?")

    async def approve(self, question: str) -> bool:
        """Ask at the terminal."""
        told, _, asked = question.rpartition(". ")
        return await self._confirmed(f"{told}.", asked)

    async def _confirmed(self, told: str, asked: str) -> bool:
        if not person_at(sys.stdin, sys.stderr):
            return False
        async with self._one:
            return await self._asked(told, asked)

    async def _asked(self, told: str, asked: str) -> bool:
        say(told)
        try:
            return await anyio.to_thread.run_sync(
                lambda: click.confirm(asked, err=True), abandon_on_cancel=True
            )
        except click.Abort:
            return False


class Lines(Silent):
    """For logs and pipes: no control codes, a line every 10 s."""

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """Show the run until cancelled. A pipe that takes nothing more holds up nobody."""
        gauge, said = Gauge(total), ""
        while True:
            gauge.look(read(), anyio.current_time(), time.time())
            resting = read().resting
            for _ in range(round(LINE_EVERY)):
                await anyio.sleep(1.0)
                if read().resting != resting:
                    break  # that it rests, or does no more, is told at once
            tally = read()
            line = words(gauge.look(tally, anyio.current_time(), time.time()))
            if tally.resting and line == said:
                continue  # a night is long
            said = line
            stamped = f"{datetime.now():%H:%M:%S}  {line}"
            await anyio.to_thread.run_sync(say, stamped, abandon_on_cancel=True)


class Live(Silent):
    """For a terminal: all of it at a glance, several times a second."""

    def __init__(self, title: str) -> None:
        super().__init__()
        from rich.console import Console

        from bulkexo.cli.live import LiveView

        self._view = LiveView(Console(stderr=True, highlight=False), title)

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """Show the run until cancelled."""
        await self._view.follow(read, total)

    def note(self, text: str) -> None:
        """Say it above the view."""
        self._view.note(text)

    async def _asked(self, told: str, asked: str) -> bool:
        async with self._view.aside():
            return await super()._asked(told, asked)


def stopping_words(batches: int, drain: float) -> str:
    """What is said after the first Ctrl-C."""
    if not batches:
        return "Stopping: nothing is in flight."
    flight = many(batches, "batch is", "batches are")
    return f"Stopping: {flight} in flight and may end within {drain:.0f} s. Ctrl-C again stops at once."


def watch(title: str, *, silent: bool = False) -> Watch:
    """The way to show a run that suits where stderr goes. title: of the live view."""
    if silent:
        return Silent()
    if person_at(sys.stderr):
        from rich.console import Console

        if not Console(stderr=True).is_dumb_terminal:
            return Live(title)
    return Lines()
