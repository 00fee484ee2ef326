"""The keys of a YAML job, as tables: what may stand where, and what it means. The readers take the names from
here, and the reference in the docs its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Key:
    """A key. example: a value, as it would be written. words: what it is for; sentences."""

    name: str
    example: str
    words: str


SHARED: Final = (
    Key("cmdlet", "Set-Mailbox", "The cmdlet. Without it, at the top, the rows' column Cmdlet names it."),
    Key(
        "parameters",
        '{Identity: "${Id}"}',
        "Its parameters; `${Column}` takes a cell of the row. Without this key every column is a parameter.",
    ),
    Key(
        "secret", "[CustomAttribute1]", "Parameters whose values are shown nowhere. At the top: of all steps."
    ),
    Key("repeat", "unsafe", "Whether it may be sent again when its answer was lost: safe or unsafe."),
    Key("select", "[Alias, Office]", "The properties wanted of what it returns; without it all."),
    Key(
        "api",
        "v2.0",
        "Where it runs: v2.0 (the documented endpoints), exchange, or compliance (Security & Compliance) for "
        "a cmdlet that both have. At the top: of all steps that do not say it.",
    ),
)
"""At the top of a job, which is then one step, or in a step."""

RETRY: Final = Key(
    "retry_not_found",
    "10m",
    "For how long an object that is not found is asked for again. At the top: of all steps that do not say "
    "it.",
)
KEEP: Final = Key(
    "keep",
    "value.Enabled == true",
    "Which of the objects that it returns are kept: a condition of `value`, the object, and `row`.",
)
OF_ONE_STEP: Final = (KEEP, RETRY)
"""At the top of a job that is one step, too."""
SEQUEL: Final = (
    Key("name", "create", "What later steps call it: `${steps.create.Guid}`."),
    Key("when", "succeeded", "For which rows the step is: succeeded, failed, always, or a condition."),
    *OF_ONE_STEP,
)
"""In a step alone."""

COURSE: Final = (
    Key("waves", "[10, 500, 5%, rest]", "How many rows run first, and next; a share is of all rows."),
    Key("gate", "{failures: 2%}", "What stands between a wave and the next."),
    Key("window", '{from: "20:00", to: "06:00", tz: Europe/Zurich}', "The hours in which anything is sent."),
)
TOP: Final = (
    *SHARED,
    *OF_ONE_STEP,
    Key(
        "rows",
        "mailboxes.csv",
        "A file beside the job, a sheet, a list of mappings, or a question.",
    ),
    Key("steps", "[{cmdlet: Set-Mailbox}]", "Several cmdlets a row, in order, instead of one at the top."),
    Key("set", "{Office: Room 1}", "Parameters of every row. --set on the command line comes first."),
    Key("columns", "{Pin: {secret: true}}", "Columns whose cells are shown nowhere, nor what they make."),
    Key("tenant", "contoso.onmicrosoft.com", "The tenant: its initial domain or its GUID."),
    Key("tenants", "[contoso, fabrikam]", "Several tenants: a list of names, or the column that names them."),
    *COURSE,
)
"""At the top of a job, beside the options of a run."""

FILE: Final = (
    Key("file", "mailboxes.xlsx", "A file beside the job: .csv, .xlsx or .ndjson."),
    Key("sheet", "Leavers", "The sheet of a workbook; without it the first."),
)
"""Of a file with more to say than its name: under `rows:`."""

ASKED: Final = (
    Key("cmdlet", "Get-Mailbox", "A Get-, Search- or Test- cmdlet; every object that it returns is a row."),
    Key("parameters", "{RecipientTypeDetails: SharedMailbox}", "Its parameters."),
    Key("select", "[UserPrincipalName]", "The columns; without it the members of the first object."),
    Key("api", "v2.0", "Where it is asked."),
)
"""Of a question: under `rows:`."""

TENANTS: Final = (
    Key("tenant", "fabrikam.onmicrosoft.com", "The tenant; or `profile`, its profile in bulkexo.toml."),
    Key("profile", "contoso", "The same by the name of a profile."),
    Key("rows", "contoso.csv", "Rows of its own; without it those of the job."),
)
"""Of an entry in the list under `tenants:`; `tenants: {column: Tenant}` names a column instead."""

GATE: Final = (
    Key("failures", "2%", "How many rows of the wave, or what share, may have failed or be unknown."),
    Key("pause", "10m", "How long after the end of a wave the next one begins at the earliest."),
    Key("approve", "true", "A person says that it goes on: at the terminal, or by `resume --approve`."),
)
WINDOW: Final = (
    Key("from", '"20:00"', "From when, by the wall clock of the zone."),
    Key("to", '"06:00"', "Until when; it may be of the next day."),
    Key("tz", "Europe/Zurich", "The time zone."),
    Key("days", "mon-fri", "On which days it begins; without it every day."),
)


def names(keys: Sequence[Key]) -> tuple[str, ...]:
    """Their names, in order."""
    return tuple(key.name for key in keys)
