"""Runs that start from an earlier one: what `bulkexo resume` and `bulkexo retry` do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bulkexo.cli.jobs import JOB_KEYS, confirm, known_grants, notes
from bulkexo.cli.start import Start, go_on, start
from bulkexo.cli.terminal import hush, say, tell
from bulkexo.goingon import asked, changed, past_of
from bulkexo.job import load
from bulkexo.journal import Past, RunFolder
from bulkexo.journal.files import rewrite_failed
from bulkexo.journal.lock import lock
from bulkexo.journal.past import again
from bulkexo.model import UsageError
from bulkexo.options import NAMES, Layer
from bulkexo.report.words import many
from bulkexo.tenants import Directory, Words

OF_THE_WHOLE = frozenset({"export", "compare_with", "changed_exit_code"})
"""Options of a whole report, which a run of some of its rows is none of."""


def resume(run: Path, given: Mapping[str, Any], *, accept_changed: bool, approve: bool) -> int:
    """Go on with a run that stopped; the exit code. given: options of the command line."""
    folder = RunFolder(run)
    folder.read()
    with lock(run):
        first = folder.read()  # as the last one who had the lock has left it
        if approve and (first.get("waves") or {}).get("waiting") is None:
            raise UsageError("--approve is for a run that waits between two waves, and this one does not.")
        what = _again_with(folder, first, given, accept_changed=accept_changed)
        what = replace(what, approved=approve)
        job = what.job
        chosen = folder.read_chosen(what.checked.items)
        if changed(first, job):
            if chosen is not None:
                raise UsageError(
                    "This run is of chosen rows of a job that has changed since. Put back what it was, or "
                    f"run {folder.failed} anew."
                )
            confirm(what.checked, what.tenants)  # what was agreed to was another job
            first["input_changed"] = True  # from now on numbers of rows mean different rows in one file
            first.pop("connection_id", None)  # and would make the ids of other items' requests
        if job.questions:  # its rows were not read to the end, so nothing else was done either
            return go_on(replace(what, first=first), folder)
        past = past_of(folder, first, what.job, what.checked)
        past.choose(chosen)
        _tell(past)
        try:
            rewrite_failed(folder, past, job.items(), job.columns, job.secret_columns)
        except OSError as error:
            raise UsageError(
                f"{folder.failed} cannot be written ({error.strerror}). Close it where it is open, or "
                "make room."
            ) from None
        return go_on(replace(what, past=past, first=first), folder)


def retry(run: Path, given: Mapping[str, Any]) -> int:
    """A new run of the items that failed in one, or whose fate is unknown; the exit code."""
    folder = RunFolder(run)
    first = folder.read()
    first["options"] = {k: v for k, v in first.get("options", {}).items() if k not in OF_THE_WHOLE}
    with lock(run):
        what = _again_with(folder, first, {"on_unknown": "resend", **{k: v for k, v in given.items() if v}})
        past = again(past_of(folder, first, what.job, what.checked), what.job.steps)
    if past is None:
        say(f"Nothing failed in {run}: there is nothing to run again.")
        return 0
    confirm(what.checked, what.tenants)
    source = folder if asked(first["job"]) else None
    return start(replace(what, past=past, source=source), what.options.out)


def _again_with(
    folder: RunFolder, first: Mapping[str, Any], given: Mapping[str, Any], *, accept_changed: bool = False
) -> Start:
    """The job and the options of a run, checked anew. Raises UsageError if the job is not what it was."""
    try:
        kept, path = dict(first["options"]), Path(first["job"]["path"])
        secret_sets = list(first["job"]["secret_sets"])
    except (KeyError, TypeError):
        raise UsageError(
            "The run.json of this run lacks what is needed to go on. Restore it from a copy, or run "
            "the job anew."
        ) from None
    sets = [*kept.pop("set", []), *(given.get("set") or ())]
    named = {text.partition("=")[0].strip().casefold() for text in sets}
    missing = sorted(name for name in secret_sets if name.casefold() not in named)
    if missing:
        needed = " ".join(f"--set {name}=…" for name in missing)
        raise UsageError(f"A secret is kept nowhere, so give it once more: {needed}")
    cmdlet = given.get("cmdlet") or kept.get("cmdlet")
    answers = asked(first["job"])
    job = load(
        path,
        cmdlet=cmdlet,
        sets=sets,
        select=given.get("select") or kept.get("select"),
        sheet=given.get("sheet") or kept.get("sheet"),
        option_names=NAMES - JOB_KEYS,
        tenant_column=kept.get("tenant_column"),
        answers=folder.path if answers and all(each["sha256"] for each in answers) else None,
    )
    command_line = {**given, "set": tuple(sets)}
    words = Words(command_line, {}, Layer(kept), os.environ)
    recorded = first.get("profiles")
    directory = Directory.look(words, Path(), names_tenants=job.names_tenants, recorded=recorded)
    job.profiles = directory.profiles.by_name.keys()
    job.granted = known_grants(job, directory)
    checked = job.check()
    options = directory.options
    hush(options.quiet)
    notes(checked)
    if (others := changed(first, job)) and not accept_changed:
        raise UsageError(
            f"{' and '.join(others)} changed since the run began. Put back what it was; or go on all the "
            "same with --accept-changed-input: what has ended is then known by its cmdlet and parameters."
        )
    if options.dry_run:
        raise UsageError("--dry-run shows a job before it runs; what a run has left cannot be rehearsed.")
    return Start(job, checked, options, directory.tenants(list(checked.tenants)), words.stated())


def _tell(past: Past) -> None:
    """What was found in the folder."""
    if past.torn:
        tell(f"The last line of the results was torn ({past.torn:,} bytes) and is left out.")
    if past.strangers:
        one, more = "result belongs to a row that is", "results belong to rows that are"
        tell(f"{many(past.strangers, one, more)} no longer in the job.")
    done = many(sum(past.counts.values()), "item has ended", "items have ended")
    doubt = many(past.in_doubt, "was in flight and is settled first", "were in flight and are settled first")
    tell(f"Going on: {done}{f'; {doubt}' if past.in_doubt else ''}.")
