"""Jobs of as many rows as are wanted, in each format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

COLUMNS = ("Identity", "CustomAttribute1", "Office")


def rows_of(count: int) -> Iterator[tuple[str, str, str]]:
    """A mailbox of its own each."""
    for row in range(1, count + 1):
        yield f"mailbox{row}@contoso.onmicrosoft.com", f"CC-{row % 1000:04}", f"Room {row % 97}"


def write_csv(path: Path, count: int, *, reads: bool = False) -> Path:
    """Rows of Set-Mailbox, or of Get-Mailbox, whose cmdlet is named on the command line."""
    with path.open("w", encoding="utf-8") as file:
        file.write("Identity\n" if reads else ",".join(COLUMNS) + "\n")
        file.writelines(f"{row[0]}\n" if reads else ",".join(row) + "\n" for row in rows_of(count))
    return path


def write_ndjson(path: Path, count: int) -> Path:
    """The same, a cmdlet a line."""
    with path.open("wb") as file:
        for row in rows_of(count):
            line = {"cmdlet": "Set-Mailbox", "parameters": dict(zip(COLUMNS, row, strict=True))}
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return path


def write_yaml(path: Path, count: int) -> Path:
    """The same as a list in a YAML job."""
    with path.open("w", encoding="utf-8") as file:
        file.write("cmdlet: Set-Mailbox\nparameters:\n")
        file.writelines(f"  {name}: ${{{name}}}\n" for name in COLUMNS)
        file.write("rows:\n")
        for row in rows_of(count):
            cells = ", ".join(f"{name}: {cell}" for name, cell in zip(COLUMNS, row, strict=True))
            file.write(f"- {{{cells}}}\n")
    return path
