"""Signing in with a browser: authorization codes with PKCE (RFC 6749, RFC 7636), as Entra speaks it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from bulkexo.sandbox import jws
from bulkexo.sandbox.aadsts import Answer, refusal
from bulkexo.sandbox.accounts import User

_LIFETIME: Final = 600.0
"""Seconds that a code is good for."""

MODES: Final = ("query", "form_post")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants of a person. since: `Holder.asked_since`. challenge: of PKCE, nothing for none."""

    client: str
    redirect: str
    scope: str
    mode: str
    state: str
    nonce: str
    challenge: str
    since: int

    def location(self, fields: Mapping[str, str]) -> str:
        """Where the browser is sent with `fields`, in mode `query`."""
        return f"{self.redirect}{'&' if '?' in self.redirect else '?'}{urlencode(fields)}"


@dataclass(slots=True)
class Code:
    """An authorization code that was given. used: redeemed before."""

    asked: Asked
    user: User
    expires: float
    used: bool = False


class Codes:
    """The codes that were given. now: seconds since the epoch."""

    def __init__(self) -> None:
        self._given: dict[str, Code] = {}

    def give(self, asked: Asked, user: User, now: float) -> str:
        """A code for the person's answer."""
        self._given = {code: each for code, each in self._given.items() if each.expires > now}
        code = "1." + secrets.token_urlsafe(48)
        self._given[code] = Code(asked, user, now + _LIFETIME)
        return code

    def redeem(self, form: Mapping[str, str], client: str, now: float) -> Code | Answer:
        """What the code of a token request stands for, once."""
        given = self._given.get(form.get("code", ""))
        if given is None or given.asked.client != client:
            return refusal(70000, parameter="code")
        if given.used:
            return refusal(54005)
        if given.expires <= now:
            return refusal(70008)
        if form.get("redirect_uri") != given.asked.redirect:
            return refusal(500112, redirect=form.get("redirect_uri"))
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = given.asked.challenge
        if challenge and not hmac.compare_digest(jws.encode(verifier), challenge):
            return refusal(501481)
        given.used = True
        return given


def usable(redirect: str) -> bool:
    """Whether an address is the one that native clients have: `http://localhost`, with any port and path."""
    try:
        parts = urlsplit(redirect)
        plain = parts.username is None and not parts.fragment and (parts.port or 80) > 0
    except ValueError:
        return False
    return plain and parts.scheme == "http" and parts.hostname == "localhost"


def wrong(query: Mapping[str, str]) -> Answer | None:
    """What is wrong with a request that can be told to the client itself."""
    if query.get("response_type") != "code":
        return refusal(70000, parameter="response_type")
    if query.get("response_mode", "query") not in MODES:
        return refusal(70000, parameter="response_mode")
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        return refusal(70000, parameter="code_challenge_method")
    return None
