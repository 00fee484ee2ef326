"""The rows that a job asks its tenants for: read page by page into the run's folder, before the run itself.

Floor 4, beside run.py. Nothing but what reads is sent here, so that whatever ends it, it can begin anew.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace

import anyio

from bulkexo.described import describe
from bulkexo.interrupts import interrupts
from bulkexo.journal.pages import ObjectFile
from bulkexo.model import BulkexoError, Item, Outcome, Page, StoppedError, UsageError
from bulkexo.net.sessions import Sessions
from bulkexo.run import Report, Task, Watch
from bulkexo.tenancy import Place, Surroundings, Tenancy, at_all
from bulkexo.wire.doors import hosts

AT_ONCE = 8
"""Tenants that are asked at once: a page of each is in memory."""
TOLD_EVERY = 10.0
"""Seconds between words on how many rows there are by now."""


class Asking:
    """Asks the questions of a job. task: of the run that they begin. places: its tenants."""

    def __init__(self, task: Task, places: Sequence[Place], watch: Watch) -> None:
        self._task = task
        self._watch = watch
        self._questions = task.job.questions
        asked = {each.item.tenant for each in self._questions}
        self._places = [
            replace(place, options=replace(place.options, raw=False))
            for place in places
            if place.name in asked
        ]
        self._files = {each.item.row: ObjectFile(task.folder.path / each.name) for each in self._questions}
        self._connection_id = str(task.first.get("connection_id") or uuid.uuid4())
        self._report = Report(task.folder, 0, time.time())
        self._tenancies: list[Tenancy] = []
        self._error: BulkexoError | None = None
        self._scope = anyio.CancelScope()

    async def execute(self) -> int:
        """The number of rows, once all are on disk. Raises UsageError if a question is refused, SignInError,
        or StoppedError, and then `resume` asks anew."""
        self._note("running")
        try:
            await self._ask()
        except BulkexoError as error:
            self._report.reason = str(error)
            self._note("stopped")
            raise
        return sum(file.objects for file in self._files.values())

    def done(self, task: Task) -> None:
        """Note that the rows are there. task: the same, with them. Raises UsageError."""
        self._task = task
        self._note("running")

    async def _ask(self) -> None:
        around = Surroundings(
            run_id=str(uuid.uuid4()),  # another than the run's own, whose rows have the same numbers
            sink=self._take,
            keep=self._keep,
            announce=_nothing_unsafe,
            withdraw=_nothing_unsafe,
            decide=None,
            past=None,
            note=self._watch.note,
            hosts=hosts(frozenset(each.item.api for each in self._questions)),
        )
        self._tenancies = [Tenancy(place, around) for place in self._places]
        async with Sessions((place.identity.connection, 1) for place in self._places) as sessions:
            await at_all(self._tenancies, lambda at: at.sign_in())
            await at_all(self._tenancies, lambda at: at.open(sessions.of(at.connection)))
            with interrupts(self._interrupt):
                await self._drive()
        if self._error is not None:
            raise self._error

    async def _drive(self) -> None:
        ended: list[Tenancy] = []
        some = anyio.CapacityLimiter(AT_ONCE)

        async def drive(tenancy: Tenancy) -> None:
            try:
                items = [each.item for each in self._questions if each.item.tenant == tenancy.name]
                async with some:
                    if self._error is None and await tenancy.run(iter(items)):
                        ended.append(tenancy)
            except BulkexoError as error:
                self._fail(error)

        with self._scope:
            async with anyio.create_task_group() as telling:
                telling.start_soon(self._tell)
                async with anyio.create_task_group() as group:
                    for tenancy in self._tenancies:
                        group.start_soon(drive, tenancy)
                telling.cancel_scope.cancel()
        if len(ended) < len(self._tenancies):
            self._fail(StoppedError("The reading of the rows was stopped; bulkexo resume starts it anew."))

    async def _tell(self) -> None:
        while True:
            await anyio.sleep(TOLD_EVERY)
            self._watch.note(f"{sum(file.objects for file in self._files.values()):,} rows by now.")

    async def _keep(self, pages: Sequence[Page]) -> None:
        try:
            for page in pages:
                await anyio.to_thread.run_sync(self._files[page.item.row].append, page)
        except OSError as error:
            raise _unwritten(error) from None

    async def _take(self, outcomes: Sequence[Outcome]) -> None:
        for each in outcomes:
            file = self._files[each.item.row]
            for warning in each.warnings:
                self._watch.note(f"{each.item.cmdlet}: {warning}")
            if not each.status.good:
                self._fail(_refused(each))
                continue
            try:
                if not each.paged:
                    await anyio.to_thread.run_sync(file.append, Page(each.item, each.value, first=True))
                await anyio.to_thread.run_sync(file.sync)
            except OSError as error:
                self._fail(_unwritten(error))

    def _fail(self, error: BulkexoError) -> None:
        """The first error is what is raised; the questions to other tenants end with it."""
        self._error = self._error or error
        for tenancy in self._tenancies:
            tenancy.stop()

    def _interrupt(self) -> None:
        if self._error is not None:
            self._scope.cancel()
            return
        self._fail(StoppedError("The run was interrupted while its rows were read."))
        self._scope.deadline = anyio.current_time() + self._task.options.drain

    def _note(self, state: str) -> None:
        try:
            self._task.folder.write(describe(self._task, self._report, self._connection_id, state))
        except OSError as error:
            raise UsageError(
                f"{self._task.folder.path} cannot be written ({error.strerror}). Make room, or name "
                "another folder by "
                "--out."
            ) from None


async def _nothing_unsafe(items: Sequence[Item]) -> None:
    """What only reads needs no announcement."""


def _refused(outcome: Outcome) -> BulkexoError:
    """A question without an answer, as an error: it may have one later, or not."""
    error = outcome.error
    said = error.message if error else ""
    reason = (
        f"The rows could not be read: {outcome.item.cmdlet} failed. {said} Put right what is wrong, "
        "and start "
        "again."
    )
    if error is not None and error.code == "bulkexo:no-answer":
        return StoppedError(reason)
    return UsageError(reason)


def _unwritten(error: OSError) -> StoppedError:
    return StoppedError(f"The rows cannot be written ({error.strerror or error}). Make room, then go on.")
