"""Who may come in: an OAuth 2.0 authority as msal expects it, and the tokens it gives.

`protocol.md`, "Identity", "Errors" and "Second reading". Answers are (status, JSON object). Tokens are JWTs
whose `tid` is the tenant's GUID; only tokens given here are accepted, for that tenant, until they expire or
are revoked. The one application is known in every tenant, with the same credentials; so is the public client.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from bulkexo.sandbox import jws
from bulkexo.sandbox.aadsts import Answer, refusal
from bulkexo.sandbox.accounts import ANY_TENANT, Tenants, User
from bulkexo.sandbox.browser import Asked, Codes, usable
from bulkexo.sandbox.device_codes import Devices
from bulkexo.sandbox.material import Material
from bulkexo.sandbox.options import CLIENT_ID, PUBLIC_CLIENT, SandboxOptions
from bulkexo.sandbox.proof import WAYS, Proofs, State, credentials, moment, own_audience
from bulkexo.sandbox.tokens import Holder, Tokens, asked_since
from bulkexo.sandbox.trouble import Trouble

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_OIDC: Final = frozenset({"openid", "profile", "email", "offline_access"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A POST to the token endpoint. tenant: as the path names it. origin: `https://localhost:PORT`.

    basic: the Authorization header, or nothing. now: seconds since the epoch.
    """

    tenant: str
    form: Mapping[str, str]
    origin: str
    now: float
    basic: str = ""

    @property
    def client(self) -> str:
        """Who asks, in lower case."""
        return (credentials(self.basic)[0] or self.form.get("client_id", "")).lower()


