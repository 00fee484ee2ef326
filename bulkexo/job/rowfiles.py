"""Which reader the rows of a file take: a header and rows (CSV, Excel), or an object a line (NDJSON).

rows: mailboxes.csv
rows: {file: mailboxes.xlsx, sheet: Leavers}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from bulkexo.job.csvrows import CsvRows
from bulkexo.job.keys import FILE, names
from bulkexo.job.outline import Rows
from bulkexo.job.problems import Problems, fail, printable
from bulkexo.job.template import Node
from bulkexo.job.text import examine

if TYPE_CHECKING:
    from bulkexo.job.xlsxrows import XlsxRows

SUFFIXES: Final = frozenset({".xlsx", ".xlsm"})
OLDER: Final = frozenset({".xls", ".xlsb", ".ods"})
KEYS: Final = names(FILE)
OLDER_REMEDY: Final = "Save it as an Excel Workbook (.xlsx), or as a CSV."
Unknown: TypeAlias = Callable[[str, int], None]


def of_one_sheet(path: Path, sheet: str | None, where: str, problems: Problems) -> None:
    """Tell of a sheet that is named for a file without sheets."""
    if sheet is not None and path.suffix.lower() not in SUFFIXES:
        problems.add(where, f"{printable(path.name)} has no sheets.", "Name one for an .xlsx file only.")


def read_table(path: Path, sheet: str | None, problems: Problems) -> CsvRows | XlsxRows:
    """The rows below a header: of a sheet, or of a CSV. Raises JobError."""
    if path.suffix.lower() in SUFFIXES:
        from bulkexo.job.xlsxrows import XlsxRows  # noqa: PLC0415 (few jobs have such)

        return XlsxRows(path, sheet, problems)
    return CsvRows(examine(path), problems)


def read_rows(path: Path, sheet: str | None, where: str, problems: Problems) -> Rows:
    """The rows of a file that a job names. where: the place that names it. Raises JobError."""
    suffix = path.suffix.lower()
    if suffix == ".csv" or suffix in SUFFIXES:
        return read_table(path, sheet, problems)
    if suffix == ".ndjson":
        from bulkexo.job.ndjson import ObjectRows  # noqa: PLC0415 (few jobs have such)

        return ObjectRows(examine(path), problems)
    return fail(
        where,
        f"Rows of this kind ({printable(suffix) or 'no extension'}) are not read.",
        OLDER_REMEDY if suffix in OLDER else "Name a .csv, .xlsx or .ndjson file.",
    )


def named_in(
    members: Mapping[str, Node], line: int, where: Callable[[int], str], unknown: Unknown, problems: Problems
) -> tuple[str, str | None]:
    """The file and the sheet that `rows: {file: …, sheet: …}` names. Raises JobError."""
    found = {name.lower(): node for name, node in members.items()}
    for name, node in members.items():
        if name.lower() not in KEYS:
            unknown(name, node.line)
    for key in KEYS:
        value = found[key].value if key in found else ""
        if not isinstance(value, str) or (key in found and not value.strip()):
            problems.add(
                where(line), f"{key}: in rows: is no name.", "Write rows: {file: x.xlsx, sheet: Name}."
            )
            raise problems.error()
    sheet = found["sheet"].value if "sheet" in found else None
    return str(found["file"].value), sheet if isinstance(sheet, str) else None
