"""Joins loader, schedule and journal in one task group: a run from its first byte to its last.

Floor 4: knows nothing of the terminal; whoever starts it is told what goes on through a Watch.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeAlias

import anyio

from bulkexo.clocks import Clocks
from bulkexo.confidant import Confidant
from bulkexo.described import describe
from bulkexo.interrupts import interrupts
from bulkexo.job import Checked, Job
from bulkexo.journal import Past, Results, RunFolder
from bulkexo.model import BulkexoError, Item, Outcome, Status, StoppedError, UsageError
from bulkexo.namesakes import require_apart
from bulkexo.net.sessions import Sessions
from bulkexo.options import Options
from bulkexo.passage import Passage
from bulkexo.pulse import Pulse
from bulkexo.reading import formers
from bulkexo.redact import forms_of
from bulkexo.schedule import Observer, OnUnknown, Sink, Tally
from bulkexo.schedule.binding import Binding
from bulkexo.schedule.desk import in_turn
from bulkexo.schedule.tally import together
from bulkexo.signers import signed_in
from bulkexo.spread import EarlierWorkers, Here, Spread
from bulkexo.tenancy import AHEAD, Executor, Place, Surroundings, at_all, shared
from bulkexo.waves import Ahead, Waves
from bulkexo.wire.doors import hosts

CLOCKS_EVERY = 5.0
ItemsOf: TypeAlias = Callable[[str], Iterator[Item]]
"""The items of a tenant, by its name."""


class Watch(Protocol):
    """Whoever shows a person how the run goes."""

    async def follow(self, read: Callable[[], Tally], total: int) -> None:
        """Show the run until cancelled; `read` gives how it stands."""

    def stopping(self, batches: int, drain: float) -> None:
        """The run was asked to stop; `batches` are in flight and may end within `drain` seconds."""

    def note(self, text: str) -> None:
        """Something that a person should know, and that does not stop the run."""

    async def decide(self, item: Item, reason: str) -> bool:
        """Ask a person whether an item of unknown fate is sent again; False where nobody can be asked."""

    async def approve(self, question: str) -> bool:
        """Ask a person whether the run goes on; False where nobody can be asked."""


@dataclass(slots=True)
class Report:
    """How a run ended. state: complete or stopped. reason: why it stopped, "" if it did not.
    total: items of the run, whoever ran them. started, ended: seconds since the epoch, of this process.
    seconds: how long it took, whatever the clock was set to. before: items that had ended before; earlier:
    how. signed_in: see signers. unwritten: outcomes that the disk did not take. needs_approval: it stopped
    between two waves, and a person has to say that it goes on. names, tallies: of its tenants."""

    folder: RunFolder
    total: int
    started: float
    before: int = 0
    ended: float = 0.0
    state: str = "running"
    reason: str = ""
    exit_code: int = 0
    unwritten: int = 0
    seconds: float = 0.0
    needs_approval: bool = False
    names: list[str] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    earlier: Tally = field(default_factory=Tally)
    signed_in: list[dict[str, str]] = field(default_factory=list)

    @property
    def tally(self) -> Tally:
        """The counts of all tenants, and of what had ended before; what is waited for is so now."""
        now = together(self.tallies or [Tally()])
        return now.after(self.earlier) if self.earlier.by_status else now


@dataclass(frozen=True, slots=True)
class Task:
    """What a run is to do. checked: of the job, which has been read once. settings: the options as run.json
    keeps them. past: what earlier processes have done, of a run that is gone on with (`resumed`) or of
    items chosen from another. first: run.json as it was, of a run that is gone on with. profiles: those of
    the run, as run.json keeps them. approved: somebody lets it pass the gate at which it stands."""

    job: Job
    checked: Checked
    options: Options
    folder: RunFolder
    settings: Mapping[str, Any]
    past: Past | None = None
    resumed: bool = False
    first: Mapping[str, Any] = field(default_factory=dict)
    profiles: Mapping[str, Any] = field(default_factory=dict)
    approved: bool = False

    @property
    def total(self) -> int:
        """Items of the run."""
        chosen = self.past.chosen if self.past else None
        return self.checked.items if chosen is None else len(chosen) - chosen.count(0)


class Run:
    """One run, of one tenant or of several side by side.

    places: its tenants. sync: see Results. observers: told of every request and of every item's end. tap:
    takes on the outcomes, too, and can hold the run back. signals: whether Ctrl-C and the like stop it.
    spread: where its tenants are run.
    """

    def __init__(
        self,
        task: Task,
        places: Sequence[Place],
        watch: Watch,
        *,
        sync: bool = True,
        observers: Sequence[Observer] = (),
        tap: Sink | None = None,
        signals: bool = True,
        spread: Spread | None = None,
    ) -> None:
        self._task = task
        self._spread = spread or Here()
        self._earlier = EarlierWorkers(task.first)
        self._tap = tap
        self._signals = signals
        self._places = shared(places, task.checked.tenants, self._spread.together)
        self._watch = watch
        self._sync = sync
        self._observers = observers
        self._connection_id = str(task.first.get("connection_id") or uuid.uuid4())
        self._tenancies: list[Executor] = []
        self._confidant = Confidant(forms_of(task.job.secret_constants()))
        self._scope = anyio.CancelScope()
        self._stopping = False
        self._began = time.monotonic()
        self._done = self._trouble = 0
        self._binding = Binding()
        recorded = task.first.get("waves")
        self._waves = Waves(task.job.course, task.checked.rows, task.past, recorded)
        self._waves.approved = task.approved
        self._passage = Passage(
            self._waves,
            write=lambda: self._write("running"),
            note=watch.note,
            approve=watch.approve,
            stop=self._stop,
        )
        self.report = Report(task.folder, task.total, time.time())
        if task.past is not None:
            self.report.earlier = ended = Tally()
            ended.count(task.past.troubles())
            ended.by_status = task.past.counts.copy()
            self.report.before, self._done, self._trouble = ended.done, ended.done, ended.trouble
        self._pulse = Pulse(task.folder.progress, self._seen, task.total)

    async def execute(self) -> Report:
        """Run the job to its end. Raises UsageError or SignInError before anything is sent; from then on
        every way of ending is in the report."""
        report = self.report
        begun = False
        try:
            self._write_first()  # before the other files: see RunFolder.require_no_run
            async with self._open() as results, self._pulse:
                if report.before == report.total:
                    report.state = "complete"  # only its end was missing
                else:
                    with self._task.job.apart() as items_of:
                        needed = ((at.identity.connection, at.options.concurrency) for at in self._places)
                        sessions = Sessions(needed)
                        await self._sign_in(results)
                        async with sessions:
                            await at_all(self._tenancies, lambda at: at.open(sessions.of(at.connection)))
                            begun = True
                            with interrupts(self._interrupt) if self._signals else nullcontext():
                                await self._run(items_of, results)
                self._conclude(results)
                self._pulse.state = report.state
        finally:
            if not begun and not self._task.resumed:  # nothing was sent: leave nothing behind
                report.folder.discard()
        return report

    def _open(self) -> Results:
        task = self._task
        return Results(
            task.folder,
            columns=task.job.columns,
            secret_columns=task.job.secret_columns,
            on_failure=self._stop,
            wall=time.time,
            steps=task.job.steps,
            past=task.past if task.resumed else None,
            keep_before=task.options.keep_before,
            sync=self._sync,
        )

    async def _sign_in(self, results: Results) -> None:
        """Sign in to every tenant before anything is sent to one; a person is asked one thing at a time."""

        def take(outcomes: Sequence[Outcome]) -> Awaitable[None] | None:
            room = results.put(outcomes)
            self._count(outcomes)
            for each in self._observers:
                each.ended(outcomes)
            return room if self._tap is None else in_turn(room, self._tap(outcomes))

        ask = self._task.options.on_unknown is OnUnknown.ASK
        job, options = self._task.job, self._task.options
        keep = partial(results.former, hide=self._confidant.hide) if options.keep_before else None
        around = Surroundings(
            run_id=self._connection_id,
            sink=take,
            keep=results.keep,
            announce=results.announce,
            withdraw=results.withdraw,
            decide=self._watch.decide if ask else None,
            past=self._task.past,
            note=self._watch.note,
            hosts=hosts(self._task.checked.apis),
            secure=hosts(self._task.checked.secure),
            ahead=max(10, AHEAD // len(self._places)),
            hours=self._task.job.course.hours,
            before=formers(keep, planned=job.planned, unchanged=options.skip_unchanged),
            observers=self._observers,
            confidant=self._confidant,
        )
        self._tenancies = [self._spread.executor(place, around) for place in self._places]
        await at_all(self._tenancies, lambda tenancy: tenancy.sign_in())
        require_apart(self._places, self._tenancies)
        self.report.names += [tenancy.name for tenancy in self._tenancies]
        self.report.tallies += [tenancy.tally for tenancy in self._tenancies]
        who = ((tenancy.name, tenancy.who) for tenancy in self._tenancies)
        self.report.signed_in = signed_in(who, self._task.first.get("signed_in"), time.time())
        self._write_first()

    async def _run(self, items_of: ItemsOf, results: Results) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(results.write_all)
            async with anyio.create_task_group() as watching:
                watching.start_soon(self._watch.follow, self._seen, self.report.total)
                watching.start_soon(self._look_at_clocks)
                watching.start_soon(self._pulse.keep)
                await self._drive(items_of)
                watching.cancel_scope.cancel()
            results.end()
        for tenancy in self._tenancies:
            tenancy.remember()

    def _seen(self) -> Tally:
        """The counts as they are shown."""
        tally = self.report.tally
        resting = self._passage.resting or tally.resting
        if self._stopping:
            resting = "stopping: what is in flight may end"
        return replace(tally, resting=resting, wave=self._waves.place)

    async def _look_at_clocks(self) -> None:
        clocks = Clocks(time.time(), time.monotonic(), CLOCKS_EVERY)
        while True:
            await anyio.sleep(CLOCKS_EVERY)
            if happened := clocks.look(time.time(), time.monotonic()):
                self._watch.note(happened)

    async def _drive(self, items_of: ItemsOf) -> None:
        """Run all tenants, a wave at a time, under the signals: the first lets them drain, the second cuts
        them off."""
        ahead = {at.name: Ahead(self._left(items_of(at.name))) for at in self._tenancies}
        complete = False
        with self._scope:
            await self._earlier.over(self._watch.note)
            while not self._stopping and await self._wave_ended(ahead):
                if self._waves.over:
                    complete = True
                    break
                if not await self._passage.through():
                    break
        self.report.needs_approval = self._passage.needs_approval
        if complete:
            self.report.state = "complete"
        elif not self.report.reason:
            self._stopped("The run was stopped.", 3)

    def _left(self, items: Iterator[Item]) -> Iterator[Item]:
        """Those that are still to be run; the secrets of the others the service has been told."""
        past = self._task.past
        return items if past is None else past.left(items, passed=self._confidant.hear)

    async def _wave_ended(self, ahead: Mapping[str, Ahead]) -> bool:
        """Run the present wave of all tenants; whether all of its items have ended."""
        last = math.inf if self._waves.over else self._waves.last
        ended: list[Executor] = []

        async def drive(tenancy: Executor) -> None:
            try:
                if await tenancy.run(ahead[tenancy.name].until(last)):
                    ended.append(tenancy)
            except BulkexoError as error:  # of this tenant: the others go on
                where = f"{tenancy.name}: " if tenancy.name else ""
                self._stopped(f"{where}{error}", error.exit_code)

        async with anyio.create_task_group() as group:
            for tenancy in self._tenancies:
                group.start_soon(drive, tenancy)
        return len(ended) == len(self._tenancies) and not self.report.reason

    def stop(self, reason: str) -> None:
        """Stop the run; what is in flight may end, for a while."""
        if self.report.state != "complete":
            self._stop(StoppedError(reason))

    def _interrupt(self) -> None:
        if self.report.state == "complete":
            return
        if self._stopping:
            self._scope.cancel()
            return
        self._stop(StoppedError("The run was interrupted."))
        self._watch.stopping(self.report.tally.batches, self._task.options.drain)

    def _stop(self, error: BulkexoError) -> None:
        """Stop all tenants; what is in flight may end, for a while."""
        self._stopped(str(error), error.exit_code)
        self._stopping = True
        self._passage.close()
        self._scope.deadline = min(self._scope.deadline, anyio.current_time() + self._task.options.drain)
        for tenancy in self._tenancies:
            tenancy.stop()

    def _stopped(self, reason: str, exit_code: int) -> None:
        report = self.report
        report.state = "stopped"
        if not report.reason:
            report.reason = reason
            report.exit_code = exit_code if exit_code in (3, 4) else 3

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        """Too many failures stop the run."""
        self._done += len(outcomes)
        self._waves.note(outcomes)
        self._trouble += len([each for each in outcomes if each.status in (Status.FAILED, Status.UNKNOWN)])
        if hopeless := self._binding.hopeless(outcomes):
            self._stop(StoppedError(hopeless))
        if self._task.options.max_failures.reached(self._trouble, self._done) and not self.report.reason:
            failed = f"{self._trouble:,} of {self._done:,} items failed, which reaches --max-failures."
            self._stop(StoppedError(failed))

    def _conclude(self, results: Results) -> None:
        """Check the sum before saying that the run is complete."""
        report = self.report
        report.ended, report.seconds = time.time(), time.monotonic() - self._began
        report.unwritten = results.unwritten
        if report.state == "complete" and (report.tally.done != report.total or report.unwritten):
            self._stopped(
                f"The sum is wrong: {report.total:,} items were to be run, {report.tally.done:,} ended "
                f"and {report.unwritten:,} of these were not written. Please report this.",
                3,
            )
        if report.state == "complete":
            report.exit_code = 1 if report.tally.trouble else 0
        try:
            self._write(report.state)
        except OSError as error:
            self._stopped(f"run.json cannot be written ({error.strerror}).", 3)

    def _write_first(self) -> None:
        try:
            self._write("running")
        except OSError as error:
            raise UsageError(
                f"{self._task.folder.path} cannot be written ({error.strerror}). Make room, or give "
                "another --out."
            ) from None

    def _write(self, state: str) -> None:
        described = describe(self._task, self.report, self._connection_id, state)
        workers = {**self._earlier.document(), **self._spread.document(over=state != "running")}
        self._task.folder.write({**described, **self._waves.document(), **workers})
