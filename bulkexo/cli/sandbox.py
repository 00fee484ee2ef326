"""`bulkexo sandbox`: serve a pretend tenant on this machine. Words and options only; imports late."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bulkexo.cli.sandbox_sign_in import sign_in, sign_in_options

if TYPE_CHECKING:
    from bulkexo.sandbox.faults import Faults
    from bulkexo.sandbox.options import Announcement, SandboxOptions

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="Serve a pretend tenant on this machine.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; 0 finds a free one."
)
@click.option(
    "--compliance-port", type=click.IntRange(0, 65535), default=0,
    help="Port of Security & Compliance; 0 finds a free one.",
)  # fmt: skip
@click.option(
    "--region", default="eur01b", show_default=True,
    help="Where Security & Compliance sends everyone on to: REGION.localhost, same port.",
)  # fmt: skip
@click.option(
    "--mailboxes", type=click.IntRange(1), default=2500, show_default=True, help="How many mailboxes."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same tenant.")
@click.option(
    "--domain", default="contoso.onmicrosoft.com", show_default=True, help="The tenant's initial domain."
)
@click.option(
    "--synced", type=click.FloatRange(0, 100), default=0.0, show_default=True, metavar="PERCENT",
    help="People mastered on-premises: writes of their attributes are refused.",
)  # fmt: skip
@click.option(
    "--tenant", "tenants", multiple=True, metavar="DOMAIN[,KEY=VALUE…]",
    help="One more tenant; several allowed. KEY: mailboxes, synced, allowance, burst, max-concurrent, "
    "budget, seed. "
    "What is not said is as for the first; `none` lifts a limit.",
)  # fmt: skip
@click.option(
    "--speed", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True,
    help="Times faster than life: divides every wait, multiplies every rate; lifetimes stay.",
)  # fmt: skip
@click.option(
    "--latency", multiple=True, metavar="[CMDLET=]MEDIAN[,SIGMA]",
    help="Seconds a cmdlet takes, log-normal; several allowed. Default: 0.5,0.5.",
)  # fmt: skip
@click.option(
    "--batch-parallel", type=click.IntRange(1), default=10, show_default=True,
    help="Cmdlets of one batch that overlap; nobody knows the service's own number.",
)  # fmt: skip
@click.option(
    "--language", type=click.Choice(["en", "de"]), default="en", show_default=True,
    help="Of messages, unless Accept-Language asks for English.",
)  # fmt: skip
@click.option(
    "--read-lag", type=click.FloatRange(0), default=0.0, show_default=True, metavar="SECONDS",
    help="How late reads see what was written.",
)  # fmt: skip
@click.option("--rate-limit-headers", is_flag=True, help="Answers tell what is left of the allowance.")
@click.option("--allowance", metavar="N/s", help="Cmdlets per second before 429s come. Default: no limit.")
@click.option(
    "--burst", type=click.FloatRange(1), help="Cmdlets at once. Default: a second's worth, 10 at least."
)
@click.option(
    "--throttle-style", type=click.Choice(["whole", "inside", "mixed"]), default="mixed", show_default=True,
    help="A 429 for the whole request, or for items inside the batch.",
)  # fmt: skip
@click.option(
    "--retry-after", type=click.Choice(["exact", "short", "none", "fraction", "date"]), default="exact",
    show_default=True, help="What a 429 says of the wait; `short` is too short.",
)  # fmt: skip
@click.option("--max-concurrent", type=click.IntRange(1), help="Requests in flight. Default: no limit.")
@click.option(
    "--budget", metavar="RECHARGE,CUTOFF[,BURST]",
    help="Server time in ms: per hour, the debt that refuses, what is saved up (default: a tenth of CUTOFF).",
)  # fmt: skip
@click.option(
    "--token-lifetime", type=click.FloatRange(1), default=3600.0, show_default=True, help="Real seconds."
)
@sign_in_options
@click.option(
    "--cursor-lifetime", type=click.FloatRange(0), default=300.0, show_default=True,
    help="Real seconds that a nextLink is good for.",
)  # fmt: skip
@click.option(
    "--rotate-key-every", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
    help="Real seconds until SecureStrings need a new key; the one before stays good. Default: never.",
)  # fmt: skip
@click.option(
    "--faults", metavar="FILE|N", help="YAML or JSON: kind to per mille; or N per mille of all kinds."
)
@click.option("--journal", type=_FILE, help="NDJSON: a line per cmdlet that took effect.")
@click.option("--arrivals", type=_FILE, help="NDJSON: a line per cmdlet that came, whatever became of it.")
@click.option("--ca-file", type=_FILE, help="Where the CA certificate goes. Default: a temporary folder.")
@click.option(
    "--list-mailboxes", type=_FILE, help="Write all mailboxes to this CSV file (- for stdout) and end."
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON on stdout once it serves.")
@click.option("--stop-with-stdin", is_flag=True, help="End when standard input is closed.")
def sandbox(
    latency: tuple[str, ...],
    allowance: str | None,
    budget: str | None,
    faults: str | None,
    tenants: tuple[str, ...],
    list_mailboxes: Path | None,
    as_json: bool,
    stop_with_stdin: bool,
    **plain: Any,
) -> None:
    """Serve a pretend Exchange Online tenant over HTTPS on this machine, to try jobs on.

    Example:  bulkexo sandbox --mailboxes 500 --allowance 40/s --faults 20

    It answers as the service does, keeps what is written until it ends, and can throttle, stall and fail
    as the service might. The client secret is random unless BULKEXO_SANDBOX_SECRET gives one; so is the
    passphrase of the encrypted files of --credentials unless BULKEXO_SANDBOX_PASSPHRASE does.
    docs/sandbox-sign-in.md lists the addresses that approve, revoke and fail.
    """
    from dataclasses import replace

    from bulkexo.sandbox.options import SandboxOptions, parse_allowance, parse_budget, parse_tenant
    from bulkexo.sandbox.timing import parse_latency

    try:
        signin = sign_in(plain)
        options = SandboxOptions(
            **plain,
            latency=parse_latency(latency),
            allowance=None if allowance is None else parse_allowance(allowance),
            budget=None if budget is None else parse_budget(budget),
            faults=_faults(faults),
            secret=os.environ.get("BULKEXO_SANDBOX_SECRET") or None,
            signin=signin,
        )
        options = replace(options, others=tuple(parse_tenant(tenant, options) for tenant in tenants))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if list_mailboxes is not None:
        _list(options, list_mailboxes)
        return
    try:
        _serve(options, as_json=as_json, stop_with_stdin=stop_with_stdin)
    except OSError as error:
        what = f" ({error.filename})" if error.filename else ""
        raise click.UsageError(
            f"The sandbox cannot start: {error.strerror or error}{what}. Choose another port or file."
        ) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _faults(text: str | None) -> Faults:
    """What `--faults` says. Raises ValueError with a sentence."""
    from bulkexo.sandbox.faults import Faults, parse_faults, spread

    if text is None:
        return Faults()
    try:
        number = float(text)
    except ValueError:
        number = None
    if number is not None:
        return spread(number)
    import yaml

    try:
        return parse_faults(yaml.safe_load(Path(text).read_text(encoding="utf-8")))
    except OSError as error:
        raise ValueError(f"The faults file '{text}' cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"The faults file '{text}' is not YAML: {error}") from error


def _list(options: SandboxOptions, path: Path) -> None:
    from bulkexo.sandbox.process import write_mailboxes

    try:
        with click.open_file(str(path), "w", encoding="utf-8") as out:
            write_mailboxes(options, out)
    except BrokenPipeError:
        raise  # whoever read it wants no more
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}. Name another file.") from error


def _serve(options: SandboxOptions, *, as_json: bool, stop_with_stdin: bool) -> None:
    import anyio

    from bulkexo.sandbox.process import announcement, serve_until_stopped, words

    def ready(served: Announcement) -> None:
        click.echo(words(served, options), err=True)
        if as_json:
            sys.stdout.write(json.dumps(announcement(served)) + "\n")
            sys.stdout.flush()

    async def main() -> None:
        await serve_until_stopped(options, ready, stop_with_stdin=stop_with_stdin)

    anyio.run(main)
