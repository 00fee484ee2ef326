"""The options of a run and the keys of a job, from the tables that the program reads itself."""

from __future__ import annotations

from bulkexo.job import keys
from bulkexo.options import HEADINGS, IN_PROFILES, TABLE
from tools.reference.tables import code, escaped, table

PLACES = (
    ("At the top of a job", keys.TOP),
    ("In a step", (*keys.SHARED, *keys.SEQUEL)),
    ("In rows of a file", keys.FILE),
    ("In a question for rows", keys.ASKED),
    ("In an entry of tenants", keys.TENANTS),
    ("In the gate", keys.GATE),
    ("In the window", keys.WINDOW),
)


def job_keys() -> str:
    """A table for each place where keys stand."""
    parts = []
    for title, known in PLACES:
        rows = [(code(each.name), code(f"{each.name}: {each.example}"), each.words) for each in known]
        parts.append(f"### {title}\n\n{table(['key', 'for example', 'what it says'], rows)}")
    return "\n".join(parts)


def run_options() -> str:
    """A table for each heading of --help."""
    by_heading: dict[str, list[tuple[str, str, str]]] = {}
    rows: list[tuple[str, str, str]] = []
    for spec in TABLE:
        if spec.name in HEADINGS:
            rows = by_heading.setdefault(HEADINGS[spec.name], [])
        flag = code(f"{spec.flag} {spec.placeholder}".strip())
        rows.append((flag, escaped(spec.help), "yes" if spec.name in IN_PROFILES else ""))
    header = ["option", "what it does", "in a profile"]
    return "\n".join(f"## {heading}\n\n{table(header, rows)}" for heading, rows in by_heading.items())
