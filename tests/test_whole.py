"""Files that are there as a whole or not at all: on real disks, some of which take no more."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkexo.whole import rewrite, whole, whole_text

ROOM = 10_000


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file of this process grows beyond a few bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_it_takes_the_place_of_what_was_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    (tmp_path / "a.json.new").write_bytes(b"what a crash has left, which is longer")
    with whole(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.json", b"new")]


def test_an_error_of_the_block_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    with pytest.raises(LookupError), whole(path) as file:
        file.write(b"half of")
        raise LookupError
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.json", b"old")]


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize("size", [ROOM + 1, 1_000_000])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="too large"), whole(path) as file:
        file.write(bytes(size))
    with pytest.raises(OSError, match="too large"), whole_text(path) as text:
        for _ in range(size // 10 + 1):
            text.write("ten bytes\n")
    with pytest.raises(OSError, match="too large"):
        rewrite(path, bytes(size))
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a.json", b"old")]


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    with whole_text(tmp_path / "a.csv", "utf-8-sig") as text:
        text.write("Größe\r\n1\n")
    assert (tmp_path / "a.csv").read_bytes() == b"\xef\xbb\xbfGr\xc3\xb6\xc3\x9fe\r\n1\n"
    with whole_text(tmp_path / "b.html", errors="replace") as text:
        text.write("\ud800")
        assert text.tell() == 1
    assert (tmp_path / "b.html").read_bytes() == b"?"


def test_a_folder_is_made_for_what_is_rewritten(tmp_path: Path) -> None:
    rewrite(tmp_path / "a" / "b.json", b"{}")
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["b.json"]
