"""progress.ndjson: lines that are whole, whatever a crash or a full disk made of them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bulkexo.journal.progress import Progress, Standing, entries, last
from bulkexo.model import Status

COUNTS = {Status.SUCCEEDED: 800, Status.FAILED: 12}


def standing(**given: object) -> Standing:
    more = {"by_status": COUNTS, "attempts": 900, "throttled": 40, **given}
    return Standing(1_795_512_600.123, "running", 2000, **more)  # type: ignore[arg-type]


def test_a_line_holds_what_others_read() -> None:
    line = standing(speed=39.8123, allowed=40.0, batches=15, places=16, waiting="paused", pid=7).line()
    assert line.endswith(b"\n")
    assert orjson.loads(line) == {
        "time": "2026-11-24T09:30:00.123Z",
        "state": "running",
        "total": 2000,
        "done": 812,
        "succeeded": 800,
        "unchanged": 0,
        "failed": 12,
        "skipped": 0,
        "unknown": 0,
        "attempts": 900,
        "throttled": 40,
        "items_per_second": 39.81,
        "allowed_per_second": 40.0,
        "batches": 15,
        "places": 16,
        "waiting": "paused",
        "pid": 7,
    }


def test_a_second_process_goes_on_and_cuts_off_what_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "progress.ndjson"
    first = Progress(path)
    assert (first.attempts, first.throttled) == (0, 0)
    first.append(standing(pid=1))
    first.close()
    with path.open("ab") as file:
        file.write(b'{"time": "2026-11-2')
    second = Progress(path)
    assert (second.attempts, second.throttled) == (900, 40)
    second.append(standing(pid=2))
    second.close()
    assert [entry["pid"] for entry in entries(path)] == [1, 2]
    assert len(path.read_bytes().splitlines()) == 2


def test_the_last_line_is_found_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "progress.ndjson"
    path.write_bytes(b"".join(standing(pid=number).line() for number in range(1000)) + b'{"pid": 1000')
    found = last(path)
    assert found is not None
    assert found["pid"] == 999
    assert last(tmp_path / "none") is None
    assert list(entries(tmp_path / "none")) == []


def test_lines_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "progress.ndjson"
    path.write_bytes(standing(pid=1).line() + b"\x00\x00\n[1]\n" + standing(pid=2).line() + b"\x00\n")
    assert [entry["pid"] for entry in entries(path)] == [1, 2]
    found = last(path)
    assert found is not None
    assert found["pid"] == 2


def test_a_disk_that_refuses_is_no_trouble(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "gone" / "progress.ndjson")
    progress.append(standing(pid=1))
    (tmp_path / "gone").mkdir()
    progress.append(standing(pid=2))
    progress.close()
    found = last(tmp_path / "gone" / "progress.ndjson")
    assert found is not None
    assert found["pid"] == 2


@pytest.mark.parametrize("content", [b"", b'{"attempts": "many"}\n', b"\xff\xfe\n"])
def test_a_file_of_another_makes_no_trouble(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "progress.ndjson"
    path.write_bytes(content)
    progress = Progress(path)
    assert (progress.attempts, progress.throttled) == (0, 0)
    progress.append(standing())
    progress.close()
    assert last(path) is not None
