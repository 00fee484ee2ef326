"""`bulkexo export`: seconds and peak memory of each format, for a run of few and of many objects.

    python benchmarks/tables.py --rows 10000 1000000

A run of Get-MailboxStatistics, 25 columns: sizes, dates, numbers, booleans, texts; one item in 500 has
failed. Target: at most 25 MB more for the larger run. Linux only, where /proc tells the peak.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bulkexo.journal import RunFolder
from bulkexo.journal.lines import line
from bulkexo.model import Failure, Item, Outcome, Status
from tests.e2e.memory import peak

FORMATS = ("csv", "ndjson", "parquet", "xlsx")
TARGET = 25.0
HOUR = 3600.0
FAILED_EVERY = 500
START = datetime(2018, 1, 1, tzinfo=UTC)
BROKEN = Failure("NotFound", "Some.ManagementObjectNotFoundException", "The object couldn't be found.")


def statistics(row: int) -> dict[str, Any]:
    """What Get-MailboxStatistics returns of a mailbox."""
    size, deleted = row * 7919 % (90 << 30), row * 104_729 % (1 << 30)
    seen = (START + timedelta(seconds=row * 3571 % 250_000_000)).isoformat().replace("+00:00", "Z")
    guid = f"{row:08x}-d765-45e4-a5be-2df267ef432e"
    return {
        "DisplayName": f"Mailbox {row} Ünïcode",
        "MailboxGuid": guid,
        "MailboxType": "Private",
        "MailboxTypeDetail": "SharedMailbox" if row % 5 == 0 else "UserMailbox",
        "ItemCount": row * 31 % 100_000,
        "TotalItemSize": f"{size / (1 << 20):.1f} MB ({size:,} bytes)",
        "DeletedItemCount": row % 1000,
        "TotalDeletedItemSize": f"{deleted / (1 << 20):.1f} MB ({deleted:,} bytes)",
        "AssociatedItemCount": row % 400,
        "LastLogonTime": seen,
        "LastInteractionTime": seen,
        "IsQuarantined": row % 1000 == 0,
        "IsArchiveMailbox": False,
        "StorageLimitStatus": None,
        "DatabaseName": f"EURPR07DG{row % 200}-db033",
        "ServerName": f"AM4PR07MB{row % 2000}.eurpr07a003.prod.outlook.com",
        "SystemMessageCount": 0,
        "MailboxTableIdentifier": f"/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn={guid}",
        "Identity": guid,
        "IsValid": True,
        "ObjectState": "Unchanged",
    }


def fill(folder: RunFolder, rows: int) -> None:
    """Write the files of such a run."""
    folder.path.mkdir()
    folder.write({"state": "complete", "started": "2026-11-24T09:30:00.000Z", "job": {"path": "job.csv"}})
    with folder.results.open("wb") as results:
        for row in range(1, rows + 1):
            failed = row % FAILED_EVERY == 0
            item = Item(row, 1, "Get-MailboxStatistics", f"mailbox{row}@contoso.onmicrosoft.com", {}, {})
            outcome = Outcome(
                item,
                Status.FAILED if failed else Status.SUCCEEDED,
                1,
                404 if failed else 200,
                1_800_000_000.0 + row,
                0.8,
                "2d0d1c4e-5c53-4f1c-9d6a-0f3a5a1f2b3c",
                () if failed else (statistics(row),),
                error=BROKEN if failed else None,
            )
            results.write(line(outcome))


def measure(folder: Path, rows: int, form: str) -> float:
    """Megabytes at the most; prints a line."""
    to = folder / f"table.{form}"
    began = time.monotonic()
    taken = peak("export", folder / "run", "--to", to, cwd=folder, env={}, limit=HOUR)
    seconds = time.monotonic() - began
    print(
        f"{form:<8}{rows:>12,}{seconds:>10,.1f}{rows / seconds:>12,.0f}{to.stat().st_size / 1e6:>10,.1f}"
        f"{taken:>10,.1f}",
        flush=True,
    )
    to.unlink()
    return taken


def main() -> int:
    """Measure each; 1 if one of them takes more memory for more rows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--formats", nargs="+", default=FORMATS, choices=FORMATS)
    options = parser.parse_args()
    print(f"{'format':<8}{'objects':>12}{'seconds':>10}{'per second':>12}{'MB':>10}{'peak MB':>10}")
    peaks: dict[str, list[float]] = {form: [] for form in options.formats}
    for rows in sorted(options.rows):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            fill(RunFolder(folder / "run"), rows)
            for form in options.formats:
                peaks[form].append(measure(folder, rows, form))
    grown = {form: each[-1] - each[0] for form, each in peaks.items()}
    for form, more in grown.items():
        print(f"{form}: {more:+.1f} MB, target {TARGET:.0f}: {'held' if more <= TARGET else 'MISSED'}")
    return int(max(grown.values()) > TARGET)


if __name__ == "__main__":
    sys.exit(main())
