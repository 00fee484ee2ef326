"""Joins loader, schedule and journal in one task group: a run from its first byte to its last.

Floor 4: knows nothing of the terminal; whoever starts it is told what goes on through a Watch.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio

from bulkexo import __version__
from bulkexo.clocks import Clocks
from bulkexo.interrupts import interrupts
from bulkexo.job import Checked, Job
from bulkexo.journal import Past, Results, RunFolder
from bulkexo.journal.lines import timestamp
from bulkexo.memory import Memory
from bulkexo.model import BulkexoError, Item, Outcome, Status, StoppedError, UsageError
from bulkexo.net.session import Session
from bulkexo.net.tokens import Keeper, Source
from bulkexo.options import Options
from bulkexo.pace import Backoff, Pacer
from bulkexo.schedule import OnUnknown, Rules, Scheduler, Settings, Tally
from bulkexo.schedule.binding import Binding
from bulkexo.wire import Service
from bulkexo.wire.message import app_anchor, user_anchor
from bulkexo.wire.token import bearer

CLOCKS_EVERY = 5.0
WINDOW = 1000
"""Items read ahead at the least, so that those of one mailbox, which go one by one, leave others to send."""


class Watch(Protocol):
    """Whoever shows a person how the run goes."""

    async def follow(self, tally: Tally, total: int) -> None:
        """Show the run until cancelled."""

    def stopping(self, batches: int, drain: float) -> None:
        """The run was asked to stop; `batches` are in flight and may end within `drain` seconds."""

    def note(self, text: str) -> None:
        """Something that a person should know, and that does not stop the run."""

    async def decide(self, item: Item, reason: str) -> bool:
        """Ask a person whether an item of unknown fate is sent again; False where nobody can be asked."""


@dataclass(slots=True)
class Report:
    """How a run ended. state: complete or stopped. reason: why it stopped, "" if it did not.
    total: items of the run, whoever ran them. started, ended: seconds since the epoch, of this process.
    before: items that had ended before. unwritten: outcomes that the disk did not take."""

    folder: RunFolder
    total: int
    started: float
    before: int = 0
    ended: float = 0.0
    state: str = "running"
    reason: str = ""
    exit_code: int = 0
    unwritten: int = 0
    tally: Tally = field(default_factory=Tally)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.ended - self.started)


@dataclass(frozen=True, slots=True)
class Task:
    """What a run is to do. checked: of the job, which has been read once. settings: the options as run.json
    keeps them. past: what earlier processes have done, of a run that is gone on with (`resumed`) or of
    items chosen from another. first: run.json as it was, of a run that is gone on with."""

    job: Job
    checked: Checked
    options: Options
    folder: RunFolder
    settings: Mapping[str, Any]
    past: Past | None = None
    resumed: bool = False
    first: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Items of the run."""
        chosen = self.past.chosen if self.past else None
        return self.checked.items if chosen is None else len(chosen) - chosen.count(0)

    def items(self) -> Iterator[Item]:
        """Those that are still to be run."""
        past = self.past
        if past is None:
            return self.job.items()
        return (item for item in self.job.items() if not past.ended(item))


