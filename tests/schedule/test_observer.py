"""Whoever observes a run hears of each request once, with how it ended and nothing of what was in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from bulkexo.model import Outcome
from bulkexo.schedule import Exchange, Settings
from bulkexo.wire import Lost

from .fakes import Answer, Arrival, FakeService, Sent, ok, passing, throttled
from .world import EPOCH, World, rows


@dataclass
class Watching:
    exchanges: list[Exchange] = field(default_factory=list)

    def exchanged(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def ended(self, outcomes: Sequence[Outcome]) -> None:
        raise AssertionError("the sink tells of these, not the scheduler")


def seen(service: FakeService, count: int = 3) -> list[Exchange]:
    watching = Watching()
    World(service=service, observers=(watching,), settings=Settings(batch_size=10)).run(rows(count))
    return watching.exchanges


def test_a_request_is_told_once() -> None:
    (told,) = seen(FakeService(latency=lambda _: 2.5))
    assert told.endpoint == "https://service.test"
    assert (told.method, told.status, told.calls) == ("POST", 200, 3)
    assert told.cmdlets == {"Set-Mailbox": 3}
    assert told.seconds == pytest.approx(2.5)
    assert told.started >= EPOCH
    assert "contoso" not in repr(told)


def test_what_is_refused_inside_a_batch_is_counted() -> None:
    def each(sent: Sent) -> Answer:
        if sent.nth > 1:
            return ok()
        answers: dict[str, Answer] = {"1.1": throttled(), "2.1": passing()}
        return answers.get(sent.key, ok())

    first, *later = seen(FakeService(each=each))
    assert (first.status, first.refused, first.failed) == (200, 1, 1)
    assert sum(told.calls for told in later) == 2


def test_a_request_without_a_reply_says_why() -> None:
    def whole(arrival: Arrival) -> Lost | None:
        return Lost("The connection was lost.", sent=True) if arrival.nth == 1 else None

    first, *later = seen(FakeService(whole=whole))
    assert (first.status, first.lost) == (None, "The connection was lost.")
    assert later[-1].status == 200
