"""`bulkexo login` and `bulkexo logout`: people, whose sign-in is kept for their runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bulkexo.cli.jobs import table_options
from bulkexo.cli.terminal import AtTerminal, say
from bulkexo.connection import Auth, Connection
from bulkexo.model import UsageError
from bulkexo.net.identity import Secrets
from bulkexo.net.identity.cache import forget_plain, keeper, kept, plain_file
from bulkexo.net.identity.people import People
from bulkexo.tenants import Directory, Words
from bulkexo.wire.hosts import scope

WHERE = frozenset({"profile", "tenant", "cloud", "endpoint", "authority", "ca_file", "client_id", "account"})
"""The options of a run that say where one signs in, and as whom."""


@click.command()
@table_options(WHERE)
@click.option("--device-code", is_flag=True, help="By a code that you enter on any device.")
@click.option("--browser", is_flag=True, help="In the browser of this machine.")
@click.option(
    "--insecure-cache", is_flag=True, help="Keep it in a plain file: anybody who reads it can sign in as you."
)
def login(device_code: bool, browser: bool, insecure_cache: bool, **given: Any) -> int:
    """Sign in as a person, once; runs with --auth device-code or --auth browser use it from then on.

    Example:  bulkexo login --tenant contoso.onmicrosoft.com

    The sign-in is kept by this system's keyring, encrypted. For unattended runs use an app.
    """
    if device_code and browser:
        raise UsageError("Give --device-code or --browser, not both.")
    way = Auth.BROWSER if browser or not (device_code or _screenless()) else Auth.DEVICE_CODE
    connection = _connection(given)
    cache = keeper(insecure=insecure_cache)
    people = People(connection, way, scope(connection.endpoint), Secrets(), cache)
    name = people.sign_in(AtTerminal())
    if insecure_cache:
        say(f"The sign-in is kept in the clear in {plain_file()}; bulkexo logout takes it away.")
    else:
        forget_plain()
    say(f"Signed in as {name}. Run jobs as {name} with --auth {way.value}.")
    return 0


@click.command()
@table_options(WHERE - {"tenant"})
def logout(**given: Any) -> int:
    """Forget who has signed in: everybody, or whom --account names.

    Example:  bulkexo logout
    """
    connection = _connection(given)
    if kept() is None:  # and nobody need be reached to know it
        say("Nobody was signed in.")
        return 0
    people = People(connection, Auth.DEVICE_CODE, scope(connection.endpoint), Secrets())
    names = people.sign_out()
    if not people.known():
        forget_plain()
    say(f"Signed out: {', '.join(names)}." if names else "Nobody was signed in.")
    return 0


def _connection(given: Mapping[str, Any]) -> Connection:
    return Directory.look(Words(given, os.environ), Path(), names_tenants=False).options.connection


def _screenless() -> bool:
    if sys.platform in ("win32", "darwin"):
        return False
    return not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
