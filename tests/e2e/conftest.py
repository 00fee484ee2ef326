"""A quick tenant for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.command import STARTED
from tests.e2e.files import people
from tests.e2e.pretend import Pretend, pretend

QUICK = "--mailboxes 400 --speed 50"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What runs learn of the sandboxes does not go where the user's own runs keep it, nor are the user's own
    profiles read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant that answers at once and never fails."""
    with pretend(tmp_path_factory.mktemp("tenant"), QUICK) as running:
        yield running


@pytest.fixture(scope="module")
def names(tenant: Pretend) -> list[str]:
    """The sign-in names of its mailboxes."""
    return people(tenant)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Ends what a test that failed had started."""
    yield
    for process in STARTED:
        with process:
            process.kill()
    STARTED.clear()