class Authority:
    """The sign-in of all tenants. material: the app's files, if it has any. certificates: further ones."""

    def __init__(
        self,
        options: SandboxOptions,
        material: Material | None = None,
        certificates: Sequence[x509.Certificate] = (),
    ) -> None:
        self.options = options.signin
        self.tenants = Tenants(options.tenants)
        self.proofs = Proofs(options.secret or secrets.token_urlsafe(24), certificates, material)
        self.tokens = Tokens(
            options.token_lifetime, self.options.refresh_lifetime, self.options.claims_challenge_after
        )
        self.devices = Devices(self.options.device_interval, self.options.device_lifetime)
        self.codes = Codes()
        self.trouble = Trouble()

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        """What id_tokens are signed with: made when the first is."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def keys(self) -> Answer:
        """The public half of the key, for whoever checks an id_token."""
        numbers = self.key.public_key().public_numbers()
        size = {"n": (numbers.n, 256), "e": (numbers.e, 3)}
        parts = {name: jws.encode(value.to_bytes(width, "big")) for name, (value, width) in size.items()}
        return 200, {"keys": [{"kty": "RSA", "use": "sig", "kid": "bulkexo", "alg": "RS256", **parts}]}

    def configuration(self, origin: str, tenant: str) -> Answer:
        """OpenID Connect discovery. origin: `https://localhost:PORT`."""
        tenant_id = "{tenantid}" if tenant.lower() in ANY_TENANT else self.tenants.guid(tenant)
        if tenant_id is None:
            return refusal(90002, tenant=tenant)
        base = f"{origin}/{tenant}"
        return 200, {
            "issuer": f"{origin}/{tenant_id}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post", "private_key_jwt", "client_secret_basic",
            ],
            "response_modes_supported": ["query", "form_post"],
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["pairwise"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
        }  # fmt: skip

    def token(self, request: TokenRequest) -> Answer:
        """The token endpoint."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        grants = {
            "client_credentials": self._for_application,
            DEVICE_CODE: self._for_device,
            "refresh_token": self._for_refresh,
            "authorization_code": self._for_code,
        }
        grant = request.form.get("grant_type", "")
        if grant not in grants:
            return refusal(70003, grant=grant)
        return grants[grant](request)

    def device(self, request: TokenRequest) -> Answer:
        """The devicecode endpoint. Its page is `/sandbox/device`."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        scope = request.form.get("scope", "")
        if audience_of(scope) is None:
            return refusal(70000, parameter="scope")
        try:
            since = asked_since(request.form.get("claims", ""))
        except ValueError:
            return refusal(70000, parameter="claims")
        page = f"{request.origin}/sandbox/device"
        return self.devices.begin(request.client, scope, since, page, request.now)

    def _refused(self, request: TokenRequest) -> Answer | None:
        """The refusal that comes before any look at what is asked for."""
        return (
            self.outage(request.now)
            or self._known(request.tenant, request.client)
            or self.trouble.due(client=request.client, tenant=request.tenant)
        )

    def outage(self, now: float) -> Answer | None:
        """The answer to everything while the service is down."""
        down = self.trouble.down(now)
        if not down and self.options.down is not None and self.tokens.first:
            after, seconds = self.options.down
            down = 0 <= now - min(self.tokens.first.values()) - after < seconds
        return refusal(90033) if down else None

    def ask(self, tenant: str, query: Mapping[str, str]) -> Asked | Answer:
        """What the authorize endpoint is asked, or what is shown to the person, since the client cannot be
        told. Whether it makes sense otherwise, `browser.wrong` tells."""
        client, redirect = query.get("client_id", "").lower(), query.get("redirect_uri", "")
        refused = self._known(tenant, client)
        if refused is not None:
            return refused
        if not usable(redirect):
            return refusal(50011, redirect=redirect, client=client)
        try:
            since = asked_since(query.get("claims", ""))
        except ValueError:
            return refusal(70000, parameter="claims")
        return Asked(
            client=client,
            redirect=redirect,
            scope=query.get("scope", ""),
            mode="form_post" if query.get("response_mode") == "form_post" else "query",
            state=query.get("state", ""),
            nonce=query.get("nonce", ""),
            challenge=query.get("code_challenge", ""),
            since=since,
        )

    def approve(self, tenant: str, asked: Asked, upn: str, now: float) -> str | Answer:
        """The code for a person who signs in as `upn`, or what he is shown."""
        user = self.tenants.user(upn)
        if user is None or (self.tenants.guid(tenant) or user.tenant_id) != user.tenant_id:
            return refusal(50034, user=upn, tenant=tenant)
        return self.codes.give(asked, user, now)

    def _known(self, tenant: str, client: str) -> Answer | None:
        """The refusal of a tenant, or of an application, that is not there."""
        if tenant.lower() not in ANY_TENANT and self.tenants.guid(tenant) is None:
            return refusal(90002, tenant=tenant)
        if client not in {CLIENT_ID, PUBLIC_CLIENT}:
            return refusal(700016, client=client, tenant=tenant)
        return None

    def _prove(self, request: TokenRequest, tenant_id: str) -> str | Answer:
        """How the client proves who it is, one of WAYS; or the refusal."""
        if request.client == PUBLIC_CLIENT:
            return refusal(700025)
        after, first = self.options.credentials_revoked_after, self.tokens.first.get(tenant_id)
        if after is not None and first is not None and request.now >= first + after:
            self.proofs.states = dict.fromkeys(WAYS, State.REMOVED)
        own = own_audience(request.origin, self.tenants.guid, tenant_id)
        return self.proofs.check(request.form, request.basic, own, request.now)

    def _for_application(self, request: TokenRequest) -> Answer:
        tenant_id = self.tenants.guid(request.tenant)
        if tenant_id is None:
            return refusal(90002, tenant=request.tenant)
        proof = self._prove(request, tenant_id)
        if not isinstance(proof, str):
            return proof
        scope = request.form.get("scope", "")
        audience = audience_of(scope)
        if audience is None or not scope.endswith("/.default"):
            return refusal(1002012, scope=scope)
        if not self.options.consent:
            return refusal(65001, client=request.client)
        try:
            since = asked_since(request.form.get("claims", ""))
        except ValueError:
            return refusal(70000, parameter="claims")
        holder = Holder(
            tenant_id=tenant_id, audience=audience, client=request.client, roles=self.app_roles,
            asked_since=since, directory_role=self.directory_role,
        )  # fmt: skip
        return 200, self._access(holder, f"client_{proof}", request.now)

    @property
    def app_roles(self) -> tuple[str, ...]:
        """What an application's tokens say that it may do."""
        return () if "app-role" in self.options.missing else self.options.app_roles

    @property
    def directory_role(self) -> bool:
        """Whether the callers have a role of Entra's."""
        return "directory-role" not in self.options.missing

    def _for_device(self, request: TokenRequest) -> Answer:
        approved = self.options.approve_devices
        user = None if approved is None else self.tenants.user(approved)
        if approved is not None and user is None:
            return refusal(50034, user=approved, tenant=request.tenant)
        code = request.form.get("device_code") or request.form.get("code", "")
        found = self.devices.poll(code, request.client, user, request.now)
        if isinstance(found, tuple):
            return found
        if found.user is None:
            return refusal(70016)
        return self.for_user(request, found.user, found.scope, found.asked_since, "device_code")

    def _for_code(self, request: TokenRequest) -> Answer:
        code = self.codes.redeem(request.form, request.client, request.now)
        if isinstance(code, tuple):
            return code
        asked = code.asked
        scope = request.form.get("scope", asked.scope)
        return self.for_user(request, code.user, scope, asked.since, "authorization_code", asked.nonce)

    def _for_refresh(self, request: TokenRequest) -> Answer:
        known = self.tokens.refresh(request.form.get("refresh_token", ""))
        if known is None or known.client != request.client:
            return refusal(50173)
        if known.given + self.tokens.refresh_lifetime <= request.now:
            days = f"{self.tokens.refresh_lifetime / 86400:g}"
            return refusal(700082, since=moment(known.given), days=days)
        try:
            since = asked_since(request.form.get("claims", ""))
        except ValueError:
            return refusal(70000, parameter="claims")
        return self.for_user(request, known.user, request.form.get("scope", ""), since, "refresh_token")

    def for_user(
        self, request: TokenRequest, user: User, scope: str, since: int, grant: str, nonce: str = ""
    ) -> Answer:
        """The tokens of a person who has signed in. scope: what was asked for. nonce: for the id_token."""
        tenant_id = self.tenants.guid(request.tenant) or user.tenant_id
        if tenant_id != user.tenant_id:
            return refusal(50034, user=user.upn, tenant=request.tenant)
        if request.client == CLIENT_ID and (
            "client_assertion" in request.form or "client_secret" in request.form
        ):
            proof = self._prove(request, tenant_id)
            if not isinstance(proof, str):
                return proof
        audience = audience_of(scope)
        if audience is None:
            return refusal(70000, parameter="scope")
        if not self.options.consent:
            return refusal(65001, client=request.client)
        holder = Holder(
            tenant_id=tenant_id, audience=audience, client=request.client, user=user, asked_since=since,
            directory_role=self.directory_role,
        )  # fmt: skip
        answer = self._access(holder, grant, request.now)
        granted = [f"{audience}/{name}" for name in [*holder.grants, ".default"]]
        answer["scope"] = " ".join([*granted, *sorted(_OIDC & set(scope.split()) - {"offline_access"})])
        who = {"uid": user.object_id, "utid": tenant_id}
        answer["client_info"] = jws.encode(orjson.dumps(who))
        if "offline_access" in scope.split():
            answer["refresh_token"] = self.tokens.give_refresh(request.client, user, request.now)
        if "openid" in scope.split():
            answer["id_token"] = self._id_token(request, user, nonce)
        return 200, answer

    def _access(self, holder: Holder, grant: str, now: float) -> dict[str, Any]:
        lifetime = max(1, round(self.tokens.lifetime))
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self.tokens.give(holder, grant, now),
        }

    def _id_token(self, request: TokenRequest, user: User, nonce: str) -> str:
        claims = {
            "aud": request.client,
            "iss": f"{request.origin}/{user.tenant_id}/v2.0",
            "iat": int(request.now),
            "nbf": int(request.now),
            "exp": int(request.now) + 3600,
            "auth_time": int(request.now),
            "name": user.upn.partition("@")[0],
            "oid": user.object_id,
            "preferred_username": user.upn,
            "sub": user.object_id,
            "tid": user.tenant_id,
            "ver": "2.0",
        }
        return jws.sign(self.key, {"kid": "bulkexo"}, {**claims, **({"nonce": nonce} if nonce else {})})


def audience_of(scope: str) -> str | None:
    """The service that a scope is for, scheme and host; None if it names none."""
    for each in scope.split():
        with contextlib.suppress(ValueError):  # brackets that are no address
            parts = urlsplit(each)
            if parts.scheme and parts.netloc:
                return f"{parts.scheme}://{parts.netloc}"
    return None
