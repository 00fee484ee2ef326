"""`bulkexo run` and `bulkexo check`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bulkexo.cli.terminal import person_at, put, say
from bulkexo.model import UsageError
from bulkexo.options import NAMES, TABLE, Options, resolve

if TYPE_CHECKING:
    from bulkexo.job import Checked, Job

Function = TypeVar("Function", bound=Callable[..., Any])

READ_VERBS = ("get-", "test-", "search-")


def job_options(function: Function) -> Function:
    """The options of a job, from the one table of them; resolved later, with the environment and YAML."""
    for spec in reversed(TABLE):
        if spec.placeholder:
            option = click.option(
                spec.flag, metavar=spec.placeholder, multiple=spec.name == "set", help=spec.help
            )
        else:
            option = click.option(spec.flag, is_flag=True, default=None, help=spec.help)
        function = option(function)
    return click.argument("job", type=click.Path(path_type=Path))(function)


@click.command()
@job_options
def check(job: Path, **given: Any) -> None:
    """Read and check the whole job; send nothing.

    Example:  bulkexo check mailboxes.csv --cmdlet Set-Mailbox
    """
    _, loaded = _load(job, given)
    checked = loaded.check()
    for warning in checked.warnings:
        say(f"Note: {warning}")
    say(f"{job} can run: {_counts(checked)}.")


@click.command()
@job_options
def run(job: Path, **given: Any) -> int:
    """Run a job: every row a cmdlet, in batches; the outcome of each in results.ndjson.

    Example:  bulkexo run mailboxes.csv --cmdlet Set-Mailbox --tenant contoso.onmicrosoft.com

    Every option can also stand in the YAML (with _ for -) and in the environment (BULKEXO_RATE for --rate);
    the command line comes first, then the environment, then the YAML.
    """
    import anyio

    if _is_run(job):
        raise UsageError(f"{job} is the folder of a run. Give the job itself, or {job / 'failed.csv'}.")
    options, loaded = _load(job, given)
    checked = loaded.check()
    for warning in checked.warnings:
        say(f"Note: {warning}")
    if options.dry_run:
        from bulkexo.cli.dry_run import show

        show(loaded, checked, options)
        return 0
    _confirm(checked, options)
    return anyio.run(_run, job, loaded, checked, options)


def _is_run(path: Path) -> bool:
    try:
        return (path / "run.json").is_file()
    except OSError:  # a name that cannot be: the loader tells why
        return False


def _load(path: Path, given: Mapping[str, Any]) -> tuple[Options, Job]:
    from bulkexo.job import load

    first = resolve({name: given[name] for name in ("cmdlet", "set")}, os.environ)
    loaded = load(path, cmdlet=first.cmdlet, sets=first.set, option_names=NAMES - {"cmdlet", "set"})
    options = resolve(given, os.environ, loaded.options, loaded.options_where, path.parent)
    return options, loaded


def _counts(checked: Checked) -> str:
    kinds = ", ".join(f"{count:,} × {name}" for name, count in checked.by_cmdlet.items())
    return f"{checked.rows:,} rows, {checked.items:,} items ({kinds})"


def _confirm(checked: Checked, options: Options) -> None:
    """Ask once before changes, where somebody can answer; a scheduled run goes on."""
    writes = [name for name in checked.by_cmdlet if not name.lower().startswith(READ_VERBS)]
    if options.yes or options.sandbox or not writes or not person_at(sys.stdin, sys.stderr):
        return
    where = options.tenant or "the token's tenant"
    click.confirm(f"{_counts(checked)} will be sent to {where}. Go on?", abort=True, err=True)


async def _run(job: Path, loaded: Job, checked: Checked, options: Options) -> int:
    from dataclasses import replace

    from bulkexo.embedded import sandbox

    if not options.sandbox:
        return await _run_on(job, loaded, checked, options, os.environ.get("BULKEXO_CLIENT_SECRET"))
    say("Starting the sandbox, a pretend tenant on this machine …")
    async with sandbox(options.sandbox_options) as tenant:
        there = replace(
            options,
            endpoint=tenant.endpoint,
            authority=tenant.authority,
            tenant=tenant.tenant,
            ca_file=tenant.ca_file,
            client_id=tenant.client_id,
            token_file=None,
        )
        return await _run_on(job, loaded, checked, there, tenant.secret)


async def _run_on(job: Path, loaded: Job, checked: Checked, options: Options, secret: str | None) -> int:
    from bulkexo.cli.progress import watch
    from bulkexo.journal import RunFolder
    from bulkexo.net.tokens import source
    from bulkexo.report.summary import as_object, as_text
    from bulkexo.run import Run

    tokens = source(
        token=None if options.sandbox else os.environ.get("BULKEXO_TOKEN"),
        token_file=options.token_file,
        client_id=options.client_id,
        secret=secret,
        tenant=options.tenant,
        authority=options.authority,
        endpoint=options.endpoint,
        ca_file=options.ca_file,
    )
    folder = RunFolder.create(options.out or _default_folder(job))
    settings = _settings(options)
    report = await Run(
        loaded, checked, options, folder, tokens, settings, watch(quiet=options.no_progress)
    ).execute()
    say("\n" + as_text(report, str(job), options))
    if options.json:
        import orjson

        put(orjson.dumps(as_object(report), option=orjson.OPT_APPEND_NEWLINE))
    return report.exit_code


def _default_folder(job: Path) -> Path:
    now = datetime.now(UTC)
    return Path("runs") / f"{job.stem}-{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z"


def _settings(options: Options) -> dict[str, Any]:
    """The options for run.json; those of --set stand with the job, where secrets are known."""
    from dataclasses import asdict

    from bulkexo.report.summary import readable

    found = asdict(options)
    del found["set"]
    return {
        name: readable(str(value)) if isinstance(value, Path | str) else value
        for name, value in found.items()
    }
