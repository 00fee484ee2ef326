"""`bulkexo plan`: what a job would change, by reads alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson

from bulkexo import __version__
from bulkexo.cli import loop
from bulkexo.cli.jobs import Sectioned, load_job, notes, run_options
from bulkexo.cli.log import log_of
from bulkexo.cli.signing import places, reached
from bulkexo.cli.start import Start, answered, default_folder, filled, watched
from bulkexo.cli.terminal import put, say
from bulkexo.durations import duration
from bulkexo.job.planned import COURSE, MADE
from bulkexo.journal import RunFolder
from bulkexo.journal.lines import timestamp
from bulkexo.journal.lock import lock
from bulkexo.model import UsageError
from bulkexo.plan import Book, Planner
from bulkexo.report.plan import Shown, as_object, as_text
from bulkexo.tenancy import Place
from bulkexo.tenants import record


class PlanFolder(RunFolder):
    """A folder for one plan, which is no run: plan.json stands for run.json."""

    goes_on = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.run_json = path / MADE

    def require_no_run(self) -> None:
        """Raise UsageError if the folder holds a plan or a run."""
        if self.run_json.exists() or (self.path / "run.json").exists():
            raise UsageError(f"{self.path} holds a plan or a run already. Give another folder with --out.")


def _settle(_context: click.Context, _option: click.Parameter, value: str | None) -> float:
    try:
        return 0.0 if value is None else duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(cls=Sectioned)
@run_options("job", "JOB")
@click.option(
    "--settle", metavar="TIME", callback=_settle, help="Ask again, for so long, what still differs."
)
def plan(job: Path, settle: float, **given: Any) -> int:
    """Read today's values and show what a job would change; write nothing.

    Example:  bulkexo plan mailboxes.csv --cmdlet Set-Mailbox

    Each object is read once, in batches, by Get- cmdlets alone. plan.ndjson in the plan's folder (--out, or
    plans/<job>-<UTC time>) has a line for each item; `bulkexo run --plan FILE` runs exactly that, and leaves
    alone what has changed since. Objects mastered on-premises stand in on-premises.csv. After a run, when
    reads can lag, --settle 10m asks again until nothing differs, or the time is over.
    """
    loaded, directory = load_job(job, given)
    checked = loaded.check()
    tenants = directory.tenants(list(checked.tenants))
    notes(checked)
    what = Start(loaded, checked, directory.options, tenants, directory.words.stated())
    here = [] if what.options.sandbox else places(tenants)
    out = what.options.out
    folder = PlanFolder.create(filled(out, job) if out else default_folder(job, "plans"))
    made = False
    try:
        with lock(folder.path), log_of(what.options, job) as log:
            folder.require_no_run()
            loop.run(_make, replace(what, log=log), folder, here, settle)
            made = True
    finally:
        if not made:
            folder.discard()
    return 0


async def _make(what: Start, folder: RunFolder, here: Sequence[Place], settle: float) -> None:
    began = time.monotonic()
    async with reached(what.options, what.tenants, here) as there:
        at = there
        if what.job.questions:
            what = await answered(what, folder, there)
            at = [place for place in there if place.name in {tenant.name for tenant in what.tenants}]
        places_of = what.checked.rows * what.job.steps
        book = Book(folder.path, places_of, what.job.steps)
        try:
            viewer = watched(what)
            planner = Planner(what.job, what.checked, at, viewer, book, settle)
            await planner.execute()
            shown = Shown()
            counts = book.finish(shown.add)
        finally:
            book.close()
    took = time.monotonic() - began
    summary = as_object(counts, planner.asked, took, planner.seconds(counts.sent), folder.path)
    try:
        folder.write(_document(what, folder, summary))
    except OSError as error:
        raise UsageError(
            f"{folder.path} cannot be written ({error.strerror}). Make room, or give another --out."
        ) from None
    if what.options.json:
        put(orjson.dumps(summary, option=orjson.OPT_APPEND_NEWLINE))
    else:
        put(shown.table().encode("utf-8", "replace"))
    say(as_text(summary, what.job.path))
    if what.log is not None:
        what.log.note(f"end: a plan of {what.job.path}, {folder.path}")


def _document(what: Start, folder: RunFolder, summary: Mapping[str, Any]) -> dict[str, Any]:
    """plan.json: how the plan was made, so that it can be run in the same way."""
    task = what.task(folder)
    return {
        "bulkexo": __version__,
        "made": timestamp(time.time()),
        "job": what.job.describe(),
        "options": task.settings,
        **({"profiles": profiles} if (profiles := record(what.tenants)) else {}),
        COURSE: what.job.course.written(),
        "summary": summary,
    }