class Run:
    """One run against one tenant. source: of its tokens. sync: see Results."""

    def __init__(self, task: Task, source: Source, watch: Watch, *, sync: bool = True) -> None:
        self._task = task
        self._source = source
        self._watch = watch
        self._sync = sync
        self._connection_id = str(task.first.get("connection_id") or uuid.uuid4())
        self._scheduler: Scheduler | None = None
        self._scope = anyio.CancelScope()
        self._results: Results | None = None
        self._binding = Binding()
        self._memory = Memory("")
        self.report = Report(task.folder, task.total, time.time())
        if task.past is not None:
            self.report.tally.by_status.update(task.past.counts)
            self.report.before = self.report.tally.done

    async def execute(self) -> Report:
        """Run the job to its end. Raises UsageError or SignInError before anything is sent; from then on
        every way of ending is in the report."""
        folder, task = self.report.folder, self._task
        keeper = Keeper(self._source, time.monotonic)
        service: Service | None = None
        try:
            self._write_first()  # before the other files: see RunFolder.require_no_run
            async with self._open() as results:
                self._results = results
                if self.report.before == self.report.total:
                    self.report.state = "complete"  # only its end was missing
                    self._conclude(results)
                    return self.report
                session = self._session()
                service = self._service(await keeper.current())
                with interrupts(self._interrupt):
                    await self._run(service, session, keeper, results)
                    self._conclude(results)
        finally:
            if service is None and not task.resumed:  # nothing was sent: leave nothing behind
                folder.discard()
        return self.report

    def _open(self) -> Results:
        task = self._task
        return Results(
            task.folder,
            columns=task.job.columns,
            secret_columns=task.job.secret_columns,
            on_failure=self._stop,
            wall=time.time,
            past=task.past if task.resumed else None,
            sync=self._sync,
        )

    def _service(self, token: str) -> Service:
        """The tenant as the token names it: its GUID serves better than its domain (protocol.md)."""
        who, options = bearer(token), self._task.options
        tenant = who.tenant or options.tenant
        if not tenant:
            raise UsageError("The token does not say which tenant it is for: give --tenant.")
        anchor = user_anchor(who.upn) if who.upn else app_anchor(tenant)
        if not options.sandbox:  # the next one is another tenant under the same name
            self._memory = Memory(f"{options.endpoint} {tenant} {who.app or who.upn}")
        return Service(options.endpoint, tenant, anchor, self._connection_id, options.timeout)

    def _session(self) -> Session:
        options = self._task.options
        return Session(options.endpoint, connections=options.concurrency + 1, ca_file=options.ca_file)

    async def _run(self, service: Service, session: Session, keeper: Keeper, results: Results) -> None:
        options = self._task.options
        backoff = Backoff(random.random)
        pacer = Pacer(
            rate=options.rate,
            concurrency=options.concurrency,
            backoff=backoff,
            learned=self._memory.recall(),
            give_up_after=options.give_up_after,
        )
        async with session:
            scheduler = self._scheduler = Scheduler(
                service=service,
                transport=session,
                tokens=keeper,
                pacer=pacer,
                backoff=backoff,
                wall=time.time,
                sink=self._take,
                announce=results.announce,
                decide=self._watch.decide if options.on_unknown is OnUnknown.ASK else None,
                past=self._task.past,
                tally=self.report.tally,
                settings=Settings(
                    batch_size=options.batch_size,
                    order=options.order,
                    rules=Rules(
                        retries=options.retries, strict=options.strict, on_unknown=options.on_unknown
                    ),
                    offline=options.offline,
                    window=max(WINDOW, 2 * options.concurrency * options.batch_size),
                    run_id=self._connection_id[:24],
                ),
            )
            async with anyio.create_task_group() as group:
                group.start_soon(results.write_all)
                async with anyio.create_task_group() as watching:
                    watching.start_soon(self._watch.follow, scheduler.tally, self.report.total)
                    watching.start_soon(self._look_at_clocks)
                    await self._drive(scheduler)
                    watching.cancel_scope.cancel()
                results.end()
        if self.report.tally.done > self.report.before:
            self._memory.remember(pacer.learned)

    async def _look_at_clocks(self) -> None:
        clocks = Clocks(time.time(), time.monotonic(), CLOCKS_EVERY)
        while True:
            await anyio.sleep(CLOCKS_EVERY)
            if happened := clocks.look(time.time(), time.monotonic()):
                self._watch.note(happened)

    async def _drive(self, scheduler: Scheduler) -> None:
        """Run the scheduler under the signals: the first lets it drain, the second cuts it off."""
        with self._scope:
            try:
                if await scheduler.run(self._task.items()):
                    self.report.state = "complete"
            except BulkexoError as error:
                self._stopped(error)
        if self.report.state == "running":
            self._stopped(StoppedError("The run was stopped."))

    def _interrupt(self) -> None:
        scheduler = self._scheduler
        if self.report.state == "complete":
            return
        if scheduler is None or self.report.reason:
            self._scope.cancel()
            return
        self._stop(StoppedError("The run was interrupted."))
        self._watch.stopping(scheduler.tally.batches, self._task.options.drain)

    def _stop(self, error: BulkexoError) -> None:
        self._stopped(error)
        if self._scheduler is not None:
            self._scheduler.stop(error)

    def _stopped(self, error: BulkexoError) -> None:
        report = self.report
        report.state = "stopped"
        if not report.reason:
            report.reason = str(error)
            report.exit_code = error.exit_code if error.exit_code in (3, 4) else 3
            self._scope.deadline = anyio.current_time() + self._task.options.drain

    async def _take(self, outcomes: Sequence[Outcome]) -> None:
        """Outcomes on their way to the disk; too many failures stop the run."""
        if self._results is not None:
            await self._results.put(outcomes)
        tally, limit = self.report.tally, self._task.options.max_failures
        if hopeless := self._binding.hopeless(outcomes):
            self._stop(StoppedError(hopeless))
        if limit.reached(tally.trouble, tally.done) and not self.report.reason:
            failed = f"{tally.trouble:,} of {tally.done:,} items failed, which reaches --max-failures."
            self._stop(StoppedError(failed))

    def _conclude(self, results: Results) -> None:
        """Check the sum before saying that the run is complete."""
        report = self.report
        report.ended = time.time()
        report.unwritten = results.unwritten
        if report.state == "complete" and (report.tally.done != report.total or report.unwritten):
            self._stopped(
                StoppedError(
                    f"The sum is wrong: {report.total:,} items were to be run, {report.tally.done:,} ended "
                    f"and {report.unwritten:,} of these were not written. Please report this."
                )
            )
        if report.state == "complete":
            report.exit_code = 1 if report.tally.trouble else 0
        try:
            self._write(report.state)
        except OSError as error:
            self._stopped(StoppedError(f"run.json cannot be written ({error.strerror})."))

    def _write_first(self) -> None:
        try:
            self._write("running")
        except OSError as error:
            raise UsageError(f"{self._task.folder.path} cannot be written ({error.strerror}).") from None

    def _write(self, state: str) -> None:
        report, task = self.report, self._task
        report.folder.write(
            {
                **task.first,
                "bulkexo": __version__,
                "state": state,
                "reason": report.reason,
                "started": task.first.get("started") or timestamp(report.started),
                "ended": timestamp(report.ended) if report.ended else None,
                "connection_id": self._connection_id,
                "job": task.job.describe(),
                "options": task.settings,
                "counts": counts(report),
            }
        )


def counts(report: Report) -> dict[str, int]:
    """The figures of a run, by the names that results.ndjson uses; sendings are those of this process.
    unwritten: of those that ended, without a line, since the disk did not take it."""
    tally = report.tally
    return {
        "items": report.total,
        "ended": tally.done,
        **{status.value: tally.by_status[status] for status in Status},
        "unwritten": report.unwritten,
        "sent": tally.sent,
        "throttled": tally.refused,
        "retried": tally.retried,
    }
