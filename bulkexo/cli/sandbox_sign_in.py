"""The options of `bulkexo sandbox` for its sign-in service."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bulkexo.sandbox.signin_options import SignInOptions

_SECONDS = click.FloatRange(0)

_OPTIONS = (
    click.option(
        "--credentials", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
        help="Folder for the app's certificate (PEM and PFX) and a federated token.",
    ),
    click.option(
        "--app-certificate", "app_certificates", multiple=True, metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Register this certificate with the app: its public half, PEM or DER; several allowed.",
    ),
    click.option(
        "--federated-lifetime", type=click.FloatRange(1), default=3600.0, show_default=True,
        help="Real seconds of a federated token; its file is rewritten in time.",
    ),
    click.option(
        "--approve-devices", metavar="UPN",
        help="Who signs in by device code or browser, without being asked.",
    ),
    click.option(
        "--device-interval", type=click.IntRange(1), default=5, show_default=True,
        help="Seconds between polls for a device code.",
    ),
    click.option(
        "--device-lifetime", type=_SECONDS, default=900.0, show_default=True,
        help="Real seconds that a device code is good for.",
    ),
    click.option(
        "--refresh-lifetime", type=_SECONDS, default=90 * 86400.0, show_default=True,
        help="Real seconds that a refresh token is good for.",
    ),
    click.option(
        "--managed-identity", is_flag=True,
        help="Serve managed identities by plain HTTP on loopback, as a machine and an App Service have them.",
    ),
    click.option(
        "--app-role", "app_roles", multiple=True,
        type=click.Choice(["Exchange.ManageAsApp", "Exchange.ManageAsAppV2"]),
        help="What the app is permitted; several allowed. Default: both.",
    ),
    click.option(
        "--missing", multiple=True, type=click.Choice(["app-role", "directory-role"]),
        help="What the callers lack: no app role is a 401, no directory role a 403.",
    ),
    click.option("--no-consent", is_flag=True, help="Nobody has consented to the app: AADSTS65001."),
    click.option(
        "--claims-challenge-after", type=_SECONDS, metavar="SECONDS",
        help="Revoke a tenant's access tokens, once, this long after its first one.",
    ),
    click.option(
        "--credentials-revoked-after", type=_SECONDS, metavar="SECONDS",
        help="Remove the app's secret and certificates this long after a tenant's first token.",
    ),
    click.option(
        "--sign-in-down", "down", type=(_SECONDS, _SECONDS), metavar="AFTER SECONDS",
        help="An outage of the sign-in, so long after the first token, for so long.",
    ),
)  # fmt: skip

_NAMES = (
    "credentials", "app_certificates", "federated_lifetime", "approve_devices", "device_interval",
    "device_lifetime", "managed_identity", "refresh_lifetime", "missing", "claims_challenge_after",
    "credentials_revoked_after", "down",
)  # fmt: skip


def sign_in_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options, for a command that takes them as keywords."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def sign_in(plain: dict[str, Any]) -> SignInOptions:
    """What the options say of the sign-in; they are taken out of `plain`."""
    from bulkexo.sandbox.signin_options import APP_ROLES, SignInOptions

    return SignInOptions(
        **{name: plain.pop(name) for name in _NAMES},
        app_roles=plain.pop("app_roles") or APP_ROLES,
        consent=not plain.pop("no_consent"),
        passphrase=os.environ.get("BULKEXO_SANDBOX_PASSPHRASE") or None,
    )
