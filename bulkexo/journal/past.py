"""Reading a run's folder back: what has ended, what was announced, where a torn line begins."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bulkexo.journal.earlier import read_ended, read_outcomes
from bulkexo.journal.folder import RunFolder
from bulkexo.journal.key import key
from bulkexo.model import BY_RULE, Earlier, Ended, Item, Outcome, Status, UsageError

NUMBER = {status: number for number, status in enumerate(Status, 1)}
"""The byte of `Past.codes` that stands for a status; 0 is an item without a line."""
BAD = frozenset(NUMBER[status] for status in Status if not status.good)
BY_A_RULE = len(NUMBER) + 1
"""That of an item which a rule of the job has left out: skipped, though no earlier step had failed."""
STATUS = {**{number: status for status, number in NUMBER.items()}, BY_A_RULE: Status.SKIPPED}
IN_DOUBT = 2
TROUBLE = (NUMBER[Status.FAILED], NUMBER[Status.UNKNOWN])


@dataclass(frozen=True, slots=True)
class Line:
    """A line of results.ndjson that counts. offset: of its first byte in the file. rule: whether a rule of
    the job left the item out."""

    row: int
    step: int
    key: str
    status: Status
    offset: int
    rule: bool = False


class Lines:
    """The objects of an NDJSON file, each with its offset, up to where a crash has torn it.

    What follows the last whole line was never acknowledged, so it is left out; `whole` is where it begins,
    once all has been read, and `torn` how many bytes it is. Raises UsageError where a line that cannot be
    read is followed by one that can: then the file was damaged, not torn.
    size: of the file in bytes as it was once; what was written since is left out. None for all of it.
    """

    def __init__(self, path: Path, size: int | None = None) -> None:
        self._path = path
        self._size = size
        self.whole = 0
        self.torn = 0

    def __iter__(self) -> Iterator[tuple[dict[str, Any], int]]:
        try:
            with self._path.open("rb") as file:
                for raw in file:
                    if self._size is not None and self.whole + self.torn + len(raw) > self._size:
                        return
                    document = _parse(raw)
                    if document is None:
                        self.torn += len(raw)
                    elif self.torn:
                        raise UsageError(
                            f"{self._path} cannot be read from byte {self.whole} on, though lines follow: it "
                            "was damaged. Restore it from a copy, or run the job anew in another folder."
                        )
                    else:
                        yield document, self.whole
                        self.whole += len(raw)
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(
                f"{self._path} cannot be read ({error.strerror}). Check who may read it."
            ) from None


def _parse(raw: bytes) -> dict[str, Any] | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


class Past:
    """What earlier processes of a run have done, by the number of the item in the job.

    A byte and an offset of eight for each item, whatever their number. steps: items of a row.
    codes: see NUMBER. offsets: of their lines. strangers: lines without an item.
    results_size, announced_size, before_size: bytes of whole lines. torn: bytes behind the lines of
    results.ndjson.
    chosen: a byte for each item: 0 for those that do not belong to the run, IN_DOUBT for those that the run
    they were chosen from had sent without learning what became of them; None if all belong to it.
    renumbered: the job has changed, so that rows of one number in the files can be two.
    lines: the file with them. first: of the run that the items were chosen from, in which the steps that they
    depend on may have ended.
    """

    def __init__(self, items: int, steps: int, lines: Path | None = None) -> None:
        self.lines = lines
        self.first: Past | None = None
        self.codes = bytearray(items)
        self.offsets = array("Q", bytes(8 * items))
        self.counts: Counter[Status] = Counter()
        self.strangers = 0
        self.results_size = 0
        self.announced_size = 0
        self.before_size = 0
        self.torn = 0
        self.renumbered = False
        self._steps = steps
        self._unsettled: set[int] = set()
        self._kept = bytearray(items)
        self.chosen: bytes | None = None

    def choose(self, chosen: bytes | None) -> None:
        """Take in which items belong to the run; after the lines, for what has ended is not in doubt."""
        self.chosen = chosen
        place = -1
        while chosen is not None and (place := chosen.find(IN_DOUBT, place + 1)) >= 0:
            self.announced(place)

    def number(self, row: int, step: int) -> int:
        """The place of an item in the job, from 0; -1 if there can be none."""
        return (row - 1) * self._steps + step - 1 if row >= 1 <= step <= self._steps else -1

    def ended(self, item: Item) -> bool:
        """Whether the item is not to be run: it has its line, or is not among those chosen."""
        place = self.number(item.row, item.step)
        return bool(self.codes[place]) or not (self.chosen is None or self.chosen[place])

    def left(self, items: Iterator[Item], passed: Callable[[Item], None]) -> Iterator[Item]:
        """Those of the items that are to be run. passed: is told of each that is not."""
        for item in items:
            if self.ended(item):
                passed(item)
            else:
                yield item

    def good(self, row: int, step: int) -> bool:
        """Whether the item has a line that says it did well."""
        place = self.number(row, step)
        return 0 <= place < len(self.codes) and self.codes[place] not in (0, BY_A_RULE, *BAD)

    def unsettled(self, item: Item) -> bool:
        """Whether it was announced and has no line."""
        return self.number(item.row, item.step) in self._unsettled

    def kept(self, item: Item) -> bool:
        """Whether it is written down what was there before the item was first sent."""
        return bool(self._kept[self.number(item.row, item.step)])

    def keeps(self, place: int) -> None:
        """Take in that it is."""
        if 0 <= place < len(self._kept):
            self._kept[place] = 1

    def earlier(self, item: Item) -> Earlier:
        """The earlier steps of the item's row that have ended, with what its rule needs of them. Raises
        UsageError where it cannot be read."""
        found: dict[int, Ended] = {}
        needs = item.rule.needs if item.rule else {}
        for step in range(1, item.step):
            place = self.number(item.row, step)
            if (here := self._with_line(place)) is None:
                continue
            code = here.codes[place]
            if step in needs and here.lines is not None:
                found[step] = read_ended(here.lines, here.offsets[place], STATUS[code], needs[step])
            else:
                found[step] = Ended(STATUS[code], rule=code == BY_A_RULE)
        return found

    def _with_line(self, place: int) -> Past | None:
        """The run in which an item has ended that is not to be run in this one any more."""
        if self.codes[place]:
            return self
        if self.first is None or (self.chosen is not None and self.chosen[place]):
            return None
        return self.first._with_line(place)

    def depended_on(self) -> Iterator[tuple[int, int, Path, int]]:
        """Of the rows with chosen items, the others that have ended in the first run: see copy_lines."""
        chosen = self.chosen or b""
        for place in range(len(chosen)):
            row, step = divmod(place, self._steps)
            if chosen[place] or not any(chosen[place - step : place - step + self._steps]):
                continue
            here = self._with_line(place)
            if here is not None and here.lines is not None:
                yield row + 1, step + 1, here.lines, here.offsets[place]

    def row_failed(self, row: int) -> bool:
        """Whether an item of a row has failed or is unknown."""
        place = self.number(row, 1)
        return any(code in TROUBLE for code in self.codes[place : place + self._steps])

    def row_chosen(self, row: int) -> bool:
        """Whether an item of a row belongs to the run."""
        place = self.number(row, 1)
        return self.chosen is None or any(self.chosen[place : place + self._steps])

    def in_trouble(self, item: Item) -> int | None:
        """The offset of the item's line if it failed or is unknown."""
        place = self.number(item.row, item.step)
        return self.offsets[place] if self.codes[place] in TROUBLE else None

    def troubles(self) -> Iterator[Outcome]:
        """The items that failed or are unknown: of each its name and how it ended. Raises UsageError."""
        pairs = zip(self.codes, self.offsets, strict=True)
        offsets = sorted(offset for code, offset in pairs if code in TROUBLE)
        return read_outcomes(self.lines, offsets) if self.lines and offsets else iter(())

    def note(self, place: int, line: Line) -> None:
        """Take in one line; a second one for the same item is not counted again."""
        if not 0 <= place < len(self.codes):
            self.strangers += 1
        elif not self.codes[place]:
            self.codes[place] = BY_A_RULE if line.rule else NUMBER[line.status]
            self.counts[line.status] += 1
            self.offsets[place] = line.offset

    def measure(self, results: Lines, announced: Lines, before: Lines) -> None:
        """Take in where the whole lines of the files, read to their ends, stop."""
        self.results_size, self.announced_size, self.torn = results.whole, announced.whole, results.torn
        self.before_size = before.whole

    def announced(self, place: int) -> None:
        """Take in an announcement; it is unsettled unless it has its line."""
        if 0 <= place < len(self.codes) and not self.codes[place]:
            self._unsettled.add(place)

    def withdrawn(self, place: int) -> None:
        """Take in that an announcement was taken back."""
        self._unsettled.discard(place)

    @property
    def in_doubt(self) -> int:
        """How many items were announced and have no line."""
        return len(self._unsettled)


