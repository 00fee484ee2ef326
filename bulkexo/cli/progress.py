"""How a run looks while it goes: a live line on a terminal, a line every 10 s elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

import anyio
import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bulkexo.cli.terminal import person_at, say, tell
from bulkexo.model import Item, Status
from bulkexo.pace import State
from bulkexo.run import Watch
from bulkexo.schedule import Tally

LINE_EVERY = 10.0
REFRESH = 0.25
WINDOW = 30.0
"""Seconds over which the speed is reckoned."""


class Pace:
    """Items per second over the last half minute."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now: float, done: int) -> float:
        """Note what is done at `now`; the speed since."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        first, before = self._seen[0]
        return (done - before) / (now - first) if now > first else 0.0


def words(tally: Tally, total: int, speed: float, now: float, clock: float) -> str:
    """One line on how things stand. now: the loop's clock, for waits. clock: since the epoch, for the end."""
    parts = [f"{tally.done:,} of {total:,}"]
    if speed:
        parts.append(f"{speed:.1f}/s")
    if tally.by_status[Status.FAILED]:
        parts.append(f"{tally.by_status[Status.FAILED]:,} failed")
    if tally.by_status[Status.UNKNOWN]:
        parts.append(f"{tally.by_status[Status.UNKNOWN]:,} unknown")
    if tally.pages:
        parts.append(f"{tally.pages:,} further pages")
    if tally.refused:
        parts.append(f"{tally.refused:,} throttled")
    if tally.resting:
        parts.append(tally.resting)
    elif tally.unreachable:
        parts.append(f"waiting: {tally.unreachable}")
    elif tally.state is State.SICK:
        parts.append("too much fails in passing: pausing, then trying with one batch")
    elif tally.hold_until > now:
        wait = tally.hold_until - now
        parts.append(f"throttled by the service, next try in {f'{wait:.0f} s' if wait >= 1 else 'a moment'}")
    elif tally.state is State.DELAYED:
        parts.append("the service delays replies, so the pace is eased")
    elif speed and tally.done < total:
        end = datetime.fromtimestamp(clock + (total - tally.done) / speed)
        parts.append(f"done at {end:%H:%M:%S}")
    return ", ".join(parts)


class Lines:
    """For logs and pipes: no control codes, a line every 10 s."""

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """Show the run until cancelled."""
        pace = Pace()
        said = ""
        while True:
            pace.add(time.monotonic(), read().done)
            resting = read().resting
            for _ in range(round(LINE_EVERY)):
                await anyio.sleep(1.0)
                if read().resting != resting:
                    break  # that it rests, or does no more, is told at once
            tally = read()
            speed = pace.add(time.monotonic(), tally.done)
            line = words(tally, total, speed, anyio.current_time(), time.time())
            if tally.resting and line == said:
                continue  # a night is long
            said = line
            say(f"{datetime.now():%H:%M:%S}  {line}")

    def stopping(self, batches: int, drain: float) -> None:
        """Say that the run ends."""
        tell(stopping_words(batches, drain))

    def note(self, text: str) -> None:
        """Say it."""
        tell(text)

    async def decide(self, item: Item, reason: str) -> bool:
        """Nobody is there to be asked."""
        return False

    async def approve(self, question: str) -> bool:
        """Nobody is there to be asked."""
        return False


class Live:
    """For a terminal: a bar and how things stand."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._one = anyio.Lock()
        self._bar: Progress | None = None

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """Show the run until cancelled; a terminal that has gone is no reason to stop."""
        try:
            await self._follow(read, total)
        except OSError:
            await anyio.sleep_forever()

    async def _follow(self, read: Callable[[], Tally], total: int) -> None:
        pace = Pace()
        bar, text = BarColumn(bar_width=20), TextColumn("{task.description}", markup=False)
        with Progress(bar, text, console=self._console, auto_refresh=False) as progress:
            self._bar = progress
            task = progress.add_task("", total=total)
            try:
                while True:
                    tally = read()
                    speed = pace.add(time.monotonic(), tally.done)
                    line = words(tally, total, speed, anyio.current_time(), time.time())
                    progress.update(task, completed=tally.done, description=line, refresh=True)
                    await anyio.sleep(REFRESH)
            finally:
                tally = read()
                line = words(tally, total, 0.0, anyio.current_time(), time.time())
                progress.update(task, completed=tally.done, description=line, refresh=True)

    def stopping(self, batches: int, drain: float) -> None:
        """Say that the run ends."""
        with contextlib.suppress(OSError):
            self._console.print(stopping_words(batches, drain))

    def note(self, text: str) -> None:
        """Say it above the bar."""
        with contextlib.suppress(OSError):
            self._console.print(text)

    async def decide(self, item: Item, reason: str) -> bool:
        """Ask at the terminal, one item at a time, with the bar out of the way."""
        return await self._confirmed(f"Row {item.row}, {item.identity}: {reason}", "Send it again?")

    async def approve(self, question: str) -> bool:
        """Ask at the terminal."""
        told, _, asked = question.rpartition(". ")
        return await self._confirmed(f"{told}.", asked)

    async def _confirmed(self, told: str, asked: str) -> bool:
        async with self._one:
            if self._bar is not None:
                self._bar.stop()
            try:
                self._console.print(told)
                return await anyio.to_thread.run_sync(
                    lambda: click.confirm(asked, err=True), abandon_on_cancel=True
                )
            except click.Abort:
                return False
            finally:
                if self._bar is not None:
                    self._bar.start()


class Silent(Lines):
    """For `--no-progress`."""

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """Show nothing."""
        await anyio.sleep_forever()


def stopping_words(batches: int, drain: float) -> str:
    """What is said after the first Ctrl-C."""
    if not batches:
        return "Stopping: nothing is in flight."
    flight = "1 batch is" if batches == 1 else f"{batches} batches are"
    return f"Stopping: {flight} in flight and may end within {drain:.0f} s. Ctrl-C again stops at once."


def watch(*, quiet: bool) -> Watch:
    """The way to show a run that suits where stderr goes."""
    if quiet:
        return Silent()
    return Live() if person_at(sys.stderr) else Lines()
