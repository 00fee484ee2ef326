"""Which event loop a command runs on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bulkexo.cli import loop
from bulkexo.model import UsageError
from tests.e2e.command import environment

BUFFERED = """
import asyncio, ssl
from asyncio.sslproto import SSLProtocol
from bulkexo.cli import loop

async def connection():
    here = asyncio.get_running_loop()
    ours = SSLProtocol(here, asyncio.Protocol(), ssl.create_default_context(), None)
    print(len(ours.get_buffer(-1)))

loop.run(connection)
"""


def test_the_faster_one_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "FAST", "json")  # a module that is there
    assert loop.fast("")
    assert loop.fast("JSON")
    assert not loop.fast("asyncio")


def test_asyncio_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "FAST", "no_such_loop")
    assert not loop.fast("")
    assert not loop.fast("asyncio")
    with pytest.raises(UsageError, match="is not installed"):
        loop.fast("no_such_loop")


def test_a_name_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="Write asyncio or"):
        loop.fast("trio")


def test_a_connection_of_asyncio_has_no_more_than_the_buffer_it_needs() -> None:
    command = [sys.executable, "-c", BUFFERED]
    env = {**environment(), "BULKEXO_LOOP": "asyncio"}
    told = subprocess.run(command, env=env, check=True, capture_output=True, encoding="utf-8").stdout
    assert int(told) == loop.TLS_BUFFER
