"""pages/: what returns more than a page, in a file that its line points to."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from bulkexo.journal import Past, Results, RunFolder
from bulkexo.journal.past import recall, recall_by_key
from bulkexo.model import Item, Outcome, Page, Status, StoppedError

from .helpers import folder, item, outcome, put

pytestmark = pytest.mark.anyio


def objects(*numbers: int) -> list[dict[str, Any]]:
    return [{"Number": number, "Text": "ß\n漢", "Lone": "\ud800"} for number in numbers]


def numbers(path: Path) -> list[int]:
    """The numbers of the objects in a file of pages; each line is one, and whole."""
    text = path.read_bytes()
    assert text.endswith(b"\n")
    assert json.loads(text.splitlines()[0])["Text"] == "ß\n漢"
    return [json.loads(line)["Number"] for line in text.splitlines()]


def paged(what: Item) -> Outcome:
    return replace(outcome(what), paged=True)


def opened(
    run: RunFolder, past: Past | None = None, steps: int = 1, told: list[str] | None = None
) -> Results:
    return Results(
        run,
        columns=["Name"],
        secret_columns=(),
        on_failure=lambda error: (told if told is not None else []).append(str(error)),
        wall=lambda: 0.0,
        steps=steps,
        past=past,
    )


async def written(results: Results, *what: Page | Outcome) -> None:
    async with results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        for each in what:
            await (results.keep([each]) if isinstance(each, Page) else put(results, [each]))
        results.end()


def lines(run: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.results.read_bytes().splitlines()]


def files(run: RunFolder) -> list[str]:
    return sorted(path.name for path in run.pages.iterdir()) if run.pages.exists() else []


async def test_the_line_points_to_the_pages(tmp_path: Path) -> None:
    run, one = RunFolder.create(tmp_path / "run"), item(17)
    pages = [
        Page(one, objects(1, 2), first=True),
        Page(one, [], first=False),
        Page(one, objects(3), first=False),
    ]
    await written(opened(run), *pages, paged(one), outcome(item(18)))
    path = tmp_path / "run" / "pages" / "17.ndjson"
    assert numbers(path) == [1, 2, 3]
    first, second = lines(run)
    assert first["pages"] == {"path": "pages/17.ndjson", "objects": 3, "bytes": path.stat().st_size}
    assert first["value"] == []
    assert "pages" not in second


async def test_files_of_a_job_of_several_steps_name_the_step(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    both = [item(17, step) for step in (1, 2)]
    pages = [Page(each, objects(each.step), first=True) for each in both]
    await written(opened(run, steps=2), *pages, *map(paged, both))
    assert [numbers(run.path / line["pages"]["path"]) for line in lines(run)] == [[1], [2]]
    assert files(run) == ["17-1.ndjson", "17-2.ndjson"]


async def test_an_item_that_began_anew_begins_its_file_anew(tmp_path: Path) -> None:
    run, one = RunFolder.create(tmp_path / "run"), item(17)
    pages = [
        Page(one, objects(1, 2), first=True),
        Page(one, objects(7), first=True),
        Page(one, objects(8), first=False),
    ]
    await written(opened(run), *pages, paged(one))
    assert numbers(run.pages / "17.ndjson") == [7, 8]
    assert lines(run)[0]["pages"]["objects"] == 2


@pytest.mark.parametrize("status", [Status.FAILED, Status.SUCCEEDED, Status.UNKNOWN])
async def test_what_ended_otherwise_leaves_no_file(tmp_path: Path, status: Status) -> None:
    """It failed half-way; or it began anew, and was a single page then."""
    run, one = RunFolder.create(tmp_path / "run"), item(17)
    await written(opened(run), Page(one, objects(1, 2), first=True), outcome(one, status))
    assert "pages" not in lines(run)[0]
    assert files(run) == []


async def test_a_run_without_pages_has_no_folder_for_them(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run")
    await written(opened(run), outcome(item(1)))
    assert not run.pages.exists()


async def test_half_a_file_of_a_process_that_died_is_begun_anew(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", [outcome(item(1))])
    run.failed.write_bytes(b"")
    run.pages.mkdir()
    for name in ("1", "2", "3"):
        (run.pages / f"{name}.ndjson").write_bytes(b'{"Number":99}\n{"Num')
    (run.pages / "notes.txt").write_text("mine")
    results = opened(run, recall(run, 3, 1))
    assert files(run) == ["1.ndjson", "notes.txt"]  # that of row 1 has its line
    await written(results, Page(item(2), objects(1), first=True), paged(item(2)), outcome(item(3)))
    assert numbers(run.pages / "2.ndjson") == [1]


async def test_rows_that_share_a_number_do_not_share_a_file(tmp_path: Path) -> None:
    """The job was changed, and the run went on: row 1 of now is another than row 1 of before."""
    old, new = item(1, name="old"), item(1, name="new")
    run = folder(tmp_path / "run", [outcome(old)])
    run.failed.write_bytes(b"")
    run.pages.mkdir()
    (run.pages / "1.ndjson").write_bytes(b'{"Number":99,"Text":"\xc3\x9f\\n\xe6\xbc\xa2"}\n')
    past = recall_by_key(run, 1, 1, lambda: [new])
    await written(opened(run, past), Page(new, objects(1), first=True), paged(new))
    assert lines(run)[1]["pages"]["path"] == "pages/1.2.ndjson"
    assert [numbers(run.pages / name) for name in ("1.ndjson", "1.2.ndjson")] == [[99], [1]]


async def test_a_folder_that_holds_pages_is_of_another_run(tmp_path: Path) -> None:
    (tmp_path / "run" / "pages").mkdir(parents=True)
    with pytest.raises(Exception, match="holds pages, which belongs to no run"):
        RunFolder.create(tmp_path / "run")


async def test_a_disk_that_refuses_a_page_is_told_and_nothing_of_the_page_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, one, told = RunFolder.create(tmp_path / "run"), item(17), list[str]()
    results = opened(run, told=told)
    real = Path.open

    class Full:
        """Takes half of what it is given, then nothing."""

        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def writelines(self, pieces: Iterable[bytes]) -> None:
            piece = b"".join(pieces)
            self.file.write(piece[: len(piece) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full(path: Path, *how: Any, **more: Any) -> Any:
        file = real(path, *how, **more)
        return Full(file) if path.parent == run.pages else file

    async def two(pages: Sequence[Page]) -> None:
        await results.keep([pages[0]])
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", full)
            with pytest.raises(StoppedError, match="Make room"):
                await results.keep([pages[1]])
        await results.keep([pages[2]])

    async with results, anyio.create_task_group() as group:
        group.start_soon(results.write_all)
        await two([Page(one, objects(n), first=n == 1) for n in (1, 2, 3)])
        await put(results, [paged(one)])
        results.end()
    assert told == ["The results cannot be written (No space left on device). Make room, then go on."]
    assert numbers(run.pages / "17.ndjson") == [1, 3]
