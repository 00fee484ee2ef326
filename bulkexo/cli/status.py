"""`bulkexo status`: how runs stand, from another terminal, be they alive or dead. It changes nothing."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulkexo.cli.completing import runs
from bulkexo.cli.terminal import put, say
from bulkexo.model import UsageError

if TYPE_CHECKING:
    from bulkexo.report.standing import Standing

LOOK_EVERY = 1.0
RUNS = Path("runs")


@click.command()
@click.argument("run", metavar="[RUN]", required=False, type=click.Path(path_type=Path), shell_complete=runs)
@click.option("--follow", is_flag=True, help="Go on telling, a line whenever there is news, until it ends.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object; with --follow, one a line.")
def status(run: Path | None, follow: bool, as_json: bool) -> int:
    """Tell how a run stands; RUN is its folder. Without RUN, or with a folder that holds several, they are
    listed: those under ./runs.

    Example:  bulkexo status runs/mailboxes-20261124T093000.123Z --follow

    A run whose process is gone without having come to its end is told as died, with the command that goes on
    with it. The exit code is 0 if all is well, 1 if items failed or are unknown (so far), and 3 if the run
    has stopped or died. Of several runs it is that of the worst.
    """
    from bulkexo.report.standing import as_table, standing, worst
    from bulkexo.runsin import runs_in

    if run is not None and ((run / "run.json").is_file() or not runs_in(run)):
        return _one(run, follow=follow, as_json=as_json)
    if follow:
        raise UsageError("--follow is for one run: name its folder.")
    now = time.time()
    several = [standing(each, now) for each in runs_in(run or RUNS)]
    if as_json:
        _put_json(*several, listed=True)
    elif several:
        put(f"{as_table(several, now)}\n".encode("utf-8", "replace"))
    else:
        say("There are no runs under ./runs: name the folder of one.")
    return worst(several)


def _one(run: Path, *, follow: bool, as_json: bool) -> int:
    from bulkexo.report.standing import RUNNING, as_line, standing

    told = None
    while True:
        seen = standing(run, time.time())
        if seen.state != RUNNING or not follow:
            return _end(seen, as_json=as_json)
        if (seen.told, seen.state) != told:
            told = (seen.told, seen.state)
            line = f"{datetime.now():%H:%M:%S}  {as_line(seen)}\n".encode("utf-8", "replace")
            if not (_put_json(seen) if as_json else put(line)):
                return seen.exit_code
        time.sleep(LOOK_EVERY)


def _end(seen: Standing, *, as_json: bool) -> int:
    from bulkexo.report.standing import as_text

    if as_json:
        _put_json(seen)
    else:
        put(f"{as_text(seen, time.time())}\n".encode("utf-8", "replace"))
    return seen.exit_code


def _put_json(*several: Standing, listed: bool = False) -> bool:
    import orjson

    from bulkexo.report.standing import as_object

    found = [as_object(each) for each in several]
    return put(orjson.dumps({"runs": found} if listed else found[0], option=orjson.OPT_APPEND_NEWLINE))
