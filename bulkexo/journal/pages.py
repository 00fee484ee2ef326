"""What returns more than one page: a file for each such item, which its line in results.ndjson points to."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bulkexo.journal.folder import RunFolder, sync_names
from bulkexo.journal.lines import packed
from bulkexo.journal.past import Past
from bulkexo.model import Item, Outcome, Page

_NAME = re.compile(r"(\d+)(?:-(\d+))?\.ndjson")


@dataclass(slots=True)
class ObjectFile:
    """Objects as lines of JSON. objects, size: how many count, and in how many bytes; the rest is void."""

    path: Path
    objects: int = 0
    size: int = 0

    def append(self, page: Page) -> None:
        """Write a page, or leave nothing of it that counts. Keeps no handle: many lists may be under way."""
        if page.first:
            self.objects = self.size = 0
        self.path.touch()
        with self.path.open("r+b") as file:
            file.truncate(self.size)
            file.seek(self.size)
            file.writelines(map(packed, page.value))
            file.flush()
            size = file.tell()
        self.objects += len(page.value)
        self.size = size

    def sync(self) -> None:
        """Return when the disk has it, and its name."""
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())
        sync_names(self.path.parent)


class PageFiles:
    """The files in pages/: an object a line, in the order of the pages.

    `<row>.ndjson` in a job of one step, `<row>-<step>.ndjson` in one of several. A file counts by the line
    that points to it; those that no line of `past` points to are taken away. In a run whose job has changed
    a row's number can stand for two rows: the later file gets the next free name, `<row>.2.ndjson` and so on.
    """

    def __init__(self, folder: RunFolder, steps: int, past: Past | None = None, *, sync: bool = True) -> None:
        self._folder = folder.pages
        self._steps = steps
        self._renumbered = past is not None and past.renumbered
        self._sync = sync
        self._open: dict[tuple[int, int], ObjectFile] = {}
        if past is not None and not past.renumbered:
            with contextlib.suppress(OSError):  # what is left over does no harm
                self._clear(past)

    def append(self, page: Page) -> None:
        """Write a page to its item's file. Raises OSError, and then it can be written again."""
        file = self._open.get(_number(page.item))
        if file is None:
            self._folder.mkdir(exist_ok=True)
            file = self._open[_number(page.item)] = ObjectFile(self._path(page.item))
        file.append(page)

    def settle(self, outcome: Outcome) -> dict[str, Any] | None:
        """Make the file of an item that has ended last; the `pages` member of its line, None if it has none.
        Raises OSError, and then it can be asked again."""
        file = self._open.get(_number(outcome.item)) if outcome.paged else None
        if file is None:
            return None
        if self._sync:
            file.sync()
        name = f"{self._folder.name}/{file.path.name}"
        return {"path": name, "objects": file.objects, "bytes": file.size}

    def forget(self, outcome: Outcome) -> None:
        """The item has its line: what it does not point to is no result, and goes."""
        if self._open:
            file = self._open.pop(_number(outcome.item), None)
            if file is not None and not outcome.paged:
                with contextlib.suppress(OSError):
                    file.path.unlink(missing_ok=True)

    def _path(self, item: Item) -> Path:
        name = str(item.row) if self._steps == 1 else f"{item.row}-{item.step}"
        path, number = self._folder / f"{name}.ndjson", 1
        while self._renumbered and path.exists():
            number += 1
            path = self._folder / f"{name}.{number}.ndjson"
        return path

    def _clear(self, past: Past) -> None:
        for path in self._folder.glob("*.ndjson"):
            found = _NAME.fullmatch(path.name)
            if found and not past.good(int(found[1]), int(found[2] or 1)):
                path.unlink()


def _number(item: Item) -> tuple[int, int]:
    return item.row, item.step
