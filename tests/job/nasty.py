"""Files of cells that loaders spoil, in the encodings and dialects people have, with the values to arrive.

Used here, and by the test that sends such a file through the whole house.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CMDLET = "Set-Mailbox"
"""The cmdlet that the rows are for; every parameter but Identity is text to the service."""

PARAMETERS = ("Identity", "DisplayName", "CustomAttribute1", "CustomAttribute2")

FORMS = (
    ("utf-8", ","),
    ("utf-8-sig", ";"),
    ("utf-8", "\t"),
    ("cp1252", ";"),
    ("utf-16", "\t"),
    ("utf-16", ","),
)
"""Encodings, by Python's names ("utf-16" writes its mark), and delimiters."""

_CELLS = (
    'say "hello"',
    '"quoted"',
    'a "" b',
    "line one\nline two",
    "dos\r\nbreak",
    "old mac\rbreak",
    "\nleading break",
    "trailing break\n",
    "Straße, Größe; Ärger",
    "a,b;c\td",
    "00123",
    "+41 79 123 45 67",
    "0049-30-1234",
    "1.50",
    "1e5",
    "=1+1",
    '=HYPERLINK("http://x";"y")',
    "@SUM(A1)",
    "-1",
    "${Identity}",
    "${",
    "$$",
    "$5",
    "$true story",
    "tab\there",
    "trailing spaces   ",
    "   leading spaces",
    " ",
    "\t",
    "yes",
    "no",
    "NULL",
    "null",
    "true",
    "FALSE",
    "{not json",
    "[EXT] Ada",
    "@{never closed",
    "'single'",
    "back\\slash",
    "`tick`",
    "%2C%00",
    "<b>&amp;</b>",
    "12:30:00",
    "2026-11-24",
    "€ – “smart” ‘quotes’ …",
    "\xa0no-break\xa0",
    "#TYPE nothing",
    "sep=;",
    "<Secret>",
)
_BEYOND = (
    "emoji 👩‍💻🎉",
    "日本語",
    "e\u0301 and é",
    "\u200bzero width",
    "\u2028separator\u2029",
    "العربية",
    "\ufeffmark",
)
"""Cells that CP1252 has no letters for."""

_LARGE = "Größe-" * 16_667
"""A cell of 100 kB."""


@dataclass(frozen=True)
class Nasty:
    """A file, and for each row the parameters that must arrive, byte for byte; empty cells are left out."""

    path: Path
    encoding: str
    delimiter: str
    expected: tuple[dict[str, str], ...]


def write(
    folder: Path, encoding: str, delimiter: str, *, rows: int = 300, identities: Sequence[str] | None = None
) -> Nasty:
    """Write `rows` rows into a new file of `folder`; identities: whom they are about, in turn."""
    names = identities or [f"user{number}@contoso.com" for number in range(rows)]
    cells = list(_cells(encoding))
    name = {",": "comma", ";": "semicolon", "\t": "tab"}[delimiter]
    path = folder / f"nasty-{encoding}-{name}.csv"
    table = [
        [names[number % len(names)], *(cells[(number * 3 + column) % len(cells)] for column in range(3))]
        for number in range(rows)
    ]
    table[rows // 2][1] = _LARGE
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(PARAMETERS)
        writer.writerows(table)
    expected = tuple(
        {name: cell for name, cell in zip(PARAMETERS, row, strict=True) if cell} for row in table
    )
    return Nasty(path, encoding, delimiter, expected)


def _cells(encoding: str) -> Iterator[str]:
    yield from _CELLS
    yield ""
    if encoding != "cp1252":
        yield from _BEYOND
