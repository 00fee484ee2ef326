"""What a run does when it is complete: it writes its tables, and lists what changed since an earlier run.

What that takes is imported where it is asked for: most runs do neither.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulkexo.dated import dated, is_dated, of_the_day
from bulkexo.model import BulkexoError, StoppedError, UsageError
from bulkexo.options import Options
from bulkexo.report.words import command
from bulkexo.says import LATEST

if TYPE_CHECKING:
    from bulkexo.journal import RunFolder
    from bulkexo.report.tables.export import Format
    from bulkexo.run import Report

EXTRAS = {"xlsx": ("xlsxwriter", "xlsx"), "parquet": ("pyarrow", "parquet")}
"""What a format needs: a module, and the extra that brings it."""
UNFINISHED = 3


@dataclass(slots=True)
class Ending:
    """What came of it. words: for a person. error: what went wrong. short: of the changes, for one line.
    members: for `--json`. code: the exit code; reason: for it, if it is another than that of the run."""

    code: int
    words: list[str] = field(default_factory=list)
    error: str = ""
    reason: str = ""
    short: str = ""
    members: dict[str, Any] = field(default_factory=dict)


def require(options: Options, job: Path, *, new: bool = True) -> None:
    """Before anything is sent: that all of it can be done. new: it is no run that goes on, which may have
    written its tables. Raises UsageError."""
    for path in options.export:
        kind = _format(path)
        module, extra = EXTRAS.get(kind.value, ("", ""))
        if module and importlib.util.find_spec(module) is None:
            raise UsageError(f'{path.name} cannot be written: pip install "bulkexo[{extra}]"')
        _require_room(dated(path, datetime.now().astimezone(), job.stem))
        if new and not is_dated(path) and path.exists():
            raise UsageError(
                f"{path} is there already, and is not written over. Put ${{date}} into its name, or take it "
                "away."
            )
    if options.telemetry:
        _require_telemetry()
    if options.workers is not None or options.cluster is not None:
        from bulkexo.cli.spreading import require_spread

        require_spread(options)
    if isinstance(options.compare_with, Path):
        from bulkexo.report.changes import whole_run

        whole_run(options.compare_with)
    if options.changed_exit_code is not None and options.compare_with is None:
        raise UsageError("--changed-exit-code is of a comparison: give --compare-with too.")


def _require_room(path: Path) -> None:
    """That a file can be made in the folder of a table, or in the one in which that will be. Nothing is left
    there."""
    folder = there = path.parent
    try:
        path.exists()  # a name that cannot be
        there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), folder)
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        why = (
            f"{there} is a file"
            if isinstance(error, NotADirectoryError)
            else f"{there}: {error.strerror or error}"
        )
        raise UsageError(
            f"No table can be written to {folder} ({why}). Name a folder where you may write by --export."
        ) from None


def _require_telemetry() -> None:
    try:
        from bulkexo.telemetry import require_protocol
    except ImportError:
        raise UsageError('--telemetry needs OpenTelemetry: pip install "bulkexo[otel]"') from None
    require_protocol(os.environ)


def finish(report: Report, options: Options, job: Path) -> Ending:
    """Do it, if the run is complete. What goes wrong then is told, and `resume` does the rest."""
    ending = Ending(report.exit_code)
    if report.state != "complete":
        return ending
    try:
        for path in options.export:
            _export(report.folder, path, job, ending)
        if options.compare_with is not None and not report.folder.chosen.exists():
            _compare(report.folder, options, ending)
        if options.export or options.compare_with is not None:
            _note(report.folder, finished=True)
    except BulkexoError as error:
        with suppress(BulkexoError):  # an earlier process may have done all that it was asked for
            _note(report.folder, finished=False)
        again = command("resume", report.folder.path)
        ending.error = f"{error} The run itself is complete; do what is missing of the rest: {again}"
        ending.code = UNFINISHED
        ending.reason = "what comes after the run could not be done"
    return ending


def unfinished(first: Mapping[str, Any]) -> bool:
    """Whether a run that is complete has still to write its tables, or to compare. first: its run.json."""
    options = first.get("options") or {}
    return bool(options.get("export") or options.get("compare_with")) and not first.get("finished")


def _note(folder: RunFolder, **members: Any) -> None:
    """Put members into run.json. Raises UsageError or StoppedError."""
    try:
        folder.write({**folder.read(), **members})
    except OSError as error:
        raise StoppedError(f"{folder.run_json} cannot be written ({error.strerror}). Make room.") from None


def _format(path: Path) -> Format:
    from bulkexo.report.tables.export import Format

    try:
        return Format(path.suffix.removeprefix(".").lower())
    except ValueError:
        raise UsageError(
            f"{path.name} names no table: let its end be one of .{', .'.join(Format)}."
        ) from None


def _export(folder: RunFolder, path: Path, job: Path, ending: Ending) -> None:
    """A table under the day on which the run began; a further one of that day gets a number. It is noted in
    run.json, so that it is written once."""
    from bulkexo.report.tables.export import Request, export_to

    first = folder.read()
    written: dict[str, str] = first.get("exports") or {}
    name = str(path.absolute())
    if name in written:
        return
    to = of_the_day(path, str(first["started"]), job)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{to.parent} cannot be made ({error.strerror}). Name a folder where you may write."
        ) from None
    summary = export_to(folder, Request(_format(path)), to)
    ending.words += [f"Table: {to} ({summary.rows:,} lines)", *summary.notes]
    ending.members.setdefault("exports", []).append(str(to))
    _note(folder, exports={**written, name: str(to)})


def _compare(folder: RunFolder, options: Options, ending: Ending) -> None:
    from bulkexo.report.changes import Wanted, compare_runs, earlier_run
    from bulkexo.report.changes.words import NOTHING_EARLIER, as_text, in_short

    other = earlier_run(folder, options.compare_with or LATEST)
    if other is None:
        ending.words.append(NOTHING_EARLIER)
        ending.members["changes"] = None
        return
    changes = compare_runs(folder, other, Wanted(options.ignore, options.threshold))
    ending.words.append(as_text(changes))
    ending.short = in_short(changes)
    ending.members["changes"] = changes.as_object()
    if changes.total and ending.code == 0 and options.changed_exit_code is not None:
        ending.code = options.changed_exit_code
        ending.reason = "something changed"
