"""`bulkexo export`: a run's results, read twice: to learn the columns, and to write the rows."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from bulkexo.facts.catalogue import nearest
from bulkexo.journal import RunFolder
from bulkexo.journal.returned import Returned
from bulkexo.model import Status, StoppedError, UsageError
from bulkexo.report.tables.cells import Sink
from bulkexo.report.tables.columns import LIMIT, Column, Row, Survey
from bulkexo.report.tables.rows import OUTCOME_LEADS, VALUE_LEADS, outcomes, values
from bulkexo.report.words import many

MANY: Final = 100_000
"""Lines from which on it takes a while."""
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


class What(StrEnum):
    """What a line of the table is: an object that a cmdlet returned, or an item and how it ended."""

    VALUES = "values"
    OUTCOMES = "outcomes"


class Format(StrEnum):
    """What the table is written as."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    NDJSON = "ndjson"

    @property
    def streams(self) -> bool:
        """Whether it can go to stdout."""
        return self in (Format.CSV, Format.NDJSON)


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted. statuses: of the items, none for all. step: one of several. columns: names, none for
    all. delimiter, plain: of a CSV."""

    format: Format
    what: What = What.VALUES
    statuses: tuple[Status, ...] = ()
    step: int | None = None
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    plain: bool = False


@dataclass(slots=True)
class Summary:
    """What was written. notes: sentences about what is not as it might be expected."""

    rows: int = 0
    columns: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table that is known. rows: makes them anew each time."""

    name: str
    columns: tuple[Column, ...]
    count: int
    rows: Callable[[], Iterable[Row]]


def _silent(_words: str) -> None:
    """Nobody is there to be told."""


def export_to(
    folder: RunFolder,
    request: Request,
    to: Path,
    *,
    force: bool = False,
    told: Callable[[str], None] = _silent,
) -> Summary:
    """Write the table to a file, which is there as a whole or not at all. told: of what takes long.

    Raises UsageError if it is there already and not to be replaced, or cannot be written; StoppedError if the
    disk is full.
    """
    if to.is_dir():
        raise UsageError(f"{to} is a folder. Name the file in it: {to / ('table.' + request.format)}.")
    if to.exists() and not force:
        raise UsageError(f"{to} is there already. Give another name, or --force to replace it.")
    try:
        with _replacing(to) as (target, scratch):
            return export_into(folder, request, target, scratch, told)
    except OSError as error:
        raise _refused(to, error) from None


def export_into(
    folder: RunFolder,
    request: Request,
    target: BinaryIO,
    scratch: Path | None,
    told: Callable[[str], None] = _silent,
) -> Summary:
    """Write the table to an open file. scratch: a folder for what is written on the way, which Excel needs.
    Raises UsageError, OSError."""
    first = folder.read()
    summary = Summary()
    source = Returned(folder, [each.value for each in request.statuses], request.step)
    table = _wanted(source, request, summary)
    summary.rows, summary.columns = table.count, len(table.columns)
    beside = 0 if request.what is What.OUTCOMES or request.statuses else source.trouble
    if table.count >= MANY:
        told(f"{many(table.count, 'line')} and {many(len(table.columns), 'column')} are being written …")
    if request.format is Format.XLSX:
        assert scratch is not None  # noqa: S101 (only what goes to a file is a workbook)
        _book(target, scratch, [table, *([_failed(source)] if beside else [])], summary)
    else:
        _fill(_sink(request, target, table.columns), table)
    if beside:
        where = "they stand on the sheet Failed" if request.format is Format.XLSX else _HOW
        summary.notes.append(f"{many(beside, 'item')} failed, or did not come to an end: {where}.")
    if first.get("state") != "complete":
        summary.notes.append("The run is not complete: the table has what had ended by now.")
    if lost := source.lost(first):
        summary.notes.append(lost)
    return summary


_ALWAYS: Final = [key for key in OUTCOME_LEADS if key != "@tenant"]
_HOW: Final = "export them by --what outcomes --status failed,unknown,skipped"


