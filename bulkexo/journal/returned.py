"""What the items of a run returned: from their lines, and from the pages that these point to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from bulkexo.journal.folder import RunFolder
from bulkexo.journal.past import Lines
from bulkexo.model import BY_RULE, Status, UsageError

Line = Mapping[str, Any]
_MEMBERS = frozenset({"row", "step", "cmdlet", "identity", "status", "attempts", "duration_ms"})


_GOOD = frozenset(status for status in Status if status.good)


def _in_trouble(line: Line) -> bool:
    return line["status"] not in _GOOD and (line.get("error") or {}).get("code") != BY_RULE


class Returned:
    """The lines of a run as they are now; what it adds while it goes on is left out, so that reading twice
    gives the same. statuses, step: of the items wanted, none for all. trouble: how many items did not end
    well, as the last pass over the lines has found; those that a rule of the job left out aside. read: all
    the lines of that pass. Raises UsageError.
    """

    def __init__(self, folder: RunFolder, statuses: Collection[str] = (), step: int | None = None) -> None:
        self._folder = folder
        self._statuses = frozenset(statuses)
        self._step = step
        self.trouble = 0
        self.read = 0
        try:
            self._size = folder.results.stat().st_size
        except FileNotFoundError:
            self._size = 0
        except OSError as error:
            raise UsageError(
                f"{folder.results} cannot be read ({error.strerror}). Check who may read it."
            ) from None

    def lines(self) -> Iterator[Line]:
        """The line of each item that has ended, in the order in which they did."""
        self.trouble = 0
        for line in self._all():
            self.trouble += _in_trouble(line)
            if not self._statuses or line["status"] in self._statuses:
                yield line

    def troubled(self) -> Iterator[Line]:
        """Those of the items that did not end well."""
        return filter(_in_trouble, self._all())

    def _all(self) -> Iterator[Line]:
        self.read = 0
        for line, _ in Lines(self._folder.results, self._size):
            self.read += 1
            if not line.keys() >= _MEMBERS:
                raise UsageError(
                    f"{self._folder.results} holds a line that is the result of no item. Restore it "
                    "from a copy."
                )
            if self._step is None or line["step"] == self._step:
                yield line

    def objects(self) -> Iterator[tuple[Line, Any]]:
        """Each object that an item has returned, with the item's line."""
        for line in self.lines():
            pages = line.get("pages")
            for value in self._paged(pages) if pages else line.get("value") or ():
                yield line, value

    def lost(self, first: Mapping[str, Any]) -> str:
        """That lines of a complete run are missing, as a sentence, once they were read; "" if none are.
        first: its run.json."""
        counts = first.get("counts") or {}
        ended, unwritten = counts.get("ended"), counts.get("unwritten") or 0
        if first.get("state") != "complete" or not isinstance(ended, int) or self.read >= ended - unwritten:
            return ""
        return (
            f"{self._folder.results} holds {self.read:,} of the {ended:,} items that ended: the rest was "
            "lost. Restore it from a copy."
        )

    def _paged(self, pages: Mapping[str, Any]) -> Iterator[Any]:
        """The objects of a list of several pages."""
        path = self._folder.pages / Path(str(pages["path"])).name
        left = int(pages["bytes"])
        try:
            with path.open("rb") as file:
                for raw in file:
                    if left <= 0:
                        break
                    yield orjson.loads(raw)
                    left -= len(raw)
        except OSError as error:
            raise UsageError(f"{path} cannot be read ({error.strerror}), and the results need it.") from None
        except orjson.JSONDecodeError:
            left = -1
        if left:
            raise UsageError(f"{path} was damaged: it is not what the results say. Restore it from a copy.")
