"""The end of a run in words for a person, and as one object for a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bulkexo.described import counts
from bulkexo.model import Status
from bulkexo.report.words import command, duration, readable
from bulkexo.run import Report
from bulkexo.schedule import Tally

KINDS_SHOWN = 8
TENANTS_SHOWN = 8


def as_object(report: Report) -> dict[str, Any]:
    """What `--json` prints: counts by the names of run.json, times in seconds, rate in items per second."""
    return {
        "state": report.state,
        "reason": report.reason,
        "exit_code": report.exit_code,
        "run": readable(str(report.folder.path)),
        "seconds": round(report.seconds, 3),
        "items_per_second": round(_rate(report), 2),
        **counts(report),
        "failures": [
            {
                "cmdlet": cmdlet,
                "type": kind,
                "count": count,
                "example": _example(report.tally, (cmdlet, kind)),
            }
            for (cmdlet, kind), count in report.tally.kinds.most_common()
        ],
        **({"tenants": _by_tenant(report)} if len(report.names) > 1 else {}),
    }


def as_text(report: Report) -> str:
    """Some lines for the terminal: how it ended, what failed and why, where the files are, what to do now."""
    tally = report.tally
    lines = [_headline(report), _ended(report)]
    done = tally.done - report.before - tally.unsent
    if tally.sent > done:
        pages = f"{tally.pages:,} further pages, " if tally.pages else ""
        pages += f"{tally.reads:,} reads before, " if tally.reads else ""
        attempts = max(0, tally.sent - tally.pages - tally.reads - done)  # what was skipped was not sent
        lines.append(
            f"Sendings: {tally.sent:,} for {done:,} items ({pages}{attempts:,} further attempts, "
            f"{tally.refused:,} throttled by the service)."
        )
    if tally.kinds:
        lines += ["", "Failed, by kind:", *_kinds(tally)]
    if len(report.names) > 1:
        lines += ["", *_tenants(report)]
    lines += ["", f"Results:         {report.folder.results}"]
    if report.folder.pages.exists():
        lines.append(f"Long lists:      {report.folder.pages}")
    if tally.trouble:
        lines.append(f"Failed rows:     {report.folder.failed}")
        if unknown := tally.by_status[Status.UNKNOWN]:
            lines.append(f"Look first at the {unknown:,} unknown: they may have taken effect.")
        if report.state == "complete":
            lines.append(f"Run these again: {command('retry', report.folder.path)}")
    if report.state != "complete":
        approval = " --approve" if report.needs_approval else ""
        lines.append(f"Go on with it:   {command('resume', report.folder.path)}{approval}")
    if report.unwritten:
        lines.append(
            f"{report.unwritten:,} of those that ended have no line either: the disk did not take it."
        )
    return "\n".join(lines)


def as_line(report: Report, job: str) -> str:
    """One line for the mail of a scheduler, and the last of a log: which job, how it ended and why with that
    exit code, the counts, how long it took, and where the rest stands."""
    state = "complete" if report.state == "complete" else "stopped"
    reason = report.reason or ("some items failed or are unknown" if report.exit_code else "all went well")
    tally = report.tally
    words = [f"{number:,} {status}" for status in Status if (number := tally.by_status[status])]
    counts = ", ".join([f"{tally.done:,} of {report.total:,} items", *words])
    return (
        f"{job} {state}: {counts}, in {duration(report.seconds)}; exit code {report.exit_code} "
        f"({' '.join(reason.split()).rstrip('.')}); {readable(str(report.folder.path))}"
    )


def _headline(report: Report) -> str:
    done, total = report.tally.done, report.total
    if report.state == "complete":
        items = "item" if done == 1 else "items"
        earlier = f"; {report.before:,} of them had ended before" if report.before else ""
        took = f"{duration(report.seconds)} ({_rate(report):.1f} items/s)"
        return f"Complete: {done:,} {items} in {took}{earlier}."
    left = total - done + report.unwritten
    return (
        f"Stopped before the end. {report.reason} {done:,} of {total:,} items ended in "
        f"{duration(report.seconds)}; {left:,} have no line in the results and are still to be done."
    )


def _ended(report: Report) -> str:
    figures = [(report.tally.by_status[status], status) for status in Status]
    words = [
        f"{number:,} {status}" for number, status in figures if number or status in ("succeeded", "failed")
    ]
    return ", ".join(words) + "."


def _kinds(tally: Tally) -> Sequence[str]:
    lines = []
    for (cmdlet, kind), count in tally.kinds.most_common(KINDS_SHOWN):
        example = tally.examples[cmdlet, kind]
        place = f"row {example.item.row}" + (f", {example.item.identity}" if example.item.identity else "")
        lines.append(f"{count:>7,}  {cmdlet}  {kind.rpartition('.')[2]}")
        lines.append(f"         {_short(_example(tally, (cmdlet, kind)))} ({place})")
    if len(tally.kinds) > KINDS_SHOWN:
        lines.append(f"         … and {len(tally.kinds) - KINDS_SHOWN} further kinds.")
    return lines


def _by_tenant(report: Report) -> dict[str, dict[str, int]]:
    """What has ended in this process, by tenant."""
    return {
        name: {
            "ended": tally.done,
            **{status.value: tally.by_status[status] for status in Status},
            "sent": tally.sent,
            "throttled": tally.refused,
        }
        for name, tally in zip(report.names, report.tallies, strict=True)
    }


def _tenants(report: Report) -> Sequence[str]:
    """How the tenants did in this process: those with the most failures one by one."""
    pairs = [each for each in zip(report.names, report.tallies, strict=True) if each[1].trouble]
    troubled = sorted(pairs, key=lambda each: (-each[1].trouble, each[0]))
    now = ", in this process" if report.before else ""
    if not troubled:
        return [f"Tenants{now}: {len(report.names):,}, and nothing failed in any."]
    lines = [f"Tenants{now}: {len(report.names):,}, of which {len(troubled):,} had failures:"]
    for name, tally in troubled[:TENANTS_SHOWN]:
        unknown = tally.by_status[Status.UNKNOWN]
        unsure = f", {unknown:,} of them unknown" if unknown else ""
        lines.append(f"{tally.trouble:>7,}  {name}, of {tally.done:,} that ended{unsure}")
    if len(troubled) > TENANTS_SHOWN:
        lines.append(f"         … and {len(troubled) - TENANTS_SHOWN:,} further tenants: see the report.")
    return lines


def _example(tally: Tally, kind: tuple[str, str]) -> str:
    error = tally.examples[kind].error
    return error.message if error else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:157] + "…"


def _rate(report: Report) -> float:
    return (report.tally.done - report.before) / report.seconds if report.seconds else 0.0
