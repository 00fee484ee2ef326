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
from bulkexo.cli.terminal import put, say, somebody
from bulkexo.connection import Auth, Connection
from bulkexo.embedded import sandbox
from bulkexo.job import Checked, Job
from bulkexo.journal import Past, RunFolder
from bulkexo.journal.lock import lock
from bulkexo.model import UsageError
from bulkexo.net.identity import Identity, Secrets, way
from bulkexo.options import Options
from bulkexo.report.summary import as_object, as_text, readable
from bulkexo.run import Run, Task
from bulkexo.wire.hosts import scope


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
    sign_in = _sign_in(what)
    folder = RunFolder.create(out or _default_folder(what.job.path))
    with lock(folder.path):
        folder.require_no_run()
        try:
            folder.choose(what.past.chosen if what.past else None)
        except OSError as error:
            raise UsageError(f"{folder.path} cannot be written ({error.strerror}).") from None
        return anyio.run(_run, what, folder, sign_in)


def go_on(what: Start, folder: RunFolder) -> int:
    """A run that goes on in its folder, whose lock is held; the exit code."""
    return anyio.run(_run, what, folder, _sign_in(what))


SignIn = Callable[[str], Identity]
"""Who signs in to a tenant, by its name."""


async def _run(what: Start, folder: RunFolder, sign_in: SignIn | None) -> int:
    if sign_in is not None:
        return await _run_on(what, folder, what.options, sign_in)
    say("Starting the sandbox, a pretend tenant on this machine …")
    async with sandbox(_with_tenants(what.options.sandbox_options, list(what.checked.tenants))) as tenant:
        there = Connection(
            tenant=tenant.tenant,
            endpoint=tenant.endpoint,
            compliance=tenant.compliance,
            authority=tenant.authority,
            ca_file=tenant.ca_file,
            auth=Auth.SECRET,
            client_id=tenant.client_id,
        )
        secrets = Secrets({"BULKEXO_CLIENT_SECRET": tenant.secret})
        return await _run_on(what, folder, _in(there, what.options), _by_name(there, secrets))


def _in(there: Connection, options: Options) -> Options:
    """The options of a run that goes there."""
    return replace(
        options,
        tenant=there.tenant,
        endpoint=there.endpoint,
        compliance_endpoint=there.compliance,
        authority=there.authority,
        ca_file=there.ca_file,
    )


def _with_tenants(text: str, names: Sequence[str]) -> str:
    """The sandbox's options, with the tenants of the job that they do not name themselves."""
    missing = [name for name in names if name not in text]
    if names and "--domain" not in text and missing:
        text += f" --domain {missing.pop(0)}"
    return text + "".join(f" --tenant {name}" for name in missing)


async def _run_on(what: Start, folder: RunFolder, options: Options, sign_in: SignIn) -> int:
    report = await Run(what.task(folder, options), sign_in, watch(quiet=options.no_progress)).execute()
    say("\n" + as_text(report))
    if options.json:
        put(orjson.dumps(as_object(report), option=orjson.OPT_APPEND_NEWLINE))
    return report.exit_code


def _sign_in(what: Start) -> SignIn | None:
    """How to sign in to each tenant of the run, None in the sandbox, which tells it itself. What is missing
    is told, and a person asked, before the run has begun. Raises UsageError or SignInError."""
    connection = what.options.connection
    if what.options.sandbox:
        return None
    secrets = Secrets(os.environ, somebody())
    tenants = list(what.checked.tenants)
    if len(tenants) > 1 and way(connection, secrets) is Auth.TOKEN:
        raise UsageError(
            f"A token is for one tenant, and the job names {len(tenants)}. Sign in with --client-id and the "
            "certificate or the secret of an app that all of them have consented to."
        )
    of = _by_name(connection, secrets)
    first = of(next(iter(tenants), ""))
    first.source(scope(first.connection.endpoint))  # what is missing is missing for all
    return of


def _by_name(connection: Connection, secrets: Secrets) -> SignIn:
    return lambda name: Identity(replace(connection, tenant=name or connection.tenant), secrets)


def _default_folder(job: Path) -> Path:
    now = datetime.now(UTC)
    return Path("runs") / f"{job.stem}-{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z"
