"""The service's key between runs: a file of its own, versioned, and harmless whatever is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkexo.keystore import MOST, KeyStore
from tests.wire.test_wire_key import xml


def test_what_is_remembered_is_recalled_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    KeyStore("here", path).remember(xml(), 12.5)
    assert KeyStore("here", path).recall() == (xml(), 12.5)
    assert KeyStore("elsewhere", path).recall() is None
    assert [each.name for each in path.parent.iterdir()] == ["keys.json"]


def test_without_a_name_nothing_is_kept(tmp_path: Path) -> None:
    KeyStore("", tmp_path / "keys.json").remember(xml(), 1.0)
    assert not list(tmp_path.iterdir())


def test_the_newest_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for number in range(MOST + 5):
        KeyStore(str(number), path).remember(xml(), float(number))
    assert KeyStore("4", path).recall() is None
    assert KeyStore("5", path).recall() is not None
    assert len(json.loads(path.read_text(encoding="utf-8"))["keys"]) == MOST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"version": 2, "keys": {"here": {"key": "x", "at": 1}}}',
        '{"version": 1, "keys": []}',
        '{"version": 1, "keys": {"here": 7}}',
        '{"version": 1, "keys": {"here": {"key": "x", "at": 1}}}',
        '{"version": 1, "keys": {"here": {"key": 7, "at": "x"}}}',
    ],
)
def test_a_file_that_makes_no_sense_is_no_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text, encoding="utf-8")
    assert KeyStore("here", path).recall() is None
    KeyStore("here", path).remember(xml(), 1.0)
    assert KeyStore("here", path).recall() == (xml(), 1.0)


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = KeyStore("here", tmp_path / "file" / "keys.json")
    store.remember(xml(), 1.0)
    assert store.recall() is None