def _results(lines: Lines) -> Iterator[Line]:
    for document, offset in lines:
        try:
            yield Line(
                int(document["row"]),
                int(document["step"]),
                str(document.get("key", "")),
                Status(document["status"]),
                offset,
                (document.get("error") or {}).get("code") == BY_RULE,
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            raise UsageError(
                f"results.ndjson holds a line that is not a result (at byte {offset}). Restore it from "
                "a copy."
            ) from None


def _announcements(lines: Lines) -> Iterator[tuple[int, int, str, bool]]:
    """Row, step and key of each item, and whether it is withdrawn."""
    for document, offset in lines:
        withdrawn = "withdrawn" in document
        try:
            items = document["withdrawn" if withdrawn else "items"]
            found = [(int(row), int(step), str(name), withdrawn) for row, step, name in items]
        except (KeyError, TypeError, ValueError, OverflowError):
            raise UsageError(
                f"announced.ndjson holds a line that is none (at byte {offset}). Restore it from a copy."
            ) from None
        yield from found


def _formers(lines: Lines) -> Iterator[tuple[int, int, str]]:
    """Row, step and key of each line of before.ndjson."""
    for document, offset in lines:
        try:
            yield int(document["row"]), int(document["step"]), str(document["key"])
        except (KeyError, TypeError, ValueError, OverflowError):
            raise UsageError(
                f"before.ndjson holds a line that is none (at byte {offset}). Restore it from a copy."
            ) from None


def recall(folder: RunFolder, items: int, steps: int) -> Past:
    """The past of a run whose job is what it was. Raises UsageError."""
    past, lines, sent = Past(items, steps, folder.results), Lines(folder.results), Lines(folder.announced)
    before = Lines(folder.before)
    for line in _results(lines):
        past.note(past.number(line.row, line.step), line)
    for row, step, _, withdrawn in _announcements(sent):
        place = past.number(row, step)
        past.withdrawn(place) if withdrawn else past.announced(place)
    for row, step, _ in _formers(before):
        past.keeps(past.number(row, step))
    past.measure(lines, sent, before)
    return past


def recall_first(folder: RunFolder, items: int, steps: int) -> Past | None:
    """What a run of chosen items has taken over from the one they were chosen from. Raises UsageError."""
    if not folder.earlier.exists():
        return None
    past = Past(items, steps, folder.earlier)
    for line in _results(Lines(folder.earlier)):
        past.note(past.number(line.row, line.step), line)
    return past


def recall_by_key(folder: RunFolder, items: int, steps: int, job: Callable[[], Iterable[Item]]) -> Past:
    """The past of a run whose job has changed: each line goes to a row that is the same in all but place.

    Rows that occur several times are told apart by their number alone, so any of them is as good.
    """
    past, lines, sent = Past(items, steps, folder.results), Lines(folder.results), Lines(folder.announced)
    before = Lines(folder.before)
    by_key: defaultdict[str, list[Line]] = defaultdict(list)
    ended: set[tuple[str, int, int]] = set()
    for line in _results(lines):
        if (line.key, line.row, line.step) not in ended:
            by_key[line.key].append(line)
            ended.add((line.key, line.row, line.step))
    open_ones: set[tuple[str, int, int]] = set()
    for row, step, name, withdrawn in _announcements(sent):
        if withdrawn:
            open_ones.discard((name, row, step))
        elif (name, row, step) not in ended:
            open_ones.add((name, row, step))
    in_doubt = Counter(name for name, _, _ in open_ones)
    kept = {name for row, step, name in _formers(before) if (name, row, step) not in ended}
    for item in job():
        name = key(item)
        place = past.number(item.row, item.step)
        if found := by_key.get(name):
            line = found.pop(0)
            past.note(place, line)
        elif in_doubt[name] > 0:
            in_doubt[name] -= 1
            past.announced(place)
        if name in kept:
            past.keeps(place)
    past.strangers = sum(map(len, by_key.values()))
    past.renumbered = True
    past.measure(lines, sent, before)
    return past


def again(past: Past, steps: int) -> Past | None:
    """The start of a run of what failed, is unknown, or was skipped for that; None if there is nothing.

    What is unknown counts as in flight, so that it is settled and not simply sent again.
    """
    wanted = bytes(_wanted(code) for code in range(256))
    chosen = bytes(past.codes.translate(wanted))
    if not any(chosen):
        return None
    fresh = Past(len(past.codes), steps)
    fresh.first = past
    fresh.choose(chosen)
    return fresh


def _wanted(code: int) -> int:
    if code == NUMBER[Status.UNKNOWN]:
        return IN_DOUBT
    return int(code in (NUMBER[Status.FAILED], NUMBER[Status.SKIPPED]))
