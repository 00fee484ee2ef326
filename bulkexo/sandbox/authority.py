"""Who may come in: an OAuth 2.0 authority as msal expects it, and the tokens it gives.

`protocol.md`, "Identity", gives the AADSTS numbers. Answers are (status, JSON object). Tokens are JWTs whose
`tid` is the tenant's GUID; only tokens given here are accepted, for that tenant, until they expire. The one
application is known in every tenant, with the same secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import secrets
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from bulkexo.sandbox.options import CLIENT_ID, SandboxOptions

Answer = tuple[int, dict[str, Any]]


class Authority:
    """The sign-in of all tenants. now: seconds since the epoch, passed in. issued: tokens by tenant GUID."""

    def __init__(self, options: SandboxOptions) -> None:
        self.secret = options.secret or secrets.token_urlsafe(24)
        self._lifetime = options.token_lifetime
        self._tenants = {
            name: tenant.tenant_id for tenant in options.tenants for name in (tenant.domain, tenant.tenant_id)
        }
        self._key = secrets.token_bytes(32)
        self._tokens: dict[str, tuple[float, str]] = {}
        self.issued: Counter[str] = Counter()

    def tenant_id(self, tenant: str) -> str | None:
        """The GUID of the tenant with this GUID or initial domain, or None."""
        return self._tenants.get(tenant.lower())

    def configuration(self, origin: str, tenant: str) -> Answer:
        """OpenID Connect discovery. origin: `https://localhost:PORT`."""
        tenant_id = self.tenant_id(tenant)
        if tenant_id is None:
            return _no_such_tenant(tenant)
        base = f"{origin}/{tenant}"
        return 200, {
            "issuer": f"{origin}/{tenant_id}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "response_types_supported": ["code", "token"],
            "subject_types_supported": ["pairwise"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
        }

    def token(self, tenant: str, form: Mapping[str, str], basic: str, now: float) -> Answer:
        """The token endpoint: client credentials with a secret. basic: the Authorization header, if any."""
        tenant_id = self.tenant_id(tenant)
        if tenant_id is None:
            return _no_such_tenant(tenant)
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if basic.lower().startswith("basic "):
            client, _, secret = _basic(basic[6:])
        if form.get("grant_type") != "client_credentials":
            return _refusal(
                400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."
            )
        if client.lower() != CLIENT_ID:
            text = f"Application with identifier '{client}' was not found in the directory '{tenant}'."
            return _refusal(400, "unauthorized_client", 700016, text)
        if "client_assertion" in form:
            text = "Client assertion failed signature validation. This application has no certificate."
            return _refusal(401, "invalid_client", 700027, text)
        if not hmac.compare_digest(secret.encode(), self.secret.encode()):
            text = (
                "Invalid client secret provided. Ensure the secret being sent in the request is the client "
                f"secret value, not the client secret ID, for a secret added to app '{client}'."
            )
            return _refusal(401, "invalid_client", 7000215, text)
        scope = form.get("scope", "")
        if not scope.endswith("/.default"):
            text = f"The provided value for scope {scope} is not valid. It must end with /.default."
            return _refusal(400, "invalid_scope", 1002012, text)
        lifetime = max(1, round(self._lifetime))
        return 200, {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._issue(tenant_id, scope.removesuffix("/.default"), now),
        }

    def holder(self, authorization: str | None, now: float) -> str | None:
        """The GUID of the tenant whose token this Authorization header has; None if it has none that was
        given here and has not expired."""
        if authorization is None or authorization[:7].lower() != "bearer ":
            return None
        expires, tenant_id = self._tokens.get(authorization[7:], (-math.inf, ""))
        return tenant_id if expires > now else None

    def challenge(self, origin: str) -> str:
        """The WWW-Authenticate header of a 401."""
        issuers = "00000001-0000-0000-c000-000000000000@*"
        return (
            f'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="{issuers}", '
            'token_types="app_asserted_user_v1 service_asserted_app_v1", '
            f'authorization_uri="{origin}/common/oauth2/authorize", error="invalid_token"'
        )

    def _issue(self, tenant_id: str, audience: str, now: float) -> str:
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant_id}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + self._lifetime),
            "appid": CLIENT_ID,
            "idtyp": "app",
            "tid": tenant_id,
            "roles": ["Exchange.ManageAsApp", "Exchange.ManageAsAppV2"],
            "ver": "1.0",
            "uti": secrets.token_urlsafe(12),
        }
        head = _b64(orjson.dumps({"typ": "JWT", "alg": "HS256"})) + "." + _b64(orjson.dumps(claims))
        token = head + "." + _b64(hmac.new(self._key, head.encode(), hashlib.sha256).digest())
        self._tokens = {known: given for known, given in self._tokens.items() if given[0] > now}
        self._tokens[token] = now + self._lifetime, tenant_id
        self.issued[tenant_id] += 1
        return token


def _basic(text: str) -> tuple[str, str, str]:
    try:
        return base64.b64decode(text).decode(errors="replace").partition(":")
    except binascii.Error:
        return "", "", ""


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _no_such_tenant(tenant: str) -> Answer:
    text = (
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing "
        "into the correct cloud."
    )
    return _refusal(400, "invalid_request", 90002, text)


def _refusal(status: int, error: str, number: int, text: str) -> Answer:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return status, {
        "error": error,
        "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} "
        f"Timestamp: {moment}",
        "error_codes": [number],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
