"""Why nothing moves, in words; of several tenants, what holds up all."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bulkexo.model import Status
from bulkexo.pace import State
from bulkexo.schedule import Tally
from bulkexo.schedule.tally import together
from bulkexo.schedule.waiting import waiting


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({}, ""),
        ({"hold_until": 1041.0}, "throttled by the service, next try in 41 s"),
        ({"hold_until": 1000.4}, "throttled by the service, next try in a moment"),
        ({"hold_until": 999.0}, ""),
        (
            {"state": State.SICK, "hold_until": 1041.0},
            "too much fails in passing: pausing, then trying with one batch",
        ),
        ({"state": State.DELAYED}, ""),
        ({"batches": 3, "signing": 3}, "signing in again"),
        ({"batches": 3, "signing": 2}, ""),
        ({"unreachable": "No route.", "state": State.SICK}, "waiting: No route."),
        (
            {"resting": "resting until 20:00 Europe/Zurich", "hold_until": 1041.0},
            "resting until 20:00 Europe/Zurich",
        ),
    ],
)
def test_words(state: dict[str, Any], said: str) -> None:
    assert waiting(Tally(**state), 1000.0) == said


def test_several_tenants_wait_for_the_first_that_may_go_on() -> None:
    held = Tally(places=5, rate=10.0, hold_until=1041.0, state=State.HELD, unreachable="No route.")
    later = Tally(places=6, rate=20.5, hold_until=1090.0, state=State.HELD, unreachable="No route.")
    ended = Tally(Counter({Status.SUCCEEDED: 5}))
    found = together([ended, held, later])
    assert (found.places, found.rate, found.hold_until, found.state) == (11, 30.5, 1041.0, State.HELD)
    assert (found.unreachable, found.done) == ("No route.", 5)
    held.unreachable, held.state = "", State.OPEN
    found = together([ended, held, later])
    assert (found.unreachable, found.state) == ("", State.OPEN)


def test_nothing_is_allowed_where_nothing_runs() -> None:
    found = together([Tally(), Tally()])
    assert (found.places, found.rate) == (0, None)
