"""Joins loader, schedule and journal in one task group: a run from its first byte to its last.

Floor 4: knows nothing of the terminal; whoever starts it is told what goes on through a Watch.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio

from bulkexo import __version__
from bulkexo.interrupts import interrupts
from bulkexo.job import Checked, Job
from bulkexo.journal import Results, RunFolder
from bulkexo.journal.lines import timestamp
from bulkexo.model import BulkexoError, Outcome, Status, StoppedError, UsageError
from bulkexo.net.session import Session
from bulkexo.net.tokens import Keeper, Source
from bulkexo.options import Options
from bulkexo.pace import Backoff, Pacer
from bulkexo.schedule import Scheduler, Settings, Tally
from bulkexo.wire import Service
from bulkexo.wire.message import app_anchor, user_anchor
from bulkexo.wire.token import bearer


class Watch(Protocol):
    """Whoever shows a person how the run goes."""

    async def follow(self, tally: Tally, total: int) -> None:
        """Show the run until cancelled."""

    def stopping(self, batches: int) -> None:
        """The run was asked to stop; `batches` are in flight and may end."""


@dataclass(slots=True)
class Report:
    """How a run ended. state: complete or stopped. reason: why it stopped, "" if it did not.
    started, ended: seconds since the epoch. unwritten: outcomes that the disk did not take."""

    folder: RunFolder
    total: int
    started: float
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


class Run:
    """One run of a checked job against one tenant.

    folder: made for it, with nothing in it. source: of the tokens. options: resolved, written to run.json
    as `settings` gives them.
    """

    def __init__(
        self,
        job: Job,
        checked: Checked,
        options: Options,
        folder: RunFolder,
        source: Source,
        settings: Mapping[str, Any],
        watch: Watch,
    ) -> None:
        self._job = job
        self._options = options
        self._source = source
        self._settings = settings
        self._watch = watch
        self._connection_id = str(uuid.uuid4())
        self._scheduler: Scheduler | None = None
        self._scope = anyio.CancelScope()
        self._results: Results | None = None
        self._checked = checked
        self.report = Report(folder, checked.items, time.time())

    async def execute(self) -> Report:
        """Run the job to its end. Raises UsageError or SignInError before anything is sent; from then on
        every way of ending is in the report."""
        folder = self.report.folder
        try:
            self._write("running")
            results = Results(
                folder,
                columns=self._job.columns,
                secret_columns=self._job.secret_columns,
                on_failure=self._stop,
            )
        except (OSError, UsageError) as error:
            folder.discard()
            if isinstance(error, UsageError):
                raise
            raise UsageError(f"{folder.path} cannot be written ({error.strerror}).") from None
        keeper = Keeper(self._source, time.monotonic)
        service: Service | None = None
        try:
            async with results:
                self._results = results
                session = self._session()
                service = self._service(await keeper.current())
                with interrupts(self._interrupt):
                    await self._run(service, session, keeper, results)
                    self._conclude(results)
        finally:
            if service is None:  # nothing was sent: leave nothing behind
                folder.discard()
        return self.report

    def _service(self, token: str) -> Service:
        """The tenant as the token names it: its GUID serves better than its domain (protocol.md)."""
        who = bearer(token)
        tenant = who.tenant or self._options.tenant
        if not tenant:
            raise UsageError("The token does not say which tenant it is for: give --tenant.")
        anchor = user_anchor(who.upn) if who.upn else app_anchor(tenant)
        return Service(self._options.endpoint, tenant, anchor, self._connection_id, self._options.timeout)

    def _session(self) -> Session:
        options = self._options
        return Session(options.endpoint, connections=options.concurrency + 1, ca_file=options.ca_file)

    async def _run(self, service: Service, session: Session, keeper: Keeper, results: Results) -> None:
        options = self._options
        backoff = Backoff(random.random)
        async with session:
            scheduler = self._scheduler = Scheduler(
                service=service,
                transport=session,
                tokens=keeper,
                pacer=Pacer(rate=options.rate, concurrency=options.concurrency, backoff=backoff),
                backoff=backoff,
                wall=time.time,
                sink=self._take,
                settings=Settings(
                    batch_size=options.batch_size,
                    retries=options.retries,
                    order=options.order,
                    strict=options.strict,
                    run_id=self._connection_id[:24],
                ),
            )
            self.report.tally = scheduler.tally
            async with anyio.create_task_group() as group:
                group.start_soon(results.write_all)
                async with anyio.create_task_group() as watching:
                    watching.start_soon(self._watch.follow, scheduler.tally, self.report.total)
                    await self._drive(scheduler)
                    watching.cancel_scope.cancel()
                results.end()

    async def _drive(self, scheduler: Scheduler) -> None:
        """Run the scheduler under the signals: the first stops it, the second cuts it off."""
        with self._scope as scope:
            try:
                if await scheduler.run(self._job.items()):
                    self.report.state = "complete"
            except BulkexoError as error:
                self._stopped(error)
        if scope.cancelled_caught:
            cut_off = scheduler.abandoned()
            scheduler.tally.count(cut_off)
            await self._take(cut_off)
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
        self._watch.stopping(scheduler.tally.batches)

    def _stop(self, error: BulkexoError) -> None:
        self._stopped(error)
        if self._scheduler is not None:
            self._scheduler.stop(error)

    def _stopped(self, error: BulkexoError) -> None:
        self.report.state = "stopped"
        self.report.reason = self.report.reason or str(error)
        code = error.exit_code if error.exit_code in (3, 4) else 3
        self.report.exit_code = self.report.exit_code or code

    async def _take(self, outcomes: Sequence[Outcome]) -> None:
        """Outcomes on their way to the disk; too many failures stop the run."""
        if self._results is not None:
            await self._results.put(outcomes)
        tally, limit = self.report.tally, self._options.max_failures
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

    def _write(self, state: str) -> None:
        report = self.report
        report.folder.write(
            {
                "bulkexo": __version__,
                "state": state,
                "reason": report.reason,
                "started": timestamp(report.started),
                "ended": timestamp(report.ended) if report.ended else None,
                "connection_id": self._connection_id,
                "job": self._job.describe(),
                "options": self._settings,
                "counts": counts(report),
            }
        )


def counts(report: Report) -> dict[str, int]:
    """The figures of a run, by the names that results.ndjson uses. unwritten: of those that ended, without a
    line, since the disk did not take it."""
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
