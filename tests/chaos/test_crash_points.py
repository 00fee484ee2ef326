"""A death before every step of the journal and of the sending, and within every write, one after another."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from .forking import STRUCK
from .stage import Blow, Stage, experiment, stage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

STEPS_LIMIT = 200
EXPERIMENTS = 12
BROKEN_FOR_GOOD = 10_000


def test_a_death_at_every_step(tmp_path: Path) -> None:
    with stage(tmp_path, 1, STEPS_LIMIT) as on:
        for at in range(STEPS_LIMIT):
            if experiment(on, [Blow(at, half=True)]) == [0]:
                break
        assert 20 < at < STEPS_LIMIT - 1


def test_deaths_of_those_that_go_on(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown when the test fails
    dice = random.Random(seed)
    with stage(tmp_path, seed, EXPERIMENTS) as on:
        for _ in range(EXPERIMENTS):
            experiment(on, [Blow(dice.randrange(50), dice.random() < 0.5) for _ in range(dice.randint(2, 6))])


@pytest.mark.parametrize("broken", [1, BROKEN_FOR_GOOD])
def test_a_disk_that_fails_at_every_step(tmp_path: Path, broken: int) -> None:
    refused = 0
    with stage(tmp_path, 1, STEPS_LIMIT) as on:
        for at in range(STEPS_LIMIT):
            struck = _struck(on)
            codes = experiment(on, [Blow(at, half=True, broken=broken)])
            if _struck(on) == struck:
                break  # it has no such step
            assert codes[0] in (0, 2, 3), on.forker.words.read_text()[-2000:]
            refused += codes[0] != 0
        assert refused > 10  # the others are of files that a run can do without, as progress.ndjson
        words = on.forker.words.read_text()
        assert 5 < at < STEPS_LIMIT - 1  # writes are gathered, the more the slower the machine is
        assert "The results cannot be written (Input/output error). Make room, then go on." in words
        assert "mistake of its own" not in words
        assert "The output cannot be written" not in words


def _struck(on: Stage) -> int:
    """How often the disk has refused up to now."""
    words = on.forker.words
    return words.read_text().count(STRUCK) if words.exists() else 0
