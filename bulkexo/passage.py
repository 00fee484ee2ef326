"""From one wave of a run to the next: its gate, the pause, and the person who approves."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import anyio

from bulkexo.model import StoppedError
from bulkexo.waves import Waves

LOOK_EVERY = 5.0
"""Seconds until the clock is looked at again, which may be set, or jump when the machine wakes up."""


class Passage:
    """Stands at the gates. write: puts run.json on disk. note, approve: tell a person, and ask; approve gives
    False where nobody can be asked. stop: ends the run."""

    def __init__(
        self,
        waves: Waves,
        *,
        write: Callable[[], None],
        note: Callable[[str], None],
        approve: Callable[[str], Awaitable[bool]],
        stop: Callable[[StoppedError], None],
    ) -> None:
        self._waves = waves
        self._write = write
        self._note = note
        self._approve = approve
        self._stop = stop
        self._scope = anyio.CancelScope()
        self._closed = False
        self.resting = ""
        self.needs_approval = False

    def close(self) -> None:
        """The run is stopping: nobody is asked or waited for any more."""
        self._closed = True
        self._scope.cancel()

    async def through(self) -> bool:
        """Pass the gate of the present wave, all rows of which have ended; False if the run ends here."""
        waves = self._waves
        if not waves.rows:  # a run of chosen rows, none of them in this wave
            waves.pass_on()
            return True
        waves.arrive(time.time())
        passed = False
        with anyio.CancelScope() as self._scope:
            passed = self._kept() and await self._may_pass() and await self._paused()
        self.resting = ""
        if not passed or self._closed:
            return False
        self._note(f"{waves.told()} Going on with {waves.next_told()}.")
        waves.pass_on()
        return self._kept()

    def _kept(self) -> bool:
        """Keep on disk where the run stands."""
        try:
            self._write()
        except OSError as error:
            self._stop(StoppedError(f"run.json cannot be written ({error.strerror})."))
            return False
        return True

    async def _may_pass(self) -> bool:
        """Whether few enough rows have failed, and whether somebody approves where that is asked for."""
        waves, gate = self._waves, self._waves.gate
        if waves.approved:
            return True
        if waves.tripped and gate.failures is not None:
            self._hold(f"{waves.told()} Its gate lets {gate.failures.text} fail. Put right what went wrong.")
            return False
        if not gate.approve:
            return True
        self.resting = "waiting for approval"
        if await self._approve(f"{waves.told()} Go on with {waves.next_told()}?"):
            return True
        if not self._closed:
            self._hold(f"{waves.told()} It waits for approval before {waves.next_told()}.")
        return False

    def _hold(self, reason: str) -> None:
        self.needs_approval = True
        self._stop(StoppedError(reason))

    async def _paused(self) -> bool:
        """Wait out the pause, which began when the wave ended."""
        until = (self._waves.waiting or 0.0) + self._waves.gate.pause
        while (left := until - time.time()) > 0:
            at = datetime.fromtimestamp(until)
            day = "" if at.date() == datetime.now().date() else f"{at:%Y-%m-%d} "
            self.resting = f"pausing after wave {self._waves.passed + 1} until {day}{at:%H:%M:%S}"
            await anyio.sleep(min(left, LOOK_EVERY))
        return True
