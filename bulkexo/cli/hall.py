"""Where the lines of a log wait for the disk. Imported only where there is a log."""

from __future__ import annotations

import logging
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Any

WAITING = 10_000
"""Lines that may wait."""


class Hall(QueueHandler):
    """So many at most, for a disk can hang. left: those that found no room."""

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        super().__init__(queue)
        self.left = 0
        self._waiting = queue

    def enqueue(self, record: logging.LogRecord) -> None:
        """Let it wait, if there is room."""
        if self._waiting.qsize() < WAITING:
            super().enqueue(record)
        else:
            self.left += 1
