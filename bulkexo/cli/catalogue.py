"""`bulkexo catalogue`: what is known of a cmdlet, and asking a tenant which of them it grants."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bulkexo.cli import loop
from bulkexo.cli.jobs import table_options
from bulkexo.cli.signing import places
from bulkexo.cli.terminal import put, say
from bulkexo.facts import (
    Way,
    destroys,
    identity_parameter,
    inverse,
    irreversible,
    needs_identity,
    twin,
)
from bulkexo.facts import catalogue as shipped
from bulkexo.facts.catalogue import Cmdlet
from bulkexo.facts.granted import Granted
from bulkexo.grants import recall, remember
from bulkexo.model import UsageError
from bulkexo.options import IDENTITY, PLACE
from bulkexo.refresh import ask
from bulkexo.tenants import Directory, Words
from bulkexo.wire.cmdlets import REPEATABLE, harm, repeatable, verb
from bulkexo.wire.doors import Host
from bulkexo.wire.repeat import done_before

WHERE = frozenset({"profile", "tenant", "ca_file"}) | IDENTITY | PLACE
"""The options of a run that say where the tenant is, and who signs in."""

SERVICES = {shipped.EXCHANGE: "Exchange Online", shipped.COMPLIANCE: "Security & Compliance"}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def catalogue() -> None:
    """What is known of the service's cmdlets: 941 of them, as shipped; and which of them a tenant grants.

    Example:  bulkexo catalogue show Set-Mailbox
    """


@catalogue.command()
@click.argument("name", metavar="CMDLET")
@table_options(WHERE)
def show(name: str, **given: Any) -> None:
    """What is known of a cmdlet: what names its object, what shows and what undoes it, and its parameters.

    Example:  bulkexo catalogue show Set-Mailbox

    With --tenant or --profile also what that tenant grants, if `bulkexo catalogue refresh` has asked it.
    """
    granted = recall(_directory(given).options.connection)
    known = granted.cmdlet(name) if granted else shipped.cmdlet(name)
    if known is None:
        like = shipped.nearest_cmdlet(name)
        hint = f"Did you mean {like}?" if like else "A tenant may know it: see bulkexo catalogue refresh."
        raise UsageError(f"{name} is not in the catalogue of cmdlets. {hint}")
    lines = [f"{known.name} ({', '.join(SERVICES.get(each, each) for each in known.service)})", ""]
    facts = dict(_facts(known, granted))
    width = max(map(len, facts))
    lines += [f"{title.ljust(width)}  {text}" for title, text in facts.items()]
    put("\n".join([*lines, "", *_table(known), ""]).encode())


@catalogue.command()
@table_options(WHERE)
@click.option("--compliance", is_flag=True, help="Ask Security & Compliance as well.")
def refresh(compliance: bool, **given: Any) -> None:
    """Ask a tenant which cmdlets and parameters it grants to who signs in, and keep the answer for `check`.

    Example:  bulkexo catalogue refresh --tenant contoso.onmicrosoft.com

    Nothing is changed there. From then on `check` and `run` tell what is not granted, and know what is new.
    """
    directory = _directory(given)
    (place,) = places(directory.tenants([]))
    hosts = (Host.EXCHANGE, Host.COMPLIANCE) if compliance else (Host.EXCHANGE,)
    granted, tenant = loop.run(ask, place, hosts, say)
    connection = place.identity.connection
    remember(granted, connection, {connection.tenant or tenant, tenant})
    parameters = sum(map(len, granted.cmdlets.values()))
    new = [name for name in granted.cmdlets if shipped.cmdlet(name) is None]
    say(f"{connection.tenant or tenant} grants {len(granted.cmdlets):,} cmdlets, {parameters:,} parameters.")
    if new:
        more = f", and {len(new) - 10:,} more" if len(new) > 10 else ""
        say(f"New to the catalogue: {', '.join(sorted(new)[:10])}{more}.")
    if connection.tenant is None:
        say(f"To have it used, name the tenant in jobs or options: --tenant {tenant}.")


def _directory(given: Mapping[str, Any]) -> Directory:
    return Directory.look(Words(given, os.environ, variables=os.environ), Path(), names_tenants=False)


def _facts(known: Cmdlet, granted: Granted | None) -> Iterator[tuple[str, str]]:
    """Titles and what they say."""
    name = known.name
    own = identity_parameter(name)
    needed = ", which it cannot do without" if needs_identity(name) else ""
    yield "Its object", f"named by {own}{needed}" if own else "there is one in the tenant"
    if verb(name) in REPEATABLE:
        yield "Twice", REPEATABLE[verb(name)] if repeatable(name) else harm(name)
    else:
        harmless = done_before(name)
        yield "Twice", harmless.why if harmless else harm(name)
    if (shows := twin(name)) is not None:
        yield "Shown by", shows.cmdlet
    if verb(name) not in ("get", "test", "search", "export"):
        yield "Undone by", _undone(name)
    if why := destroys(name):
        yield "Destroys", why
    if granted is not None:
        yield "Granted", _granted(known, granted)


def _undone(name: str) -> str:
    undoes = inverse(name)
    if undoes is None:
        return f"nothing: {irreversible(name)}"
    how = {Way.VALUES: " with the former values", Way.CREATED: ", which removes what it made"}
    lost = f"; it does not bring back {undoes.loses}" if undoes.loses else ""
    return f"{undoes.cmdlet}{how.get(undoes.way, '')}{lost}"


def _granted(known: Cmdlet, granted: Granted) -> str:
    when = f"as asked on {datetime.fromtimestamp(granted.at, UTC):%Y-%m-%d}"
    if granted.withholds(known.name):
        return f"no, {when}"
    names = granted.withheld(known.name, [each.name for each in known.parameters])
    lacking = f"; but not {', '.join(names)}" if names else ""
    return f"yes, {when}{lacking}"


def _table(known: Cmdlet) -> Iterator[str]:
    """A line for each parameter: its name, its type, where its value is seen."""
    shows = twin(known.name)
    rows = [("Parameter", "Type", "Shown as" if shows else "")]
    for each in known.parameters:
        shown = shows.shown(each.name) if shows and not shows.steers(each.name) else None
        rows.append(
            (f"{each.name}{' *' if each.required else ''}", each.type, shown.property if shown else "")
        )
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for first, second, third in rows:
        yield f"{first.ljust(widths[0])}  {second.ljust(widths[1])}  {third}".rstrip()
    if any(each.required for each in known.parameters):
        yield "* cannot be left out"
