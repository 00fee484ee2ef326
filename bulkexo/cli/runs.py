"""`bulkexo resume` and `bulkexo retry`: their words, at once; what they do stands in `again`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bulkexo.cli.jobs import Sectioned, run_options


@click.command(cls=Sectioned)
@run_options("run", "RUN")
@click.option(
    "--accept-changed-input", is_flag=True, help="Go on though the job's files have changed, row by row."
)
@click.option("--approve", is_flag=True, help="Let it go on with the next wave, where it waits for that.")
def resume(run: Path, accept_changed_input: bool, approve: bool = False, **given: Any) -> int:
    """Go on with a run that stopped; RUN is its folder.

    Example:  bulkexo resume runs/mailboxes-20261124T093000.123Z

    What has ended is not sent again. What was in flight is settled: sent again where that is harmless, else
    looked for, else reported as unknown. The options are those of the run; given here, they override.
    """
    from bulkexo.cli import again

    return again.resume(run, given, accept_changed=accept_changed_input, approve=approve)


@click.command(cls=Sectioned)
@run_options("run", "RUN")
def retry(run: Path, **given: Any) -> int:
    """A new run of the items that failed in RUN, or whose fate is unknown, from the original rows.

    Example:  bulkexo retry runs/mailboxes-20261124T093000.123Z

    Later steps that were skipped because of them go along. RUN itself stays as it is.
    """
    from bulkexo.cli import again

    return again.retry(run, given)
