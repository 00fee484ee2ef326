"""Fixtures of the sandbox's tests."""

from __future__ import annotations

import pytest

from tests.sandbox.helpers import Bench


@pytest.fixture
def anyio_backend() -> str:
    """The server is aiohttp's, so the loop is asyncio's."""
    return "asyncio"


@pytest.fixture
def bench() -> Bench:
    """A fresh tenant of 200 mailboxes, without sockets."""
    return Bench()
