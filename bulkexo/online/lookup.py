"""A job set against what its tenants hold: the questions of `questions`, and what the answers show."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bulkexo.job import Checked, Job
from bulkexo.model import Item, Outcome, Problem, UsageError
from bulkexo.online.questions import Question, Questions, finding
from bulkexo.online.reader import Reader
from bulkexo.run import Watch
from bulkexo.tenancy import Place

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
        self._tell = tell
        self._open: dict[int, Question] = {}
        self._looked = Looked()
        self._first: list[tuple[int, int, Problem]] = []
        self._number = 0
        interrupted = "The check was interrupted; what it had found is not complete."
        self._reader = Reader(job, checked, places, watch, take=self._take, interrupted=interrupted)

    async def execute(self) -> Looked:
        """Ask everything. Raises SignInError, UsageError or StoppedError."""
        total = sum(1 for _ in _asked(self._job.items()))
        async with self._reader.reached() as ask:
            await ask(self._questions, total)
        return self._looked

    def _questions(self, items: Iterable[Item]) -> Iterator[Item]:
        """The reads, each under a number by which its answer is known."""
        for question in _asked(items):
            self._number += 1
            self._open[self._number] = question
            yield question.item(self._number)

    def _take(self, outcome: Outcome) -> None:
        self._looked.asked += 1
        asked = self._open.pop(outcome.item.row)
        found = finding(asked, outcome, self._job.path.name)
        if found is None:
            return
        self._looked.total += 1
        self._keep_first(asked.about.row, found)
        try:
            self._tell(found)
        except OSError as error:
            raise UsageError(
                f"What was found cannot be written ({error.strerror}). Make room, or give another --out."
            ) from None

    def _keep_first(self, row: int, found: Problem) -> None:
        """Answers come in any order; the problems that are shown are those of the first rows."""
        insort(self._first, (row, self._looked.total, found))
        del self._first[SHOWN:]
        self._looked.problems = [problem for _, _, problem in self._first]


def _asked(items: Iterable[Item]) -> Iterator[Question]:
    questions = Questions()
    for item in items:
        yield from questions.of(item)
