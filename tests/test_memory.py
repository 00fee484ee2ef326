"""What one run hands on to the next."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bulkexo.memory import Memory
from bulkexo.pace import Learned


def test_what_was_learned_is_there_for_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "allowances.json"
    Memory("tenant app", path).remember(Learned(42.0, 8))
    assert Memory("tenant app", path).recall() == Learned(42.0, 8)
    assert Memory("another app", path).recall() is None


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00", b"[]", b'{"version": 99}', b'{"version": 1, "tenants": 5}']
)
def test_a_file_that_makes_no_sense_is_nothing_learned(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "allowances.json"
    path.write_bytes(content)
    assert Memory("tenant", path).recall() is None
    Memory("tenant", path).remember(Learned(7.0))
    assert Memory("tenant", path).recall() == Learned(7.0)


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Memory("tenant", tmp_path / "file" / "allowances.json").remember(Learned(7.0))


def test_a_tenant_without_a_key_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "allowances.json"
    Memory("", path).remember(Learned(7.0))
    assert not path.exists()
    assert Memory("", path).recall() is None


def test_nothing_secret_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "allowances.json"
    Memory("https://host tenant app", path).remember(Learned(7.0))
    kept = orjson.loads(path.read_bytes())["tenants"]["https://host tenant app"]
    assert sorted(kept) == ["at", "concurrency", "rate"]
