"""What an access token says of itself. Read, never verified: the service does that."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson

APP_ROLES = frozenset({"Exchange.ManageAsApp", "Exchange.ManageAsAppV2"})
"""An app's permissions for this API (protocol.md, Identity and Endpoints)."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """tenant: its GUID (`tid`). upn: of the signed-in user, "" for an app. app: its id. audience: the service
    that it is for. user: their name, be it no UPN; app_name: of the app, as people see it; subject: the GUID
    of the user or the service principal. Each "" where the token does not say it. roles: the app's
    permissions, None where it is no app that says."""

    tenant: str = ""
    upn: str = ""
    app: str = ""
    roles: frozenset[str] | None = None
    audience: str = ""
    user: str = ""
    app_name: str = ""
    subject: str = ""


def bearer(token: str) -> Bearer:
    """Who the token speaks for; a token that is no JWT says nothing."""
    parts = token.split(".")
    if len(parts) != 3:
        return Bearer()
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return Bearer()
    if not isinstance(claims, dict):
        return Bearer()
    person = claims.get("idtyp") != "app"
    user = str(claims.get("upn") or "") if person else ""
    named = user or str(claims.get("unique_name") or claims.get("preferred_username") or "") if person else ""
    app = str(claims.get("appid") or claims.get("azp") or "")
    roles = claims.get("roles") or ()
    alone = bool(app) and not user and "scp" not in claims
    held = frozenset(map(str, roles)) if alone and isinstance(roles, list | tuple) else None
    return Bearer(
        tenant=str(claims.get("tid") or ""),
        upn=user,
        app=app,
        roles=held,
        audience=str(claims.get("aud") or ""),
        user=named,
        app_name=str(claims.get("app_displayname") or ""),
        subject=str(claims.get("oid") or ""),
    )


def why_refused(token: str) -> str:
    """What to do where the service refuses even a new token (protocol.md, Roles)."""
    who = bearer(token)
    if who.upn:
        remedy = f"Give {who.upn} a role of Exchange, such as Exchange Administrator."
    elif who.roles is not None and not who.roles & APP_ROLES:
        remedy = (
            f"The token of the app {who.app} does not hold Exchange.ManageAsApp: add that application "
            "permission (Office 365 Exchange Online), and have an administrator consent to it."
        )
    else:
        remedy = (
            "Check that the app has Exchange.ManageAsApp with admin consent, and a directory role such as "
            "Exchange Administrator."
        )
    return f"The service refuses a new token as well. {remedy} It can take an hour until a change counts."
