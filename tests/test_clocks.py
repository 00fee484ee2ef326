"""A machine that slept, a clock that was set: told, and nothing else."""

from __future__ import annotations

import pytest

from bulkexo.clocks import Clocks


@pytest.mark.parametrize(
    ("wall", "steady", "said"),
    [
        (5.0, 5.0, ""),
        (6.5, 6.5, ""),
        (34.0, 5.0, ""),
        (3605.0, 5.0, "slept, or its clock was set forward, for 3600 s"),
        (3605.0, 3605.0, "slept, or its clock was set forward, for 3600 s"),
        (-3595.0, 5.0, "set back by 3600 s"),
        (-20.0, 5.0, ""),
    ],
)
def test_what_a_look_at_the_clocks_tells(wall: float, steady: float, said: str) -> None:
    told = Clocks(1000.0, 50.0, every=5.0).look(1000.0 + wall, 50.0 + steady)
    assert said in told and bool(said) == bool(told)


def test_each_look_starts_from_the_last() -> None:
    clocks = Clocks(0.0, 0.0, every=5.0)
    assert clocks.look(3605.0, 5.0)
    assert not clocks.look(3610.0, 10.0)
