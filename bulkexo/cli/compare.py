"""`bulkexo compare`: what changed from one run of a report to another."""

from __future__ import annotations

from pathlib import Path

import click

from bulkexo.cli.completing import runs
from bulkexo.cli.terminal import put, say
from bulkexo.model import UsageError


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path), shell_complete=runs)
@click.option(
    "--with",
    "earlier",
    metavar="RUN",
    default="latest",
    help="The earlier run's folder, or latest (default): the newest before it of the same job, beside it.",
)
@click.option(
    "--ignore", metavar="NAMES", multiple=True, help="Columns that do not count, with commas; * is any text."
)
@click.option("--threshold", metavar="N%", help="Numbers and sizes count as changed from this share on.")
@click.option("--json", "as_json", is_flag=True, help="The counts as one JSON object on stdout.")
def compare(run: Path, earlier: str, ignore: tuple[str, ...], threshold: str | None, as_json: bool) -> int:
    """List what changed since an earlier run of the same report; RUN is the later one's folder.

    Example:  bulkexo compare reports/sizes-2026-11-24 --ignore LastLogonTime

    changes.ndjson in RUN gets a line for each object that came, went, or whose values changed; the first 20
    are shown. An empty file means that nothing changed.
    """
    import orjson

    from bulkexo.report.changes import Wanted, compare_runs, earlier_run, whole_run
    from bulkexo.report.changes.words import NOTHING_EARLIER, as_text
    from bulkexo.says import earlier as which
    from bulkexo.says import names, share

    try:
        wanted = Wanted(names(ignore) if ignore else (), share(threshold) if threshold else 0.0)
        named = which(earlier)
    except ValueError as error:
        raise UsageError(f"What is to be compared, and how, cannot be told. {error}") from None
    later = whole_run(run)
    other = earlier_run(later, named)
    if other is None:
        say(NOTHING_EARLIER)
        return 0
    changes = compare_runs(later, other, wanted)
    say(as_text(changes))
    if as_json:
        put(orjson.dumps(changes.as_object(), option=orjson.OPT_APPEND_NEWLINE))
    return 0
