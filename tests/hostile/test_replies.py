"""A run against a server that means harm: the token goes nowhere else, memory stays flat, every row ends in a
line that says what happened, and the honest rows beside it succeed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.conftest import Seen, attack
from tests.hostile.server import Hostile, hostile
from tests.hostile.tricks import ANSWERS, ENDLESS, HARMLESS, play

FLAT = 64.0
"""MB that all tricks together may take beyond what a run takes anyway."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    with hostile(tmp_path_factory.mktemp("server"), play) as running:
        yield running


@pytest.fixture(scope="module")
def quiet(server: Hostile, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A run with nothing but honest answers."""
    return attack(server, tmp_path_factory.mktemp("quiet"), ["honest"])


@pytest.fixture(scope="module")
def seen(server: Hostile, quiet: Seen, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """One with every trick, each in a request of its own, several at once."""
    names = [*ANSWERS, *ENDLESS, *HARMLESS]
    options = ("--batch-size", "1", "--timeout", "5", "--concurrency", "8", "--max-failures", "100%")
    return attack(server, tmp_path_factory.mktemp("run"), names, *options)


def test_the_run_is_complete_and_tells_of_failures(quiet: Seen, seen: Seen) -> None:
    assert quiet.done.code == 0
    assert seen.done.code == 1, seen.done.stderr


@pytest.mark.parametrize("name", ANSWERS)
def test_a_trick_ends_in_a_sentence(seen: Seen, name: str) -> None:
    line = seen.lines[name]
    assert line["status"] == "failed"
    message = line["error"]["message"]
    assert ANSWERS[name][0] in message
    assert message.isprintable()
    assert len(message) < 1000


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_ended(seen: Seen, name: str) -> None:
    line = seen.lines[name]
    assert line["status"] == "failed"
    assert "No reply came within 5 s." in line["error"]["message"]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_odd_succeeds(seen: Seen, name: str) -> None:
    assert seen.lines[name]["status"] == "succeeded", seen.lines[name]["error"]


def test_no_library_speaks_for_us(seen: Seen) -> None:
    assert "cookie" not in seen.done.stderr.replace("odd-cookie", "").replace("foreign-cookie", "")
    assert "\x1b" not in seen.done.stderr


def test_the_stranger_got_nothing(server: Hostile, seen: Seen) -> None:
    assert len(server.asked) > len(seen.lines)
    assert server.came == []


def test_memory_stays_flat(quiet: Seen, seen: Seen) -> None:
    if not quiet.peak:
        pytest.skip("this system does not tell the peak of a process")
    assert seen.peak < quiet.peak + FLAT
