"""`check --online`: the job set against what the tenant holds now."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bulkexo.cli import loop
from bulkexo.cli.progress import watch
from bulkexo.cli.signing import places, reached
from bulkexo.cli.start import filled
from bulkexo.cli.terminal import say
from bulkexo.job import Checked, Job
from bulkexo.model import JobError, Problem, UsageError
from bulkexo.online import Looked, Lookup
from bulkexo.options import Options
from bulkexo.tenancy import Place
from bulkexo.tenants import Tenant

FILE = "check.csv"


def look(job: Job, checked: Checked, options: Options, tenants: Sequence[Tenant]) -> None:
    """Ask the tenants by reads alone. Raises JobError for what is found."""
    here = [] if options.sandbox else places(tenants)
    out = options.out and filled(options.out, job.path)
    with _all_of_them(out) as tell:
        looked = loop.run(_look, job, checked, options, tenants, here, tell)
    say(f"The tenant was asked {looked.asked:,} questions, none of which changes anything.")
    if looked.total:
        if out is not None:
            say(f"All that was found: {out / FILE}")
        raise JobError(looked.problems, looked.total)


async def _look(
    job: Job,
    checked: Checked,
    options: Options,
    tenants: Sequence[Tenant],
    here: Sequence[Place],
    tell: Callable[[Problem], None],
) -> Looked:
    async with reached(options, tenants, here) as at:
        viewer = watch(f"Asking for {job.path.name}", silent=options.no_progress or options.quiet)
        return await Lookup(job, checked, at, viewer, tell).execute()


@contextmanager
def _all_of_them(folder: Path | None) -> Iterator[Callable[[Problem], None]]:
    """What takes every problem to a file in the folder, if there is one. Raises UsageError."""
    if folder is None:
        yield lambda _problem: None
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / FILE).open("w", encoding="utf-8-sig", newline="")
    except OSError as error:
        raise UsageError(
            f"{folder / FILE} cannot be written ({error.strerror}). Close it where it is open, or give "
            "another --out."
        ) from None
    with file:
        writer = csv.writer(file)
        writer.writerow(["Where", "Problem", "Remedy"])

        def tell(problem: Problem) -> None:
            writer.writerow([problem.where, problem.what, problem.remedy])

        yield tell
