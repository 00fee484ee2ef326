"""One sandbox with many tenants, each with its own allowance, and a job over all of them."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.processes import Tenant
from tests.chaos.rows import Row
from tests.e2e.pretend import Pretend, pretend

COLUMNS = (
    "Tenant", "Cmdlet", "Identity", "Mailbox", "Name", "SubjectContainsWords", "MarkAsRead", "User",
    "AccessRights", "CustomAttribute1",
)  # fmt: skip

LEAST = 20.0
"""Cmdlets at once: two batches. Where no more than one has room, an item that was refused, sent again beside
a batch of others, is refused again, and again; that is a matter of the pace, not of the cluster."""


@dataclass(frozen=True, slots=True)
class Served:
    """A tenant. rows: of the job. allowance: cmdlets per second, burst: at once; None for no limit."""

    domain: str
    rows: int
    allowance: float | None = None
    burst: float = LEAST

    @property
    def option(self) -> str:
        """What the sandbox is told of it, after its domain."""
        limits = "allowance=none" if self.allowance is None else f"allowance={self.allowance}/s"
        return f"{limits},burst={self.burst:g},mailboxes={max(10, self.rows + 10)}"


def unequal(count: int, total: int, *, low: float, high: float) -> list[Served]:
    """So many tenants with `total` rows and allowances between `low` and `high`. The last has 5 times the
    rows of the first; the larger has the larger allowance, as in life."""
    weights = [1 + 4 * number / max(1, count - 1) for number in range(count)]
    found = []
    for number, weight in enumerate(weights, 1):
        rows, allowance = (
            round(total * weight / sum(weights)),
            round(low + (high - low) * (weight - 1) / 4, 2),
        )
        found.append(
            Served(f"t{number:04}.onmicrosoft.com", max(1, rows), allowance, max(LEAST, 2 * allowance))
        )
    return found


def even(count: int, rows: int, allowance: float | None = None) -> list[Served]:
    """So many tenants alike."""
    burst = max(LEAST, 2 * (allowance or 0.0))
    return [Served(f"t{number:04}.onmicrosoft.com", rows, allowance, burst) for number in range(1, count + 1)]


@dataclass(frozen=True, slots=True)
class Many:
    """A running sandbox with its tenants."""

    served: Sequence[Served]
    service: Tenant
    pretend: Pretend = field(repr=False)

    @property
    def guids(self) -> dict[str, str]:
        """Tenant's GUID → its domain: the sandbox's files have the first, results.ndjson the second."""
        tenants: list[dict[str, str]] = self.pretend.said["tenants"]  # type: ignore[assignment]
        return {each["tenant_id"]: each["tenant"] for each in tenants}

    def environment(self) -> dict[str, str]:
        """That of a run against it: nothing is learned by one run for the next."""
        own = {name: text for name, text in os.environ.items() if not name.startswith(("BULKEXO_", "DASK_"))}
        return {**own, **self.service.variables}


@contextmanager
def many(folder: Path, served: Sequence[Served], *options: str) -> Iterator[Many]:
    """A sandbox with these tenants, for the length of the block. options: of all of them."""
    arrivals = folder / "arrivals.ndjson"
    first, *others = served
    words = [
        *("--domain", first.domain, "--mailboxes", str(max(10, first.rows + 10))),
        *(() if first.allowance is None else ("--allowance", f"{first.allowance}/s")),
        *("--burst", f"{first.burst:g}", "--arrivals", str(arrivals)),
        *options,
    ]
    for each in others:
        words += ["--tenant", f"{each.domain},{each.option}"]
    with pretend(folder, " ".join(words)) as running:
        nowhere = folder / "no-cache"
        nowhere.write_text("a file, so that nothing is remembered in it", encoding="utf-8")
        variables = {**running.env, "XDG_CACHE_HOME": str(nowhere)}
        yield Many(
            served, Tenant(running.said["endpoint"], variables, running.journal_file, arrivals), running
        )


def rows_of(served: Sequence[Served], seed: int) -> list[Row]:
    """The job: the rows of all tenants in turn. Of ten rows, seven are safe to send twice; one of them
    concerns the mailbox of the row before. Of twenty, one is a New-InboxRule, which takes effect as often as
    it is sent, and whose fate takes up to three minutes to find out."""
    dice = random.Random(seed)
    left = {each.domain: _cells(each, dice) for each in served}
    rows: list[Row] = []
    while left:
        for domain, cells in list(left.items()):
            if (found := next(cells, None)) is None:
                del left[domain]
                continue
            rows.append(Row(len(rows) + 1, {"Tenant": domain, **found}))
    return rows


def _cells(tenant: Served, dice: random.Random) -> Iterator[dict[str, str]]:
    mailbox = ""
    for number in range(1, tenant.rows + 1):
        before, mailbox = mailbox, f"mailbox{number}@{tenant.domain}"
        text = f"v{number}-{tenant.domain}"
        match dice.randrange(20):
            case 0:
                yield {
                    "Cmdlet": "New-InboxRule",
                    "Mailbox": mailbox,
                    "Name": f"rule {text}",
                    "SubjectContainsWords": "report",
                    "MarkAsRead": "true",
                }
            case 1 | 2 | 3 | 4 | 5:
                yield {
                    "Cmdlet": "Add-MailboxPermission",
                    "Identity": mailbox,
                    "User": f"mailbox{tenant.rows + 1}@{tenant.domain}",
                    "AccessRights": "ChangePermission",
                }
            case 6 | 7 if before:
                mailbox = before
                yield {"Cmdlet": "Set-Mailbox", "Identity": before, "CustomAttribute1": f"later {text}"}
            case _:
                yield {"Cmdlet": "Set-Mailbox", "Identity": mailbox, "CustomAttribute1": text}


def write(rows: Sequence[Row], path: Path) -> None:
    """The job as a CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(row.cells for row in rows)
