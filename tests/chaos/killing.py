"""A run that is killed at random moments and gone on with, again and again, until it is done."""

from __future__ import annotations

import random
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .compare import Figures, Ledger, compare, late, read
from .processes import Ended, Tenant, count, run, size
from .rows import Row

OPTIONS = ("--yes", "--no-progress", "--concurrency", "4", "--retries", "20")
COMPLETE = (0, 1)


@dataclass(slots=True)
class Story:
    """What was done to a run. deaths: arrivals at the sandbox up to each kill. ended: item (see item_of) →
    arrivals up to the kill at which its line was whole on disk. torn: half lines left behind; own_torn: ours.
    said: what the processes said that ended by themselves."""

    kills: int = 0
    torn: int = 0
    own_torn: int = 0
    seconds: float = 0.0
    deaths: list[int] = field(default_factory=list)
    ended: dict[int, int] = field(default_factory=dict)
    moments: Counter[str] = field(default_factory=Counter)
    said: list[Ended] = field(default_factory=list)


class Chaos:
    """One job under kills. dice: chooses each moment, so that a seed tells the whole plan. step: rows that
    may pass between two kills, about. endpoint: another way to the tenant."""

    def __init__(
        self,
        rows: Sequence[Row],
        job: Path,
        folder: Path,
        tenant: Tenant,
        dice: random.Random,
        *,
        step: int,
        endpoint: str | None = None,
    ) -> None:
        self._rows = rows
        self._job = job
        self._folder = folder
        self._tenant = tenant
        self._dice = dice
        self._step = step
        self._environment = tenant.environment(endpoint)
        self._read = 0
        self.story = Story()

    def go(self, kills: int) -> Figures:
        """Kill the run so many times, or until it is complete; let it end; compare."""
        self.play(kills)
        return self.figures()

    def play(self, kills: int) -> None:
        """Kill the run so many times, or until it is complete; let it end."""
        begun = time.monotonic()
        while True:
            until = self._moment() if self.story.kills < kills else None
            ended = run(self._arguments(), self._environment, until)
            self._note(ended)
            if ended.code in COMPLETE:
                break
        self.story.seconds = time.monotonic() - begun

    def figures(self) -> Figures:
        """The comparison, with what only the story tells."""
        ledger = read(self._rows, self._folder, self._tenant)
        found = compare(ledger)
        for ended in self.story.said:
            if ended.code not in COMPLETE or "mistake of its own" in ended.words:
                found.wrong.append(f"a process ended with {ended.code}: {ended.words}")
        again = late(ledger.arrivals, self.story.ended)
        found.late = len(again)
        if again:
            rows = sorted({item >> 8 for item in again})
            found.wrong.append(f"rows sent again though their lines were whole: {rows[:10]}")
        return found

    def resent(self, *, safe: bool) -> int:
        """Rows (safe ones, or the others) that a later process had to send again."""
        return resent(read(self._rows, self._folder, self._tenant), self.story, safe=safe)

    def _arguments(self) -> list[str]:
        if (self._folder / "run.json").exists():
            return ["resume", str(self._folder), *OPTIONS]
        return ["run", str(self._job), "--out", str(self._folder), *OPTIONS]

    def _moment(self) -> Callable[[], bool]:
        """When the next process is killed: as some file has grown by so much, or after so long."""
        kind = self._dice.choice(("results", "announced", "effects", "delay"))
        self.story.moments[kind] += 1
        if kind == "delay":
            end = time.monotonic() + self._dice.uniform(0.0, 1.0)
            return lambda: time.monotonic() >= end
        path, each = {
            "results": (self._folder / "results.ndjson", 400),
            "announced": (self._folder / "announced.ndjson", 30),
            "effects": (self._tenant.journal, 250),
        }[kind]
        goal = size(path) + self._dice.randint(1, self._step * each)
        return lambda: size(path) >= goal

    def _note(self, ended: Ended) -> None:
        story = self.story
        if not ended.killed:
            story.said.append(ended)
            if ended.code not in COMPLETE:
                raise AssertionError(f"a process ended with {ended.code}: {ended.words}")
            return
        story.kills += 1
        arrived = count(self._tenant.arrivals)
        story.deaths.append(arrived)
        for path in (self._folder / "results.ndjson", self._folder / "announced.ndjson"):
            self._note_file(path, arrived)

    def _note_file(self, path: Path, arrived: int) -> None:
        """What a death left of a file; now and then half a line more, as a death within a write would."""
        if not path.exists():
            return
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if path.name == "results.ndjson":
            for line in data[self._read : whole].splitlines():
                self.story.ended.setdefault(_number(line, b"row") << 8 | _number(line, b"step"), arrived)
            self._read = whole
        if len(data) > whole:
            self.story.torn += 1
        elif whole and self._dice.random() < 0.25:
            first = data[: data.index(b"\n")]
            with path.open("ab") as file:
                file.write(first[: self._dice.randint(1, len(first))])
            self.story.torn += 1
            self.story.own_torn += 1


def _number(line: bytes, name: bytes) -> int:
    return int(line.partition(b'"%s":' % name)[2].partition(b",")[0])


def resent(ledger: Ledger, story: Story, *, safe: bool) -> int:
    """How often a row (a safe one, or another) was sent by one more process than the first."""
    wanted = {row.number for row in ledger.rows if row.safe == safe}
    seen = {
        (item, bisect_right(story.deaths, place))
        for place, item in enumerate(ledger.arrivals)
        if item >> 8 in wanted
    }
    return len(seen) - len({item for item, _ in seen})
