"""--log-file: what happens in a run, a line each, by Python's logging, written by a thread of its own.

Nothing of this is made where no log was asked for.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import anyio

from bulkexo import __version__
from bulkexo.cli.signs import signs
from bulkexo.cli.terminal import say
from bulkexo.dated import dated
from bulkexo.journal.lines import timestamp
from bulkexo.model import BulkexoError, Item, Outcome, Status, UsageError
from bulkexo.options import Options
from bulkexo.redact import blot, secret_texts
from bulkexo.run import Report, Watch
from bulkexo.schedule import Exchange, Tally
from bulkexo.schedule.waiting import waiting

LOOK_EVERY = 1.0
"""Seconds between two looks at whether the run waits."""
AGAIN = 60.0
"""Seconds after which the same wait is told again: a throttled run waits every second."""
PLAIN = signs("utf-8")
FIGURES = re.compile(r"\d+ s|a moment")


class Lines(logging.Formatter):
    """`2026-11-24T09:30:00.123Z INFO    words`, on one line, whatever a message holds."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return f"{timestamp(record.created)} {record.levelname:<7} {PLAIN.shown(record.getMessage())}"


class File(logging.FileHandler):
    """A file that is only added to. That the disk refuses stops nothing, and is told at the end."""

    trouble = ""

    def handleError(self, record: logging.LogRecord) -> None:
        """Keep the reason."""
        import sys

        self.trouble = self.trouble or str(sys.exc_info()[1])


class Log:
    """What is told to the log; also an Observer of the run. log: where to. report: of the run, once there is
    one."""

    def __init__(self, log: logging.Logger) -> None:
        self.report: Report | None = None
        self._log = log
        self._told: dict[str, float] = {}

    def started(self, job: Path, kinds: Mapping[str, int], folder: Path, settings: Mapping[str, Any]) -> None:
        """A run begins, or goes on. settings: the options that were given, as run.json keeps them."""
        what = ", ".join(f"{count:,} × {name}" for name, count in kinds.items())
        options = ", ".join(f"{name}={value}" for name, value in settings.items() if name != "set")
        self._log.info(
            "start: %s (%s), run %s, bulkexo %s, pid %d", job, what, folder, __version__, os.getpid()
        )
        self._log.info("options: %s", options or "none")

    def signed_in(self) -> None:
        """Who has signed in to each tenant."""
        for each in self.report.signed_in if self.report else ():
            name = each.get("user") or each.get("app_name") or each.get("app") or "someone"
            where = each.get("tenant") or each.get("tenant_id") or "the tenant"
            self._log.info("sign-in: %s at %s", name, where)

    def note(self, text: str) -> None:
        """Something that a person is told."""
        self._log.info("%s", text)

    def waits(self, why: str, now: float) -> None:
        """The run waits, for a reason; told when it begins and once a minute."""
        kind = FIGURES.sub("", why)
        if kind and now - self._told.get(kind, -AGAIN) >= AGAIN:
            self._told[kind] = now
            self._log.info("pause: %s", why)

    def exchanged(self, exchange: Exchange) -> None:
        """A request has ended."""
        if not self._log.isEnabledFor(logging.DEBUG):
            return
        what = ", ".join(f"{count} × {name}" for name, count in exchange.cmdlets.items())
        wait = "" if exchange.wait is None else f", asked to wait {exchange.wait:g} s"
        self._log.debug(
            "batch: %d items (%s), status %s, attempt %d, %.3f s, %d throttled, %d failed in passing%s, "
            "request id %s%s",
            exchange.calls,
            what,
            exchange.status or "none",
            exchange.attempt,
            exchange.seconds,
            exchange.refused,
            exchange.failed,
            wait,
            exchange.request_id or "none",
            f", {exchange.lost}" if exchange.lost else "",
        )

    def ended(self, outcomes: Sequence[Outcome]) -> None:
        """Items have ended: those in trouble are told."""
        for each in outcomes:
            if each.status in (Status.FAILED, Status.UNKNOWN):
                item, error = each.item, each.error
                code, text = (error.code, error.message) if error else ("", "")
                if item.secrets:
                    text = blot(text, secret_texts(item))
                self._log.warning(
                    "%s: row %d step %d, %s %s: %s: %s (request id %s)",
                    *(each.status.value, item.row, item.step, item.cmdlet, item.identity or "-", code, text),
                    each.request_id or "none",
                )

    def failed(self, error: Exception) -> None:
        """The run could not begin, or not go on."""
        self._log.error("%s", error)

    def summary(self, line: str, report: Report) -> None:
        """How it ended."""
        level = logging.INFO if report.exit_code in (0, 1) else logging.ERROR
        self._log.log(level, "end: %s", line)


class Logged:
    """A Watch whose words go to the log too."""

    def __init__(self, inner: Watch, log: Log) -> None:
        self._inner = inner
        self._log = log

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """Show the run, and note what it waits for, until cancelled."""
        self._log.signed_in()
        async with anyio.create_task_group() as group:
            group.start_soon(self._inner.follow, read, total)
            while True:
                self._log.waits(waiting(read(), anyio.current_time()), anyio.current_time())
                await anyio.sleep(LOOK_EVERY)

    def stopping(self, batches: int, drain: float) -> None:
        """The run was asked to stop."""
        self._log.note(f"stop: the run was interrupted; {batches} batches are in flight")
        self._inner.stopping(batches, drain)

    def note(self, text: str) -> None:
        """Something that a person should know."""
        self._log.note(text)
        self._inner.note(text)

    async def decide(self, item: Item, reason: str) -> bool:
        """Ask a person; the answer is noted."""
        answer = await self._inner.decide(item, reason)
        self._log.note(f"row {item.row} of unknown fate: {'sent again' if answer else 'left as it is'}")
        return answer

    async def approve(self, question: str) -> bool:
        """Ask a person; the answer is noted."""
        answer = await self._inner.approve(question)
        self._log.note(f"{question} {'Yes.' if answer else 'No, or nobody answered.'}")
        return answer


@contextmanager
def log_of(options: Options, job: Path) -> Iterator[Log | None]:
    """The log that the options ask for, while the block lasts; None if they ask for none. An error that ends
    the block is told there too. Raises UsageError if it cannot be written."""
    if options.log_file is None:
        yield None
        return
    from logging.handlers import QueueListener

    from bulkexo.cli.hall import Hall

    path = dated(options.log_file, datetime.fromtimestamp(time.time()).astimezone(), job.stem)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = File(path, mode="a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"The log {path} cannot be written ({error.strerror}). Give another file.") from None
    file.setFormatter(Lines())
    queue: SimpleQueue[Any] = SimpleQueue()
    logger = logging.Logger("bulkexo", options.log_level.upper())
    hall = Hall(queue)
    logger.addHandler(hall)
    listener = QueueListener(queue, file)
    listener.start()
    log = Log(logger)
    try:
        yield log
    except BulkexoError as error:
        log.failed(error)
        raise
    finally:
        listener.stop()
        try:
            file.close()
        except OSError as error:
            file.trouble = file.trouble or str(error)
        if hall.left:
            lines = f"{hall.left:,} lines were left out while the disk took none"
            file.trouble = "; ".join(filter(None, [file.trouble, lines]))
        if file.trouble:
            say(f"The log {path} is not whole: {file.trouble}. Make room; the run itself lacks nothing.")