def _wanted(source: Returned, request: Request, summary: Summary) -> _Table:
    if request.what is What.VALUES:
        survey = Survey(VALUE_LEADS, ("@row",), ("@step", "@cmdlet"), request.columns)
        table = _surveyed("Values", lambda: values(source), survey)
    else:
        survey = Survey(OUTCOME_LEADS, _ALWAYS, (), request.columns)
        table = _surveyed("Outcomes", lambda: outcomes(source.lines()), survey)
    if table.count and (missing := survey.missing(table.columns)):
        _refuse_unknown(missing, survey)
    if survey.cut:
        summary.notes.append(
            f"The objects have more than {LIMIT:,} different members: the first {LIMIT:,} are columns. "
            "--columns names the ones to have."
        )
    if not table.count and request.what is What.VALUES:
        summary.notes.append(
            "The items returned no objects: cmdlets that change something seldom do. "
            "--what outcomes tells how each item ended."
        )
    return table


def _failed(source: Returned) -> _Table:
    """The items that did not end well, for a sheet beside the values."""
    return _surveyed("Failed", lambda: outcomes(source.troubled()), Survey(OUTCOME_LEADS, _ALWAYS))


def _surveyed(name: str, rows: Callable[[], Iterable[Row]], survey: Survey) -> _Table:
    """The first pass."""
    for row in rows():
        survey.see(row)
    return _Table(name, survey.columns(), survey.rows, rows)


def _refuse_unknown(missing: Sequence[str], survey: Survey) -> None:
    like = nearest(missing[0], survey.known)
    known = f"Did you mean {like}?" if like else f"The columns are {', '.join(survey.known[:30])}."
    raise UsageError(f"The table has no column {missing[0]}. {known}")


def _sink(request: Request, target: BinaryIO, columns: Sequence[Column]) -> Sink:
    if request.format is Format.CSV:
        from bulkexo.report.tables.delimited import DelimitedFile  # noqa: PLC0415 (one format of four)

        return DelimitedFile(target, columns, delimiter=request.delimiter, plain=request.plain)
    if request.format is Format.NDJSON:
        from bulkexo.report.tables.lines import LineFile  # noqa: PLC0415

        return LineFile(target, columns)
    from bulkexo.report.tables.parquet import ParquetFile  # noqa: PLC0415

    try:
        return ParquetFile(target, columns)
    except ImportError:
        raise UsageError('Parquet needs pyarrow: pip install "bulkexo[parquet]"') from None


def _fill(sink: Sink, table: _Table) -> None:
    """The second pass."""
    try:
        for row in table.rows():
            sink.write(row)
        sink.close()
    except BaseException:
        sink.abandon()
        raise


def _book(target: BinaryIO, scratch: Path, tables: Sequence[_Table], summary: Summary) -> None:
    from bulkexo.report.tables.excel import SHEET_ROWS, Book  # noqa: PLC0415

    try:
        book = Book(target, scratch)
    except ImportError:
        raise UsageError('Excel needs XlsxWriter: pip install "bulkexo[xlsx]"') from None
    try:
        sheets = 0
        for each in tables:
            sink = book.table(each.name, each.columns, each.count)
            _fill(sink, each)
            sheets = max(sheets, sink.sheets)
        book.close()
    finally:
        book.abandon()
    if sheets > 1:
        summary.notes.append(
            f"A sheet of Excel holds {SHEET_ROWS:,} rows, so the table goes over {sheets} sheets."
        )
    if book.cut:
        summary.notes.append(
            f"{many(book.cut, 'cell')} had more than Excel's 32,767 characters and end with “… (cut)”. "
            "The other formats keep them whole."
        )


@contextmanager
def _replacing(to: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A file that takes the name in the end, if all went well, and a folder beside it. Raises OSError."""
    with tempfile.TemporaryDirectory(
        prefix=f".{to.name[:40]}-", dir=to.parent, ignore_cleanup_errors=True
    ) as folder:
        scratch = Path(folder)
        fresh = scratch / "table"
        with fresh.open("w+b") as target:
            yield target, scratch
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(to)


def _refused(to: Path, error: OSError) -> Exception:
    reason = error.strerror or str(error)
    if error.errno in NO_ROOM:
        return StoppedError(
            f"{to} cannot be written ({reason}), and nothing of it was left. Make room, or write elsewhere."
        )
    if isinstance(error, PermissionError):
        reason += "; is it open in another program?"
    do = "Close it there"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        do = "Make its folder"
    return UsageError(f"{to} cannot be written ({reason}). {do}, or write elsewhere.")
