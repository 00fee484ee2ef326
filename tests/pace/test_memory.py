"""What is remembered of a tenant: written, read, and shrugged off when broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.pace import Learned
from bulkexo.pace.memory import STALE, decode, encode, recall, remember

NOW = 1.8e9


@pytest.mark.parametrize("learned", [Learned(38.5, 8), Learned(0.05, None)])
def test_there_and_back(tmp_path: Path, learned: Learned) -> None:
    path = tmp_path / "cache" / "pace.json"
    assert recall(path, "a", NOW) is None
    remember(path, "a", learned, NOW)
    remember(path, "b", Learned(1.0), NOW)
    assert recall(path, "a", NOW + 60) == learned
    assert recall(path, "b", NOW + 60) == Learned(1.0)
    assert [file.name for file in path.parent.iterdir()] == ["pace.json"]


@pytest.mark.parametrize(("later", "known"), [(0.0, True), (STALE, True), (STALE + 1, False), (-1.0, False)])
def test_old_news_is_no_news(tmp_path: Path, later: float, known: bool) -> None:
    path = tmp_path / "pace.json"
    remember(path, "a", Learned(5.0), NOW)
    assert (recall(path, "a", NOW + later) is not None) is known


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"version": 2, "tenants": {"a": {"rate": 5, "concurrency": null, "at": 1}}}',
        b'{"version": 1}',
        b'{"version": 1, "tenants": []}',
        b'{"version": 1, "tenants": {"a": 5}}',
        b'{"version": 1, "tenants": {"a": {"rate": 0, "concurrency": null, "at": 1}}}',
        b'{"version": 1, "tenants": {"a": {"rate": true, "concurrency": null, "at": 1}}}',
        b'{"version": 1, "tenants": {"a": {"rate": "5", "concurrency": null, "at": 1}}}',
        b'{"version": 1, "tenants": {"a": {"rate": 5, "concurrency": 2.5, "at": 1}}}',
        b'{"version": 1, "tenants": {"a": {"rate": 5, "concurrency": 0, "at": 1}}}',
        b'{"version": 1, "tenants": {"a": {"rate": 5, "concurrency": 8}}}',
    ],
)
def test_what_makes_no_sense_is_left_out(tmp_path: Path, data: bytes) -> None:
    assert decode(data) == {}
    path = tmp_path / "pace.json"
    path.write_bytes(data)
    assert recall(path, "a", NOW) is None
    remember(path, "a", Learned(5.0, 3), NOW)
    assert recall(path, "a", NOW) == Learned(5.0, 3)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    assert decode(data) == {} or isinstance(decode(data), dict)


def test_only_the_newest_are_kept() -> None:
    entries = {str(index): {"rate": 1.0, "concurrency": None, "at": NOW + index} for index in range(300)}
    kept = decode(encode(entries))
    assert len(kept) == 200
    assert "299" in kept
    assert "0" not in kept


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "pace.json").mkdir()
    with pytest.raises(OSError, match=r".+"):
        remember(tmp_path / "pace.json", "a", Learned(5.0), NOW)
    assert [file.name for file in tmp_path.iterdir()] == ["pace.json"]
