"""`bulkexo undo`: a job from a run, to be looked at and then run."""

from __future__ import annotations

from pathlib import Path

import click

from bulkexo.cli.completing import runs
from bulkexo.cli.terminal import say
from bulkexo.journal import RunFolder
from bulkexo.journal.lock import lock
from bulkexo.options import IDENTITY, PLACE, TABLE
from bulkexo.report.undo import Summary, write_undo
from bulkexo.report.words import line_of

SHOWN = 5
WHERE = IDENTITY | PLACE | {"tenant", "ca_file", "profile", "sandbox", "sandbox_options"}
"""Options that say where the run was; the job that undoes it goes there too."""


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path), shell_complete=runs)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: undo.ndjson in RUN.")
@click.option("--including-created", is_flag=True, help="Remove what the run has made, too.")
def undo(run: Path, out: Path | None, including_created: bool) -> int:
    """Make a job that puts back what RUN has changed; RUN is its folder. Nothing is sent.

    Example:  bulkexo undo runs/mailboxes-20261124T093000.123Z

    The former values are those that `bulkexo run --keep-before` has kept. The job undoes what has succeeded,
    the last first; what it cannot put back stands in undo-left-out.csv beside it, with why.
    """
    folder = RunFolder(run)
    first = folder.read()
    job = out or run / "undo.ndjson"
    left_out = job.with_name(f"{job.stem}-left-out.csv")
    with lock(run):
        summary = write_undo(folder, job, left_out, created=including_created)
    say(_told(summary))
    if summary.left:
        say(f"Not put back:  {left_out}")
    if not summary.lines:
        return 0
    options = dict(first.get("options") or {})
    where = [
        word
        for spec in TABLE
        if spec.name in WHERE and options.get(spec.name)
        for word in ([spec.flag, str(options[spec.name])] if spec.placeholder else [spec.flag])
    ]
    say(f"The job:       {job}")
    if summary.ordered:
        where += ["--order", "file"]
        say(
            "Names change in it, or objects go: its lines depend on one another and run one by one, in order."
        )
    for word in ("check", "run"):
        say(f"{word.capitalize() + ' it with:':<15}{line_of(['bulkexo', word, str(job), *where])}")
    return 0


def _told(summary: Summary) -> str:
    lines = []
    if summary.lines:
        kinds = ", ".join(f"{count:,} × {name}" for name, count in summary.lines.most_common())
        lines.append(f"{summary.items:,} items can be undone, by {summary.lines.total():,} lines ({kinds}).")
    else:
        lines.append("There is nothing that can be undone.")
    for why, count in summary.left.most_common(SHOWN):
        lines.append(f"{count:>7,}  not put back: {why}")
    if len(summary.left) > SHOWN:
        lines.append(f"         … and {len(summary.left) - SHOWN} further reasons.")
    return "\n".join(lines)
