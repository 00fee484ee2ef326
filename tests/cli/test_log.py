"""What is told to the log, and how often."""

from __future__ import annotations

import logging
from queue import SimpleQueue

import pytest

from bulkexo.cli import hall as waiting
from bulkexo.cli.log import Lines, Log
from bulkexo.model import Failure, Item, Outcome, Status
from bulkexo.schedule import Exchange


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Lines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record).partition("Z ")[2])


def kept(level: str) -> tuple[Log, list[str]]:
    logger, handler = logging.Logger("bulkexo", level), Kept()
    logger.addHandler(handler)
    return Log(logger), handler.lines


def test_the_same_wait_is_told_once_a_minute() -> None:
    log, lines = kept("INFO")
    for second in range(121):
        log.waits(
            f"throttled by the service, next try in {second % 7} s" if second % 2 else "", float(second)
        )
    log.waits("resting until 20:00", 122.0)
    assert lines == [
        "INFO    pause: throttled by the service, next try in 1 s",
        "INFO    pause: throttled by the service, next try in 5 s",
        "INFO    pause: resting until 20:00",
    ]


def test_a_batch_is_told_with_its_wait_and_loss() -> None:
    log, lines = kept("DEBUG")
    exchange = Exchange("https://x", "POST", 0.0, 1.5, {"Set-Mailbox": 10}, 429, 10, 0, "id-1", "", 3, 41.0)
    log.exchanged(exchange)
    log.exchanged(Exchange("https://x", "POST", 0.0, 9.0, {"Get-Mailbox": 1}, None, 0, 1, "", "No route."))
    assert lines == [
        "DEBUG   batch: 10 items (10 × Set-Mailbox), status 429, attempt 3, 1.500 s, 10 throttled, "
        "0 failed in passing, asked to wait 41 s, request id id-1",
        "DEBUG   batch: 1 items (1 × Get-Mailbox), status none, attempt 1, 9.000 s, 0 throttled, "
        "1 failed in passing, request id none, No route.",
    ]


def failed(message: str, secrets: frozenset[str] = frozenset()) -> Outcome:
    item = Item(17, 1, "Set-Mailbox", "ada@contoso.com", {"Password": "hush-hush"}, {}, secrets=secrets)
    return Outcome(item, Status.FAILED, 1, 400, 0.0, 1.0, "id-2", error=Failure("Bad", "", message))


def test_a_failure_is_one_line_whatever_its_message() -> None:
    log, lines = kept("INFO")
    log.ended([failed("First\r\nsecond\x1b[31m\u2028third")])
    (line,) = lines
    assert line.startswith("WARNING failed: row 17 step 1, Set-Mailbox ada@contoso.com: Bad: First  second")
    assert line.isprintable()


def test_a_secret_that_came_back_is_blotted() -> None:
    log, lines = kept("INFO")
    log.ended([failed("'hush-hush' is no password.", frozenset({"Password"}))])
    assert "hush" not in lines[0]
    assert "***" in lines[0]


def test_a_disk_that_hangs_costs_lines_and_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "WAITING", 3)
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    hall = waiting.Hall(queue)
    logger = logging.Logger("bulkexo")
    logger.addHandler(hall)
    for number in range(5):
        logger.info("line %d", number)
    assert (queue.qsize(), hall.left) == (3, 2)
    queue.get()
    logger.info("there is room again")
    assert (queue.qsize(), hall.left) == (3, 2)
