"""How the application proves who it is: a secret, a certificate, or a token of another issuer.

`protocol.md`, "Identity"; what an assertion must say: Entra's "certificate credentials". An assertion may
come more than once: msal uses the same one for nine minutes, and Entra accepts it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from bulkexo.sandbox import jws
from bulkexo.sandbox.aadsts import Answer, refusal
from bulkexo.sandbox.material import AUDIENCE, ISSUER, SUBJECT, Material
from bulkexo.sandbox.options import CLIENT_ID

_SKEW: Final = 300
"""Seconds by which a client's clock may be wrong."""

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
WAYS: Final = ("secret", "certificate", "federated")


class State(StrEnum):
    """What has become of a way in."""

    VALID = "valid"
    REMOVED = "removed"
    EXPIRED = "expired"


class Proofs:
    """What the application is registered with. states: of each of WAYS; changed at will."""

    def __init__(
        self, secret: str, certificates: Sequence[x509.Certificate], material: Material | None
    ) -> None:
        self.secret = secret
        self.states = dict.fromkeys(WAYS, State.VALID)
        self._certificates = [*certificates, *([] if material is None else [material.certificate])]
        self._material = material

    def check(
        self, form: Mapping[str, str], basic: str, own: Callable[[str], bool], now: float
    ) -> str | Answer:
        """The way in which a token request proves that it is the application's, or the refusal.

        basic: the Authorization header, if any. own: whether an assertion's audience is this tenant's.
        """
        assertion = form.get("client_assertion", "")
        if assertion or form.get("client_assertion_type"):
            if form.get("client_assertion_type") != JWT_BEARER or not assertion:
                return refusal(90014, parameter="client_assertion_type")
            return self._assertion(assertion, own, now)
        secret = form.get("client_secret", "")
        if basic.lower().startswith("basic "):
            secret = credentials(basic)[1]
        if not secret:
            return refusal(7000218)
        if self.states["secret"] is State.REMOVED or not hmac.compare_digest(
            secret.encode(), self.secret.encode()
        ):
            return refusal(7000215, client=CLIENT_ID)
        if self.states["secret"] is State.EXPIRED:
            return refusal(7000222, client=CLIENT_ID)
        return "secret"

    def _assertion(self, assertion: str, own: Callable[[str], bool], now: float) -> str | Answer:
        try:
            signed = jws.parse(assertion)
        except ValueError:
            return refusal(70000, parameter="client_assertion")
        claims = signed.claims
        if str(claims.get("iss", "")).lower() != CLIENT_ID and claims.get("iss") != claims.get("sub"):
            return self._federated(signed, now)
        refused = self._certificate(signed, now)
        if refused is not None:
            return refused
        if str(claims.get("iss", "")).lower() != CLIENT_ID or claims.get("sub") != claims.get("iss"):
            return refusal(700021)
        if not any(own(audience) for audience in _audiences(claims)):
            return refusal(700023)
        return _timely(claims, now) or "certificate"

    def _certificate(self, signed: jws.Signed, now: float) -> Answer | None:
        """The refusal of an assertion that no registered certificate signed."""
        found = _thumbprint(signed.header)
        if found is None:
            return refusal(5002723)
        shown, algorithm, thumbprint = found
        for certificate in self._certificates:
            if not hmac.compare_digest(certificate.fingerprint(algorithm), thumbprint):
                continue
            key = certificate.public_key()
            if self.states["certificate"] is State.REMOVED:
                break
            if not isinstance(key, rsa.RSAPublicKey) or not signed.by(key):
                reason = "The provided signature value did not match the expected signature value"
                return refusal(700027, state="not valid", reason=reason, thumbprint=shown, client=CLIENT_ID)
            ended = certificate.not_valid_after_utc.timestamp() <= now
            if ended or self.states["certificate"] is State.EXPIRED:
                reason = "The key used is expired"
                return refusal(700027, state="expired", reason=reason, thumbprint=shown, client=CLIENT_ID)
            return None
        reason = "The key was not found"
        state = "not registered on application"
        return refusal(700027, state=state, reason=reason, thumbprint=shown, client=CLIENT_ID)

    def _federated(self, signed: jws.Signed, now: float) -> str | Answer:
        """A token of another issuer; the order of the checks is a guess."""
        claims, material = signed.claims, self._material
        usable = material is not None and self.states["federated"] is not State.REMOVED
        if material is None or not usable or claims.get("iss") != ISSUER:
            return refusal(700211, value=claims.get("iss"))
        if AUDIENCE not in _audiences(claims):
            return refusal(700212, value=", ".join(_audiences(claims)))
        if claims.get("sub") != SUBJECT:
            return refusal(700213, value=claims.get("sub"))
        shown = str(signed.header.get("kid", ""))
        if shown != material.key_id:
            return refusal(7000272, thumbprint=shown, value=ISSUER)
        if not signed.by(material.issuer_key.public_key()):
            return refusal(50013, thumbprint=shown)
        return _timely(claims, now, expired=self.states["federated"] is State.EXPIRED) or "federated"


def credentials(basic: str) -> tuple[str, str]:
    """Client id and secret of a Basic Authorization header (RFC 6749, 2.3.1: each encoded like a form)."""
    try:
        client, _, secret = base64.b64decode(basic[6:]).decode(errors="replace").partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(client), unquote_plus(secret)


def own_audience(
    origin: str, tenant_of: Callable[[str], str | None], tenant_id: str
) -> Callable[[str], bool]:
    """Whether an audience is the token endpoint or the issuer of the tenant at `origin`."""

    def own(audience: str) -> bool:
        try:
            parts = urlsplit(audience)
        except ValueError:  # brackets that are no address
            return False
        name, _, rest = parts.path.strip("/").partition("/")
        here = f"{parts.scheme}://{parts.netloc}" == origin
        return here and rest in {"oauth2/v2.0/token", "v2.0", ""} and tenant_of(name) == tenant_id

    return own


def _thumbprint(header: Mapping[str, Any]) -> tuple[str, hashes.HashAlgorithm, bytes] | None:
    """Of the certificate that a header names: as hex text, its algorithm, its bytes."""
    for name, algorithm in (("x5t#S256", hashes.SHA256()), ("x5t", hashes.SHA1())):  # noqa: S303 (as msal sends)
        text = header.get(name)
        if not isinstance(text, str):
            continue
        try:
            thumbprint = jws.decode(text)
        except ValueError:
            continue
        return thumbprint.hex().upper(), algorithm, thumbprint
    return None


def _audiences(claims: Mapping[str, Any]) -> list[str]:
    audience = claims.get("aud")
    return [str(each) for each in audience] if isinstance(audience, list) else [str(audience)]


def _timely(claims: Mapping[str, Any], now: float, *, expired: bool = False) -> Answer | None:
    since, until = (claims.get(name, 0) for name in ("nbf", "exp"))
    numbers = isinstance(since, int | float) and isinstance(until, int | float)
    if numbers and since - _SKEW <= now < until + _SKEW and not expired:
        return None
    shown = [moment(each) if isinstance(each, int | float) else "unknown" for each in (now, since, until)]
    return refusal(700024, now=shown[0], since=shown[1], until=shown[2])


def moment(seconds: float) -> str:
    """A moment as Entra writes it; seconds since the epoch."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    except (ValueError, OverflowError, OSError):
        return "unknown"
