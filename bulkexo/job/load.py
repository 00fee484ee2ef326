"""Which reader a job file takes, and what the command line adds to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bulkexo.job import cells
from bulkexo.job.job import Job
from bulkexo.job.outline import CMDLET, CommandLine, Given, Outline, OutlineStep, every_column
from bulkexo.job.problems import Problems, fail, printable
from bulkexo.job.rowfiles import OLDER, OLDER_REMEDY, SUFFIXES, of_one_sheet, read_table
from bulkexo.job.select import names_in, selected
from bulkexo.job.steps import is_secret_column
from bulkexo.job.template import Columns, from_text
from bulkexo.job.tenants import OF_ONE_TENANT
from bulkexo.job.text import require_file
from bulkexo.model import JobError


def load(
    path: Path,
    *,
    cmdlet: str | None = None,
    sets: Sequence[str] = (),
    select: str | None = None,
    sheet: str | None = None,
    option_names: Collection[str] = (),
    tenant_column: str | None = None,
    answers: Path | None = None,
) -> Job:
    """Read the head of a job; its rows are read by `Job.check` and `Job.items`.

    cmdlet: `--cmdlet`, for a job that names none. sets: `--set` texts, NAME=VALUE, parameters for every row.
    select: `--select`, properties with commas, for a job of one step.
    sheet: `--sheet`, of an Excel workbook.
    option_names: keys that a YAML job may have beside its own, written with `_`.
    tenant_column: the column that names each row's tenant; a YAML job may name it too, as an option.
    answers: the folder that holds the rows which a job asks of the tenant, once they have been read.
    Raises JobError; if the rows can be read all the same, their problems are among those told.
    """
    problems = Problems()
    try:
        wanted = selected(names_in(select or ""), "--select", problems)
        line = CommandLine(cmdlet, tuple(_given(sets, problems)), wanted, answers, sheet)
        outline = _outline(path, line, option_names, problems)
        job = Job(_with_tenants(outline, tenant_column, problems))
    except JobError as error:
        problems.absorb(error)
        raise problems.error() from None
    job.again = lambda folder: load(
        path,
        cmdlet=cmdlet,
        sets=sets,
        select=select,
        sheet=sheet,
        option_names=option_names,
        tenant_column=tenant_column,
        answers=folder,
    )
    job.bind(problems)
    if problems:
        job.survey(problems)
        raise problems.error()
    return job


def _with_tenants(outline: Outline, column: str | None, problems: Problems) -> Outline:
    if outline.tenant_column is not None:
        if column:
            problems.add("--tenant-column", "The job has tenants: of its own.", "Leave one of the two out.")
        return outline
    name = str(column or outline.options.get("tenant_column") or "")
    if not name:
        return outline
    if outline.asked:
        problems.add("--tenant-column" if column else outline.file.name, *OF_ONE_TENANT)
    position = outline.columns.find(name)
    if position is None:
        known = ", ".join(map(printable, outline.columns.names[:20]))
        where = "--tenant-column" if column else outline.file.where(outline.option_lines["tenant_column"])
        problems.add(where, f"The rows have no column {name!r}.", f"The columns are {known}.")
    return replace(outline, tenant_column=position)


def _outline(
    path: Path,
    line: CommandLine,
    option_names: Collection[str],
    problems: Problems,
) -> Outline:
    suffix = path.suffix.lower()
    yaml = suffix in {".yaml", ".yml"}
    if not yaml:
        of_one_sheet(path, line.sheet, "--sheet", problems)
    if suffix == ".csv" or suffix in SUFFIXES:
        return _table(path, line, problems)
    if yaml:
        from bulkexo.job.yamljob import read_outline  # noqa: PLC0415 - PyYAML, which a CSV does not need

        return read_outline(path, line, option_names, problems)
    if suffix == ".ndjson":
        from bulkexo.job.ndjson import read_outline as read_lines  # noqa: PLC0415 (few jobs are one)

        return read_lines(path, line, problems)
    require_file(path)
    return fail(
        printable(str(path), 500),
        f"Jobs of this kind ({suffix or 'no extension'}) are not read.",
        OLDER_REMEDY if suffix in OLDER else "Give a .csv, .xlsx, .yaml, .yml or .ndjson file.",
    )


def _table(path: Path, command_line: CommandLine, problems: Problems) -> Outline:
    """A job that is a table under a header: a CSV, or a sheet of a workbook."""
    cmdlet, select = command_line.cmdlet, command_line.select
    rows = read_table(path, command_line.sheet, problems)
    file = rows.file
    columns = Columns(rows.columns, typed=False)
    header = rows.place(rows.header_line)
    column = columns.find(CMDLET)
    if cmdlet is None and column is None:
        problems.add(
            header,
            "The file does not say which cmdlet to run.",
            "Add a column Cmdlet, or give --cmdlet Set-Mailbox on the command line.",
        )
    if cmdlet is not None and column is not None:
        problems.add(
            rows.place(rows.header_line, rows.columns[column]),
            "The file has a column Cmdlet, and --cmdlet is given too.",
            "Leave out --cmdlet, or the column.",
        )
        cmdlet = None
    return Outline(
        kind="xlsx" if path.suffix.lower() in SUFFIXES else "csv",
        file=file,
        rows=rows,
        columns=columns,
        steps=() if cmdlet is None else (OutlineStep(cmdlet, "--cmdlet", None, select=select),),
        cmdlet_column=column,
        whole=every_column(columns, header),
        common=command_line.sets,
        select=select,
    )


def _given(sets: Sequence[str], problems: Problems) -> Iterator[Given]:
    """The parameters of `--set`."""
    for text in sets:
        name, equals, value = text.partition("=")
        name = name.strip()
        where = f"--set {name}" if name and equals else "--set"
        if not name or not equals:
            problems.add(where, "This gives no parameter.", "Write --set NAME=VALUE.")
        elif is_secret_column(name):
            problems.add(
                where,
                "Secrets are not given on the command line, where other users of the machine can read them.",
                "Give the value in the job file.",
            )
        elif not value:
            problems.add(
                where, "This gives no value.", f"Write --set {name}=VALUE; $null takes the value away."
            )
        elif not cells.encodable(text):
            problems.add(where, "There are bytes in it that are no text.", "Give the value in the job file.")
        else:
            yield Given(name, where, from_text(value))
