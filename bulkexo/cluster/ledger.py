"""What a worker has of one tenant: so that no item is lost with it, and none is with two. Pure. Floor 4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeAlias

from bulkexo.cluster.messages import Given, Items, SupersededError
from bulkexo.model import BY_RULE, KEPT, Earlier, Item, Outcome, Page, trimmed
from bulkexo.model import Ended as StepEnded
from bulkexo.schedule import Past

Key: TypeAlias = tuple[int, int]
"""Row and step."""
SUPERSEDED = (
    "Another worker has this tenant now; what this one has of it is not sent and not written any more."
)


@dataclass(slots=True)
class _Paged:
    """What later steps of a row can name of what came page by page."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0


class Ledger:
    """The items of a tenant that a worker has, by generations of workers: each time that the tenant is given
    to one, a generation begins, and what an earlier one says counts no more.

    steps: items of a row. past: what earlier processes have done. generation: the present one, 0 before the
    first. host: the worker process that has begun with it, "" while none has.
    """

    def __init__(self, steps: int, past: Past | None = None) -> None:
        self.generation = 0
        self.host = ""
        self._steps = steps
        self._past = past
        self._items: Iterator[Item] = iter(())
        self._read_all = True
        self._last_row = 0
        self._again: list[Given] = []  # of earlier generations, to be given before all others; the last first
        self._given: dict[Key, Given] = {}
        self._announced: set[Key] = set()
        self._kept: set[Key] = set()
        self._rows: dict[int, dict[int, StepEnded]] = {}  # of those that have steps left, how others ended
        self._open: Counter[int] = Counter()  # steps of a row that were read and have not ended
        self._paged: dict[Key, _Paged] = {}

    def load(self, items: Iterator[Item]) -> None:
        """Further items, all of the earlier ones having ended or been left."""
        self._items, self._read_all = items, False

    @property
    def over(self) -> bool:
        """Whether all items have ended."""
        return self._read_all and not (self._given or self._again)

    @property
    def given(self) -> int:
        """How many items the worker has that have not ended."""
        return len(self._given)

    def give(self) -> int:
        """The tenant goes to a worker, or to nobody for now: what another had of it is to be given again. The
        number of the generation that begins."""
        self.generation += 1
        self.host = ""
        self._again += map(self._as_left, self._given.values())
        self._again.sort(key=_place, reverse=True)
        self._given.clear()
        self._paged.clear()
        return self.generation

    def begin(self, generation: int, host: str) -> None:
        """A worker process begins with a generation. Raises SupersededError if one has, or if it is not the
        present one."""
        if generation != self.generation or self.host:
            raise SupersededError(SUPERSEDED)
        self.host = host

    def check(self, generation: int) -> None:
        """Raise SupersededError if it is not the present generation, or none has begun with it."""
        if generation != self.generation or not self.host:
            raise SupersededError(SUPERSEDED)

    def more(self, generation: int, count: int) -> Items:
        """The next items, `count` at the most. Raises SupersededError, or what reading them raises."""
        self.check(generation)
        given: list[Given] = []
        while self._again and len(given) < count:
            left = self._again.pop()
            given.append(replace(left, before=self._before(left.item)))
        if not self._read_all and len(given) < count:
            given += map(self._new, self._next(count - len(given)))
        for each in given:
            self._given[_place(each)] = each
        return Items(given, over=self._read_all and not self._again)

    def _next(self, count: int) -> list[Item]:
        new = list(islice(self._items, count))
        self._read_all = len(new) < count
        if self._steps > 1:
            self._open.update(item.row for item in new)
            before, self._last_row = self._last_row, 0 if self._read_all else new[-1].row
            self._forget(before)
        return new

    def announce(self, generation: int, items: Sequence[Item]) -> list[Item]:
        """These are about to be sent; those of them that count. Raises SupersededError."""
        self.check(generation)
        found = [item for item in items if _key(item) in self._given]
        self._announced.update(map(_key, found))
        return found

    def withdraw(self, generation: int, items: Sequence[Item]) -> list[Item]:
        """These were not sent after all; those of them that count. Raises SupersededError."""
        self.check(generation)
        found = [item for item in items if _key(item) in self._given]
        self._announced.difference_update(map(_key, found))
        return found

    def first_kept(self, generation: int, item: Item) -> bool:
        """Whether what there was before an item is seen for the first time: what is seen later can be the
        item's own effect. Raises SupersededError."""
        self.check(generation)
        key = _key(item)
        if key in self._kept or key not in self._given:
            return False
        self._kept.add(key)
        return True

    def pages(self, generation: int, pages: Sequence[Page]) -> list[Page]:
        """Those that count, of items that have not ended. Raises SupersededError."""
        self.check(generation)
        found = [page for page in pages if _key(page.item) in self._given]
        for page in found if self._steps > 1 else ():
            key, rule = _key(page.item), page.item.rule
            if page.first or key not in self._paged:
                self._paged[key] = _Paged()
            paged = self._paged[key]
            paged.count += len(page.value)
            if rule is not None:
                paged.objects += trimmed(page.value, rule.keeps, KEPT - len(paged.objects))
        return found

    def end(self, generation: int, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Those that count, of items that have not ended before. Raises SupersededError."""
        self.check(generation)
        found: list[Outcome] = []
        for outcome in outcomes:
            key = _key(outcome.item)
            if self._given.pop(key, None) is None:
                continue
            found.append(outcome)
            self._announced.discard(key)
            self._kept.discard(key)
            if self._steps > 1:
                self._rows.setdefault(key[0], {})[key[1]] = self._how(outcome, self._paged.pop(key, None))
                self._open[key[0]] -= 1
                self._forget(key[0])
        return found

    def _new(self, item: Item) -> Given:
        past = self._past
        recovered = past.unsettled(item) if past is not None else False
        return Given(item, recovered, self._before(item))

    def _as_left(self, given: Given) -> Given:
        """An item as a worker that was lost has left it."""
        recovered = given.recovered or _place(given) in self._announced
        return Given(given.item, recovered)

    def _before(self, item: Item) -> Earlier | None:
        if item.step == 1:
            return None
        past = self._past.earlier(item) if self._past is not None else {}
        here = {step: how for step, how in self._rows.get(item.row, {}).items() if step < item.step}
        return {**past, **here} or None

    def _how(self, outcome: Outcome, paged: _Paged | None) -> StepEnded:
        """How a step has ended, as later ones of its row see it."""
        rule, error = outcome.item.rule, outcome.error
        by_rule = error is not None and error.code == BY_RULE
        if outcome.paged and paged is not None:
            return StepEnded(outcome.status, paged.objects, paged.count, by_rule)
        objects = trimmed(outcome.value, rule.keeps) if rule is not None else []
        return StepEnded(outcome.status, objects, len(outcome.value), by_rule)

    def _forget(self, row: int) -> None:
        """Of a row that has no step left, nothing is needed any more."""
        if row != self._last_row and not self._open[row]:
            del self._open[row]
            self._rows.pop(row, None)


def _key(item: Item) -> Key:
    return item.row, item.step


def _place(given: Given) -> Key:
    return given.item.row, given.item.step
