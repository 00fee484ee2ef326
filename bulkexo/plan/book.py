"""The lines of a plan: written as the answers come, put in order at the end."""

from __future__ import annotations

import csv
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from bulkexo.compare import Assessed, Change
from bulkexo.compare.items import SECRET
from bulkexo.journal.key import key
from bulkexo.journal.lines import packed
from bulkexo.model import Item, UsageError
from bulkexo.whole import whole

PLAN, ON_PREMISES = "plan.ndjson", "on-premises.csv"
NUMBER = {change: number for number, change in enumerate(Change, 1)}
OPEN = frozenset(NUMBER[each] for each in (Change.CHANGE, Change.CREATE, Change.REMOVE, Change.MISSING))
"""What may be the lag of reads."""
ONLY_IN_JOB = "The line has values that a plan does not hold ({}), so it cannot be run from here."

HAS_RULE = (
    "The step has rules (when, retry_not_found) that a plan does not hold, so it cannot be run from here."
)


@dataclass(slots=True)
class Counts:
    """What a plan comes to. changes: items by what they do; parameters: by name, how many items change it.
    sent: by tenant, items that there is something to send for."""

    changes: Counter[Change] = field(default_factory=Counter)
    parameters: Counter[tuple[str, str]] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    only_in_job: int = 0


class Book:
    """Lines by the places of their items in the job: eight bytes of memory for each, and one.

    folder: where the plan is to stand; its files appear once they are whole. places: how many items there
    can be; steps: of a row. Raises UsageError where the disk does not take them.
    """

    def __init__(self, folder: Path, places: int, steps: int) -> None:
        self.folder = folder
        self.codes = bytearray(places)
        self._steps = steps
        self._offsets = array("Q", bytes(8 * places))
        with _written(folder):
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix="plan-")  # noqa: SIM115 (see close)
        self._size = 0

    def place(self, item: Item) -> int:
        """The place of an item."""
        return (item.row - 1) * self._steps + item.step - 1

    def differs(self, item: Item) -> bool:
        """Whether the item was last seen to have something to change."""
        return self.codes[self.place(item)] in OPEN

    def add(self, item: Item, assessed: Assessed) -> None:
        """Take in what an item would change; what was said of it before is void."""
        data = line(item, assessed)
        place = self.place(item)
        with _written(self.folder):
            self._file.write(data)
        self._offsets[place], self.codes[place] = self._size, NUMBER[assessed.change]
        self._size += len(data)

    def finish(self, show: Callable[[Mapping[str, Any]], None]) -> Counts:
        """Write the plan's files. show: takes each line, in the order of the job."""
        counts = Counts()
        with _written(self.folder), whole(self.folder / PLAN) as plan:
            mastered = None
            for data in self._lines():
                plan.write(data)
                document = orjson.loads(data)
                _count(document, counts)
                if document["change"] == Change.ON_PREMISES:
                    mastered = mastered or _Mastered(self.folder / ON_PREMISES)
                    mastered.add(document)
                show(document)
            if mastered:
                mastered.close()
        return counts

    def close(self) -> None:
        """What is not finished is gone."""
        self._file.close()

    def _lines(self) -> Iterator[bytes]:
        self._file.flush()
        for place, code in enumerate(self.codes):
            if code:
                self._file.seek(self._offsets[place])
                yield self._file.readline()


class _Mastered:
    """on-premises.csv."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["Row", "Step", "Cmdlet", "Identity", "Change", "Why"])

    def add(self, document: Mapping[str, Any]) -> None:
        after = orjson.dumps(document["after"]).decode()
        names = ("row", "step", "cmdlet", "identity")
        self._writer.writerow([*(document[name] for name in names), after, document["why"]])

    def close(self) -> None:
        self._file.close()


def line(item: Item, assessed: Assessed) -> bytes:
    """One line of plan.ndjson. Secrets are marked."""
    parameters = {name: SECRET if name in item.secrets else value for name, value in item.parameters.items()}
    document: dict[str, Any] = {
        "row": item.row,
        "step": item.step,
        "cmdlet": item.cmdlet,
        "identity": item.identity,
        "change": assessed.change.value,
        "parameters": parameters,
        "before": assessed.before,
        "after": {each.name: each.after for each in assessed.differences if each.same is not True},
        "key": key(item),
    }
    more = {"why": assessed.why, "tenant": item.tenant, "select": item.select, "api": item.api}
    document |= {name: value for name, value in more.items() if value}
    if item.repeat is not None:
        document["repeat"] = item.repeat.value
    if item.secrets:
        document["secret"] = sorted(item.secrets)
    if hidden := sorted((item.secrets & parameters.keys()) | item.pending.keys()):
        document["only_in_job"] = ONLY_IN_JOB.format(", ".join(hidden))
    elif item.rule is not None:
        document["only_in_job"] = HAS_RULE
    return packed(document)


def _count(document: Mapping[str, Any], counts: Counts) -> None:
    change = Change(document["change"])
    counts.changes[change] += 1
    counts.only_in_job += "only_in_job" in document
    if change.sent:
        counts.sent[document.get("tenant", "")] += 1
    if change is Change.CHANGE:
        for name in document["after"]:
            counts.parameters[document["cmdlet"], name] += 1


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"The plan cannot be written to {folder} ({error.strerror}). Make room, or give another --out."
        ) from None
