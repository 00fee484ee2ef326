"""What an access token says of itself. Read, never verified: the service does that."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Bearer:
    """tenant: its GUID (`tid`). upn: of the signed-in user, "" for an app. app: its id. Each "" where the
    token does not say it."""

    tenant: str = ""
    upn: str = ""
    app: str = ""


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
    user = "" if claims.get("idtyp") == "app" else str(claims.get("upn") or "")
    return Bearer(str(claims.get("tid") or ""), user, str(claims.get("appid") or claims.get("azp") or ""))
