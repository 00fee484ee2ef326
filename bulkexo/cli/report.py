"""`bulkexo report`, and the report at the end of a run."""

from __future__ import annotations

from pathlib import Path

import click

from bulkexo.cli.terminal import say, tell
from bulkexo.journal import RunFolder
from bulkexo.journal.lock import held
from bulkexo.model import UsageError

LONG = 50_000_000
"""Bytes of results from which on a report takes more than a moment."""


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: report.html in RUN.")
@click.option(
    "--all-items", is_flag=True, help="All items in its table, and not only those that are not fine."
)
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
def report(run: Path, out: Path | None, all_items: bool, opened: bool) -> int:
    """Make report.html of RUN, a run's folder: one file to read in a browser, to mail, or to print.

    Example:  bulkexo report runs/mailboxes-20261124T093000.123Z --open

    It tells what was asked, by whom and when, how the run ended, what failed and why, and what to do now. A
    run that is still under way is shown as it stands.
    """
    from bulkexo.report.html import write_report

    folder = RunFolder(run)
    live = folder.read().get("state") == "running" and held(run) is not False
    if (size := _length(folder.results)) > LONG:
        tell(f"Reading {folder.results} ({_size(size)}) …")
    made = write_report(folder, out or run / "report.html", everything=all_items, live=live)
    tell(f"Report: {made.path} ({_size(made.size)})")
    if made.items < made.total:
        say(f"Its table has the first {made.items:,} of {made.total:,} items; {folder.results} has them all.")
    if opened and click.launch(made.path.resolve().as_uri()) != 0:
        say("No browser could be started here: open the file yourself.")
    return 0


def at_end(folder: RunFolder) -> None:
    """The report of a run that has just ended. That it cannot be written changes nothing of the run."""
    from bulkexo.report.html import write_report

    try:
        made = write_report(folder, folder.path / "report.html")
    except UsageError as error:
        say(f"There is no report: {error}")
    else:
        tell(f"Report:          {made.path}")


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, size // 1000):,} kB"
