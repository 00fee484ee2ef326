"""Asking the tenants of a job what they hold: scheduled and paced as a run is, and by reads alone."""

from __future__ import annotations

import uuid
from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import anyio

from bulkexo.interrupts import interrupts
from bulkexo.job import Checked, Job
from bulkexo.model import BulkexoError, Item, Outcome, Page, Problem, StoppedError, UsageError
from bulkexo.net.sessions import Sessions
from bulkexo.online.questions import Question, Questions, finding
from bulkexo.run import Watch
from bulkexo.schedule import Order
from bulkexo.schedule.tally import together
from bulkexo.tenancy import Place, Surroundings, Tenancy, at_all
from bulkexo.wire.cmdlets import verb
from bulkexo.wire.doors import hosts

SHOWN = 20


@dataclass(slots=True)
class Looked:
    """What was found. asked: reads made. problems: of the first rows, 20 at most; total: of all."""

    asked: int = 0
    problems: list[Problem] = field(default_factory=list)
    total: int = 0


class Lookup:
    """One look at the tenants of a job. tell: takes every problem, in whatever order; may raise OSError.
    Memory does not grow with the job."""

    def __init__(
        self,
        job: Job,
        checked: Checked,
        places: Sequence[Place],
        watch: Watch,
        tell: Callable[[Problem], None],
    ) -> None:
        self._job = job
        self._checked = checked
        self._places = places
        self._watch = watch
        self._tell = tell
        self._open: dict[int, Question] = {}
        self._looked = Looked()
        self._first: list[tuple[int, int, Problem]] = []
        self._number = 0
        self._scope = anyio.CancelScope()
        self._error: BulkexoError | None = None

    async def execute(self) -> Looked:
        """Ask everything. Raises SignInError, UsageError or StoppedError."""
        around = Surroundings(
            run_id=str(uuid.uuid4()),
            sink=self._take,
            keep=self._keep,
            announce=self._nothing,
            withdraw=self._nothing,
            decide=None,
            past=None,
            note=self._watch.note,
            hosts=hosts(self._checked.apis),
        )
        total = sum(1 for _ in _asked(self._job.items()))
        with self._job.apart() as items_of:
            sessions = Sessions((at.identity.connection, at.options.concurrency) for at in self._places)
            tenancies = [Tenancy(_unordered(place), around) for place in self._places]
            await at_all(tenancies, lambda at: at.sign_in())
            async with sessions, anyio.create_task_group() as watching:
                await at_all(tenancies, lambda at: at.open(sessions.of(at.connection)))
                watching.start_soon(
                    self._watch.follow, lambda: together([each.tally for each in tenancies]), total
                )
                with interrupts(self._interrupt):
                    await self._drive(tenancies, items_of)
                watching.cancel_scope.cancel()
        if self._error is not None:
            raise self._error
        return self._looked

    async def _drive(self, tenancies: Sequence[Tenancy], items_of: Callable[[str], Iterable[Item]]) -> None:
        """Ask all tenants side by side; the first error ends it."""

        async def ask(tenancy: Tenancy) -> None:
            try:
                await tenancy.run(self._questions(items_of(tenancy.name)))
            except BulkexoError as error:
                self._stop(error)

        with self._scope:
            async with anyio.create_task_group() as group:
                for tenancy in tenancies:
                    group.start_soon(ask, tenancy)

    def _questions(self, items: Iterable[Item]) -> Iterator[Item]:
        """The reads, each under a number by which its answer is known."""
        for question in _asked(items):
            self._number += 1
            self._open[self._number] = question
            item = question.item(self._number)
            if verb(item.cmdlet) != "get":
                raise AssertionError(f"{item.cmdlet} is no read.")
            yield item

    async def _take(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._looked.asked += 1
            asked = self._open.pop(outcome.item.row)
            found = finding(asked, outcome, self._job.path.name)
            if found is None:
                continue
            self._looked.total += 1
            self._keep_first(asked.about.row, found)
            try:
                self._tell(found)
            except OSError as error:
                self._stop(UsageError(f"What was found cannot be written ({error.strerror})."))

    def _keep_first(self, row: int, found: Problem) -> None:
        """Answers come in any order; the problems that are shown are those of the first rows."""
        insort(self._first, (row, self._looked.total, found))
        del self._first[SHOWN:]
        self._looked.problems = [problem for _, _, problem in self._first]

    async def _keep(self, _pages: Sequence[Page]) -> None:
        """One object has no further pages worth keeping."""

    async def _nothing(self, _items: Sequence[Item]) -> None:
        """Reads are harmless: there is nothing to announce."""

    def _interrupt(self) -> None:
        self._stop(StoppedError("The check was interrupted; what it had found is not complete."))

    def _stop(self, error: BulkexoError) -> None:
        self._error = self._error or error
        self._scope.cancel()


def _unordered(place: Place) -> Place:
    return replace(place, options=replace(place.options, order=Order.NONE))


def _asked(items: Iterable[Item]) -> Iterator[Question]:
    questions = Questions()
    for item in items:
        yield from questions.of(item)
