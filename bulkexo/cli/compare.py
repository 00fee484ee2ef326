"""`bulkexo compare`: what changed from one run of a report to another."""

from __future__ import annotations

from pathlib import Path

import click

from bulkexo.cli.terminal import put, say
from bulkexo.model import UsageError


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
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

    Example:  bulkexo compare reports/sizes-2026-11-24 --with reports/sizes-2026-11-23

    changes.ndjson in RUN gets a line for each object that came, went, or whose values changed; the first 20
    are shown. An empty file means that nothing changed.
    """
    import orjson

    from bulkexo.report.changes import Wanted, compare_runs, earlier_run, names_of, whole_run
    from bulkexo.report.changes.words import NOTHING_EARLIER, as_text

    wanted = Wanted(names_of(ignore), _share(threshold))
    later = whole_run(run)
    other = earlier_run(later, earlier)
    if other is None:
        say(NOTHING_EARLIER)
        return 0
    changes = compare_runs(later, other, wanted)
    say(as_text(changes))
    if as_json:
        put(orjson.dumps(changes.as_object(), option=orjson.OPT_APPEND_NEWLINE))
    return 0


def _share(text: str | None) -> float:
    from bulkexo.report.changes import share_of

    try:
        return share_of(text) if text else 0.0
    except ValueError as error:
        raise UsageError(f"--threshold {text} does not fit. {error}") from None
