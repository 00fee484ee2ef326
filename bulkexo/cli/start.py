"""Starting a run, be it new, gone on with, or of chosen items: sandbox, sign-in, progress, summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import orjson

from bulkexo.cli.progress import watch
from bulkexo.cli.terminal import put, say
from bulkexo.embedded import sandbox
from bulkexo.job import Checked, Job
from bulkexo.journal import Past, RunFolder
from bulkexo.journal.lock import lock
from bulkexo.model import UsageError
from bulkexo.net.tokens import Source, source
from bulkexo.options import Options
from bulkexo.report.summary import as_object, as_text, readable
from bulkexo.run import Run, Task


@dataclass(frozen=True, slots=True)
class Start:
    """What is to be started. settings: the options for run.json. The rest: see Task."""

    job: Job
    checked: Checked
    options: Options
    settings: Mapping[str, Any]
    past: Past | None = None
    first: Mapping[str, Any] = field(default_factory=dict)

    def task(self, folder: RunFolder, options: Options) -> Task:
        """The same in a folder, with the options that hold there."""
        resumed = bool(self.first)
        return Task(self.job, self.checked, options, folder, self._settings(), self.past, resumed, self.first)

    def _settings(self) -> dict[str, Any]:
        """The options, and the values of --set that are no secrets."""
        open_names = {name.lower() for name in self.job.describe()["set"]} - {
            name.lower() for name in self.job.secret_sets
        }
        texts = [text for text in self.options.set if text.partition("=")[0].strip().lower() in open_names]
        plain = {
            name: readable(value) if isinstance(value, str) else value
            for name, value in self.settings.items()
        }
        return {**plain, "set": texts}


def start(what: Start, out: Path | None) -> int:
    """A new run in `out`, or in a folder of its own name; the exit code."""
    folder = RunFolder.create(out or _default_folder(what.job.path))
    with lock(folder.path):
        folder.require_no_run()
        try:
            folder.choose(what.past.chosen if what.past else None)
        except OSError as error:
            raise UsageError(f"{folder.path} cannot be written ({error.strerror}).") from None
        return anyio.run(_run, what, folder)


def go_on(what: Start, folder: RunFolder) -> int:
    """A run that goes on in its folder, whose lock is held; the exit code."""
    return anyio.run(_run, what, folder)


async def _run(what: Start, folder: RunFolder) -> int:
    options = what.options
    if not options.sandbox:
        return await _run_on(what, folder, options, os.environ.get("BULKEXO_CLIENT_SECRET"))
    say("Starting the sandbox, a pretend tenant on this machine …")
    async with sandbox(_with_tenants(options.sandbox_options, list(what.checked.tenants))) as tenant:
        there = replace(
            options,
            endpoint=tenant.endpoint,
            authority=tenant.authority,
            tenant=tenant.tenant,
            ca_file=tenant.ca_file,
            client_id=tenant.client_id,
            token_file=None,
        )
        return await _run_on(what, folder, there, tenant.secret)


def _with_tenants(text: str, names: Sequence[str]) -> str:
    """The sandbox's options, with the tenants of the job that they do not name themselves."""
    missing = [name for name in names if name not in text]
    if names and "--domain" not in text and missing:
        text += f" --domain {missing.pop(0)}"
    return text + "".join(f" --tenant {name}" for name in missing)


async def _run_on(what: Start, folder: RunFolder, options: Options, secret: str | None) -> int:
    task = what.task(folder, options)
    try:
        run = Run(task, _sign_in(task, secret), watch(quiet=options.no_progress))
    except UsageError:
        if not task.resumed:
            folder.discard()
        raise
    report = await run.execute()
    say("\n" + as_text(report))
    if options.json:
        put(orjson.dumps(as_object(report), option=orjson.OPT_APPEND_NEWLINE))
    return report.exit_code


def _sign_in(task: Task, secret: str | None) -> Callable[[str], Source]:
    """How to sign in to each tenant of the run. Raises UsageError."""
    options = task.options
    token = None if options.sandbox else os.environ.get("BULKEXO_TOKEN")
    if len(task.checked.tenants) > 1 and (token or options.token_file):
        raise UsageError(
            f"A token is for one tenant, and the job names {len(task.checked.tenants)}. Sign in with "
            "--client-id and BULKEXO_CLIENT_SECRET of an app that all of them have consented to."
        )

    def of(tenant: str) -> Source:
        return source(
            token=token,
            token_file=options.token_file,
            client_id=options.client_id,
            secret=secret,
            tenant=tenant or options.tenant,
            authority=options.authority,
            endpoint=options.endpoint,
            ca_file=options.ca_file,
        )

    of(next(iter(task.checked.tenants), ""))  # what is missing is missing for all
    return of


def _default_folder(job: Path) -> Path:
    now = datetime.now(UTC)
    return Path("runs") / f"{job.stem}-{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z"
