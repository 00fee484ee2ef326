"""`bulkexo export`: what the cmdlets of a run returned, as a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulkexo.cli.completing import runs
from bulkexo.cli.terminal import abandon, say
from bulkexo.model import Status, UsageError
from bulkexo.report.words import many

if TYPE_CHECKING:
    from bulkexo.journal import RunFolder
    from bulkexo.report.tables.export import Format, Request, What

STDOUT = "-"
DELIMITERS = {"tab": "\t", r"\t": "\t"}


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path), shell_complete=runs)
@click.option(
    "--to",
    required=True,
    metavar="FILE",
    help="FILE.csv, .xlsx, .parquet or .ndjson (${date} in its name is filled in); - for stdout.",
)
@click.option(
    "--format", "kind", metavar="FORMAT", help="csv, xlsx, parquet or ndjson; for stdout, or another end."
)
@click.option(
    "--what", metavar="WHAT", help="values: a line for each object (default); outcomes: for each item."
)
@click.option("--status", metavar="NAMES", help="Only items that ended so, with commas: failed,unknown.")
@click.option("--step", type=click.IntRange(1), metavar="N", help="Only this step of a job of several.")
@click.option(
    "--columns", metavar="NAMES", help="These columns, in this order, with commas; Custom* for several."
)
@click.option("--delimiter", metavar="SIGN", default=",", help="Of a CSV: , (default), ; | or tab.")
@click.option("--plain", is_flag=True, help="A CSV for programs: ISO dates, texts as they are, no BOM.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def export(
    run: Path,
    to: str,
    kind: str | None,
    what: str | None,
    status: str | None,
    step: int | None,
    columns: str | None,
    delimiter: str,
    plain: bool,
    force: bool,
) -> int:
    """Write what the cmdlets of RUN returned as a table; RUN is its folder.

    Example:  bulkexo export runs/statistics-20261124T093000.123Z --to sizes.xlsx

    A line for each object; nested members are columns `Parent.Child`. With --what outcomes, or --status, a
    line for each item instead: how it ended, the error, why and what to do.
    """
    from bulkexo.journal import RunFolder
    from bulkexo.report.tables.export import Request, What, export_to

    chosen = _format(to, kind)
    statuses = _statuses(status)
    request = Request(
        format=chosen,
        what=_what(what) if what else What.OUTCOMES if statuses else What.VALUES,
        statuses=statuses,
        step=step,
        columns=tuple(name.strip() for name in (columns or "").split(",") if name.strip()),
        delimiter=_delimiter(delimiter, chosen.value),
        plain=plain,
    )
    if to == STDOUT:
        return _to_stdout(run, request)
    path = _named(RunFolder(run), to, force=force)
    summary = export_to(RunFolder(run), request, path, force=force, told=say)
    say(f"{path}: {many(summary.rows, 'line')}, {many(summary.columns, 'column')}.")
    for note in summary.notes:
        say(note)
    return 0


def _named(folder: RunFolder, to: str, *, force: bool) -> Path:
    """The file, with the day on which the run began and the name of its job, where they are asked for. A
    further one of that day gets a number."""
    from bulkexo.dated import check_name, of_the_day

    try:
        check_name(to)
    except ValueError as error:
        raise UsageError(f"--to: {error}") from None
    first = folder.read()
    try:
        began, job = str(first["started"]), Path(str(first["job"]["path"]))
    except (KeyError, TypeError):
        raise UsageError(
            f"{folder.run_json} does not tell when the run began, and of which job: give a name "
            f"without ${{date}} "
            "and the like."
        ) from None
    return of_the_day(Path(to), began, job, over=force)


def _to_stdout(run: Path, request: Request) -> int:
    from bulkexo.journal import RunFolder
    from bulkexo.model import StoppedError
    from bulkexo.report.tables.export import export_into

    try:
        summary = export_into(RunFolder(run), request, sys.stdout.buffer, None)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # who read it wants no more
        abandon(sys.stdout)
        return 0
    except OSError as error:
        abandon(sys.stdout)
        raise StoppedError(
            f"The output cannot be written ({error.strerror}). Make room, or write to a file by --to."
        ) from None
    for note in summary.notes:
        say(note)
    return 0


def _format(to: str, kind: str | None) -> Format:
    from bulkexo.report.tables.export import Format

    name = (kind or Path(to).suffix.removeprefix(".")).strip().lower()
    known = ", ".join(Format)
    if name not in set(Format):
        if to == STDOUT and not kind:
            raise UsageError("--to - needs --format csv or --format ndjson.")
        raise UsageError(
            f"{kind or to} names no format that is known: {known}. Give --format, or such an end."
        )
    chosen = Format(name)
    if to == STDOUT and not chosen.streams:
        raise UsageError(f"{chosen} cannot go to stdout. Name a file, or take csv or ndjson.")
    return chosen


def _what(text: str) -> What:
    from bulkexo.report.tables.export import What

    try:
        return What(text.strip().lower())
    except ValueError:
        raise UsageError("--what is values or outcomes.") from None


def _statuses(text: str | None) -> tuple[Status, ...]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if strange := [name for name in names if name not in set(Status)]:
        raise UsageError(f"No item ends as {strange[0]!r}. Known are {', '.join(Status)}.")
    return tuple(dict.fromkeys(Status(name) for name in names))


def _delimiter(text: str, kind: str) -> str:
    sign = DELIMITERS.get(text.lower(), text)
    if sign not in {",", ";", "\t", "|"}:
        raise UsageError("--delimiter is one of , ; | and tab.")
    if sign != "," and kind != "csv":
        raise UsageError(f"--delimiter is for a CSV, and this is {kind}.")
    return sign
