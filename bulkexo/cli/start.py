"""Starting a run, be it new, gone on with, or of chosen items: sandbox, sign-in, progress, summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from bulkexo.cli import loop
from bulkexo.cli.ending import finish, require, unfinished
from bulkexo.cli.jobs import confirm, notes, sizes
from bulkexo.cli.log import Log, Logged, log_of
from bulkexo.cli.progress import watch
from bulkexo.cli.report import at_end
from bulkexo.cli.signing import places, reached
from bulkexo.cli.spreading import spread
from bulkexo.cli.terminal import put, say, tell
from bulkexo.dated import MOST, dated, is_dated, numbered_folder
from bulkexo.job import Checked, Job
from bulkexo.journal import Past, RunFolder
from bulkexo.journal.earlier import copy_lines
from bulkexo.journal.lock import lock
from bulkexo.model import StoppedError, UsageError
from bulkexo.options import Options
from bulkexo.report.summary import as_line, as_object, as_text
from bulkexo.report.words import command, readable
from bulkexo.run import Report, Run, Task, Watch
from bulkexo.tenancy import Place
from bulkexo.tenants import Tenant, record

if TYPE_CHECKING:
    from bulkexo.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Start:
    """What is to be started. tenants: of the job. settings: the options for run.json. source: the run that
    has its rows, if they were asked of a tenant for another. log: of --log-file. The rest: see Task."""

    job: Job
    checked: Checked
    options: Options
    tenants: Sequence[Tenant]
    settings: Mapping[str, Any]
    past: Past | None = None
    first: Mapping[str, Any] = field(default_factory=dict)
    source: RunFolder | None = None
    approved: bool = False
    log: Log | None = None

    def task(self, folder: RunFolder) -> Task:
        """The same in a folder."""
        return Task(
            self.job,
            self.checked,
            self.options,
            folder,
            self._settings(),
            self.past,
            resumed=bool(self.first),
            first={name: value for name, value in self.first.items() if name != "profiles"},
            profiles=record(self.tenants),
            approved=self.approved,
        )

    def _settings(self) -> dict[str, Any]:
        """The options, and the values of --set that are no secrets."""
        open_names = {name.lower() for name in self.job.describe()["set"]} - {
            name.lower() for name in self.job.secret_sets
        }
        texts = [text for text in self.options.set if text.partition("=")[0].strip().lower() in open_names]
        plain = {
            name: readable(value) if isinstance(value, str) else value
            for name, value in self.settings.items()
        }
        return {**plain, "set": texts}


def start(what: Start, out: Path | None) -> int:
    """A new run in `out`, or in a folder of its own name; the exit code."""
    require(what.options, what.job.path)
    with log_of(what.options, what.job.path) as log:
        return _start(replace(what, log=log), out)


def _start(what: Start, out: Path | None) -> int:
    here = _places(what)
    folder = RunFolder.create(run_folder(out, what.job.path))
    with lock(folder.path):
        folder.require_no_run()
        try:
            folder.choose(what.past.chosen if what.past else None)
            if what.past is not None and what.job.linked:
                copy_lines(what.past.depended_on(), folder.earlier)
            if what.source is not None:
                folder.copy_answers(what.source)
        except OSError as error:
            raise UsageError(
                f"{folder.path} cannot be written ({error.strerror}). Make room, or give another --out."
            ) from None
        return _in_folder(what, folder, here)


def go_on(what: Start, folder: RunFolder) -> int:
    """A run that goes on in its folder, whose lock is held; the exit code."""
    require(what.options, what.job.path, new=False)
    with log_of(what.options, what.job.path) as log:
        return _in_folder(replace(what, log=log), folder, _places(what))


def _in_folder(what: Start, folder: RunFolder, here: Sequence[Place]) -> int:
    """The run; where its rows are still to be asked for, a person is asked when it is known what they are.
    In the sandbox nobody is, and one sandbox serves for both."""
    if what.job.questions and not what.options.sandbox:
        try:
            what = loop.run(answered, what, folder, here)
            confirm(what.checked, what.tenants)
        except (click.Abort, UsageError):
            if not what.first:
                folder.discard()
            raise
        here = [place for place in here if place.name in {tenant.name for tenant in what.tenants}]
    report, what = loop.run(_run, what, folder, here)
    return _told(report, what)


async def answered(what: Start, folder: RunFolder, at: Sequence[Place]) -> Start:
    """The same with its rows, and the whole of it checked. Raises BulkexoError."""
    names = ", ".join(dict.fromkeys(each.item.cmdlet for each in what.job.questions))
    from bulkexo.asking import Asking

    tell(f"Asking for the rows ({names}) …")
    kept = bool(what.first)
    try:
        asking = Asking(what.task(folder), at, watched(what))
        if not await asking.execute():
            raise UsageError(
                f"{names} returned no objects, so the job has no rows; nothing was changed. Check what the "
                "question under rows: filters by."
            )
        job = what.job.answered(folder.path)
        checked = job.check()
        tenants = [each for each in what.tenants if not each.name or each.name in checked.tenants]
        filled = replace(what, job=job, checked=checked, tenants=tenants)
        asking.done(filled.task(folder))
        kept = True
    except StoppedError as error:
        kept = True
        how = f" Go on with it: {command('resume', folder.path)}" if folder.goes_on else ""
        raise StoppedError(f"{error}{how}") from None
    finally:
        if not kept:  # nothing was changed: leave nothing behind
            folder.discard()
    notes(filled.checked)
    tell(f"{sizes(filled.checked)}.")
    return filled


def _places(what: Start) -> list[Place]:
    """The tenants and who signs in, none in the sandbox, which tells it itself. Raises UsageError or
    SignInError."""
    return [] if what.options.sandbox else places(what.tenants)


def watched(what: Start) -> Watch:
    """Whoever shows it: where it goes and what it is are the title."""
    options = what.options
    where = "the sandbox" if options.sandbox else options.tenant or "the token's tenant"
    if len(what.tenants) > 1:
        where = f"{len(what.tenants):,} tenants"
    shown = watch(f"{what.job.path.name} on {where}", silent=options.no_progress or options.quiet)
    return Logged(shown, what.log) if what.log else shown


async def _run(what: Start, folder: RunFolder, here: Sequence[Place]) -> tuple[Report, Start]:
    """How it ended, and what it was with the rows that were asked for."""
    async with reached(what.options, what.tenants, here) as at:
        return await _run_at(what, folder, at)


async def _run_at(what: Start, folder: RunFolder, at: Sequence[Place]) -> tuple[Report, Start]:
    if what.job.questions:
        what = await answered(what, folder, at)
        at = [place for place in at if place.name in {tenant.name for tenant in what.tenants}]
    task, watching, log = what.task(folder), watched(what), what.log
    if log is not None:
        log.started(what.job.path, what.checked.by_cmdlet, folder.path, what.settings)
    spreading = spread(what.options, what.job, what.checked, at, watching.note)
    with telemetry(what.options, watching) as sent:
        async with spreading as where:
            observers = [each for each in (sent, log) if each is not None]
            run = Run(task, at, watching, observers=observers, spread=where)
            if log is not None:
                log.report = run.report
            if sent:
                sent.follow(run.report, task)
            report = await run.execute()
        if sent:
            sent.concluded(report.state, report.exit_code)
    return report, what


@contextmanager
def telemetry(options: Options, watching: Watch) -> Iterator[Telemetry | None]:
    """Whoever sends metrics and traces of a run; nobody, and nothing of it imported, unless it was asked
    for."""
    if not options.telemetry:
        yield None
        return
    from bulkexo.telemetry import Telemetry

    with Telemetry(watching.note) as sent:
        yield sent


def _told(report: Report, what: Start) -> int:
    """What a run does once it is complete, and how it ended, told; the exit code."""
    options, job = what.options, what.job.path
    tell("\n" + as_text(report))
    ending = finish(report, options, job)
    report.exit_code, report.reason = ending.code, report.reason or ending.reason
    if ending.words:
        tell("\n" + "\n".join(ending.words))
    if ending.error:
        say(ending.error)
    line = "; ".join(filter(None, [as_line(report, job.name), ending.short]))
    if what.log is not None:
        what.log.summary(line, report)
    if options.report:
        at_end(report.folder)
    if options.quiet:
        say(line)
    if options.json:
        put(orjson.dumps(as_object(report) | ending.members, option=orjson.OPT_APPEND_NEWLINE))
    return report.exit_code


def filled(path: Path, job: Path) -> Path:
    """A path with the day, and the name of the job, where they are to stand in it."""
    return dated(path, datetime.now().astimezone(), job.stem)


def run_folder(out: Path | None, job: Path, *, finishing: bool = False) -> Path:
    """Where a new run goes. Of a name that has the day in it a complete run may be there already, and then it
    gets a number; a run that stopped is left there to be gone on with, so that it is refused. finishing: so
    is one that is complete, but has not done what comes after it."""
    if out is None:
        return default_folder(job)
    path = filled(out, job)
    if is_dated(out):
        for number in range(1, MOST):
            if not _complete(each := numbered_folder(path, number), finishing=finishing):
                return each
    return path


def _complete(path: Path, *, finishing: bool) -> bool:
    try:
        first = RunFolder(path).read()
    except UsageError:
        return False
    return first.get("state") == "complete" and not (finishing and unfinished(first))


def default_folder(job: Path, among: str = "runs") -> Path:
    """A folder of its own name among those of its kind."""
    now = datetime.now(UTC)
    return Path(among) / f"{job.stem}-{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z"
