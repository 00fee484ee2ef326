"""A tenant for programs: a sandbox as a process, over TLS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.files import people
from tests.e2e.pretend import Pretend, pretend


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is learned of the sandboxes does not go where the user's own runs keep it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant that answers at once and never fails."""
    with pretend(tmp_path_factory.mktemp("tenant"), "--mailboxes 2300 --speed 100") as running:
        yield running


@pytest.fixture(scope="module")
def names(tenant: Pretend) -> list[str]:
    """The sign-in names of its mailboxes."""
    return people(tenant)
