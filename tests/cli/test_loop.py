"""Which event loop a command runs on."""

from __future__ import annotations

import pytest

from bulkexo.cli import loop
from bulkexo.model import UsageError


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
