"""Making a plan: the tenants of a job are asked, and what they say is written down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import anyio

from bulkexo.job import Checked, Job
from bulkexo.model import Item, Outcome, Page
from bulkexo.online.reader import Reader
from bulkexo.plan.book import OPEN, Book
from bulkexo.plan.groups import Answer, Group, Groups, Key
from bulkexo.run import Watch
from bulkexo.tenancy import Place

WAITS = (2.0, 5.0, 10.0, 20.0, 40.0)
"""Seconds before those that still differ are asked again, the last one from then on."""

ENOUGH = 200
"""Reads from which on their own pace counts: what the allowance grants, latency can withhold."""


class Planner:
    """Asks about every item of a job, one read for each object of a row. Memory grows with the job by the
    Book's nine bytes an item alone.

    settle: seconds for which items that differ are asked again, since reads lag writes (protocol.md, Errors).
    """

    def __init__(
        self,
        job: Job,
        checked: Checked,
        places: Sequence[Place],
        watch: Watch,
        book: Book,
        settle: float = 0.0,
    ) -> None:
        self._job = job
        self._items = checked.items
        self._watch = watch
        self._book = book
        self._settle = settle
        self._groups = Groups()
        self._open: dict[int, Key] = {}
        self._pages: defaultdict[int, list[Any]] = defaultdict(list)
        self._number = 0
        self._pace = 0.0
        self.asked = 0
        interrupted = "The plan was interrupted; nothing of it is kept, and nothing was changed."
        self._reader = Reader(
            job, checked, places, watch, take=self._take, keep=self._keep, interrupted=interrupted
        )

    async def execute(self) -> None:
        """Ask everything. Raises SignInError, UsageError or StoppedError."""
        async with self._reader.reached() as ask:
            began = anyio.current_time()
            await ask(self._reads, self._items)
            self._pace = self.asked / max(anyio.current_time() - began, 0.001)
            until = anyio.current_time() + self._settle
            wait = 0
            while (left := until - anyio.current_time()) > 0 and (open_ones := self._differing()):
                seconds = min(left, WAITS[min(wait, len(WAITS) - 1)])
                self._watch.note(f"{open_ones:,} items differ; they are asked again in {seconds:.0f} s.")
                await self._reader.pause(seconds)
                self._groups = Groups()  # what was true then is not to be believed now
                await ask(self._reads_again, 0)
                wait += 1
        for tenancy in self._reader.tenancies:
            tenancy.remember()

    def seconds(self, items: dict[str, int]) -> float | None:
        """How long it takes to send so many items, by tenant, at the pace that was learned, and not faster
        than the reads went where there were enough of them to tell; None if no pace is known."""
        found = [sum(items.values()) / self._pace if self.asked >= ENOUGH else 0.0]
        for tenancy in self._reader.tenancies:
            rate = tenancy.rate
            if items.get(tenancy.name) and rate is None:
                return None
            found.append(items.get(tenancy.name, 0) / rate if rate else 0.0)
        return max(found, default=0.0)

    def _differing(self) -> int:
        return sum(map(self._book.codes.count, OPEN))

    def _reads(self, items: Iterable[Item]) -> Iterator[Item]:
        """The reads, each under a number by which its answer is known."""
        for read, key, group in self._groups.of(items):
            if group is not None:
                self._write(group)
            elif read is not None:
                self._number += 1
                self._open[self._number] = key
                yield replace(read, row=self._number, step=1)

    def _reads_again(self, items: Iterable[Item]) -> Iterator[Item]:
        """Those of rows with an item that differed."""
        for _, row in groupby(items, lambda item: item.row):
            of_row = list(row)
            if any(map(self._book.differs, of_row)):
                yield from self._reads(of_row)

    def _keep(self, page: Page) -> None:
        if page.first:
            self._pages[page.item.row].clear()
        self._pages[page.item.row] += page.value

    def _take(self, outcome: Outcome) -> None:
        self.asked += 1
        number = outcome.item.row
        answer = Answer.of(outcome, self._pages.pop(number, ()) if outcome.paged else ())
        self._pages.pop(number, None)
        for group in self._groups.answer(self._open.pop(number), answer):
            self._write(group)

    def _write(self, group: Group) -> None:
        for item, assessed in group.assessed():
            self._book.add(item, assessed)
