"""The tokens that were given: for whom they are, until when they are good, and what makes them bad before."""

from __future__ import annotations

import math
import secrets
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import orjson

from bulkexo.sandbox import jws
from bulkexo.sandbox.accounts import User
from bulkexo.sandbox.options import CLIENT_ID, PUBLIC_CLIENT

USER_SCOPES = {
    PUBLIC_CLIENT: ("AdminApi.AccessAsUser.All", "FfoPowerShell.AccessAsUser.All",
                    "RemotePowerShell.AccessAsUser.All"),
    CLIENT_ID: ("Exchange.Manage", "Exchange.ManageV2"),
}  # fmt: skip
"""What a client may do in a user's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whom an access token speaks for.

    audience: the service, scheme and host. client: the application. user: None for an application alone.
    roles: of the application, empty for a user's. directory_role: whether a role of Entra's is assigned.
    asked_since: seconds since the epoch: what the `nbf` in the request's claims was, 0 without.
    """

    tenant_id: str
    audience: str
    client: str
    user: User | None = None
    roles: tuple[str, ...] = ()
    directory_role: bool = True
    asked_since: int = 0

    @property
    def grants(self) -> tuple[str, ...]:
        """The roles of the application, or what it may do in the user's name."""
        return self.roles if self.user is None else USER_SCOPES.get(self.client, ())


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh token is good for, and when it was given."""

    client: str
    user: User
    given: float


class Tokens:
    """Access and refresh tokens. now: seconds since the epoch, passed in. lifetime: seconds.

    challenge_after: seconds after a tenant's first token at which its tokens are revoked, once; None: never.
    issued: tokens by tenant GUID; by_grant: the same, by how they were asked for.
    """

    def __init__(self, lifetime: float, refresh_lifetime: float, challenge_after: float | None) -> None:
        self.lifetime = lifetime
        self.refresh_lifetime = refresh_lifetime
        self.issued: Counter[str] = Counter()
        self.by_grant: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.first: dict[str, float] = {}
        self._key = secrets.token_bytes(32)
        self._access: dict[str, tuple[float, Holder]] = {}
        self._refresh: dict[str, Refresh] = {}
        self._since: dict[str, int] = {}
        self._challenge_after = challenge_after
        self._challenged: set[str] = set()

    def give(self, holder: Holder, grant: str, now: float) -> str:
        """An access token."""
        token = jws.sign(self._key, {}, self._claims(holder, now))
        self._access = {known: given for known, given in self._access.items() if given[0] > now}
        self._access[token] = now + self.lifetime, holder
        self.issued[holder.tenant_id] += 1
        self.by_grant[holder.tenant_id][grant] += 1
        self.first.setdefault(holder.tenant_id, now)
        return token

    def _claims(self, holder: Holder, now: float) -> dict[str, Any]:
        claims: dict[str, Any] = {
            "aud": holder.audience,
            "iss": f"https://sts.windows.net/{holder.tenant_id}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + self.lifetime),
            "appid": holder.client,
            "tid": holder.tenant_id,
            "ver": "1.0",
            "uti": secrets.token_urlsafe(12),
        }
        if holder.user is None:
            return {**claims, "idtyp": "app", **({"roles": list(holder.roles)} if holder.roles else {})}
        upn, oid = holder.user.upn, holder.user.object_id
        return {**claims, "scp": " ".join(holder.grants), "upn": upn, "unique_name": upn, "oid": oid}

    def holder(self, authorization: str | None, now: float) -> Holder | None:
        """Whose token this Authorization header has; None if it has none that was given here and has not
        expired. Whether it was revoked, `challenge` tells."""
        if authorization is None or authorization[:7].lower() != "bearer ":
            return None
        expires, holder = self._access.get(authorization[7:].strip(), (-math.inf, None))
        return holder if expires > now else None

    def challenge(self, holder: Holder, now: float) -> str | None:
        """The claims (JSON) that a new token must be asked for with; None if the holder's is good."""
        tenant_id, after = holder.tenant_id, self._challenge_after
        if after is not None and tenant_id not in self._challenged and now >= self.first[tenant_id] + after:
            self._challenged.add(tenant_id)
            self.revoke(tenant_id, now)
        since = self._since.get(tenant_id, 0)
        if holder.asked_since >= since:
            return None
        wanted = {"access_token": {"nbf": {"essential": True, "value": str(since)}}}
        return orjson.dumps(wanted).decode()

    def revoke(self, tenant_id: str, now: float) -> None:
        """From now on, tokens of the tenant are refused unless they were asked for with the claims."""
        self._since[tenant_id] = max(int(now), self._since.get(tenant_id, 0) + 1)

    def since(self, tenant_id: str) -> int:
        """What `asked_since` must be at least."""
        return self._since.get(tenant_id, 0)

    def forget(self, tenant_id: str) -> None:
        """All access tokens of the tenant are as if they had expired."""
        self._access = {t: given for t, given in self._access.items() if given[1].tenant_id != tenant_id}

    def give_refresh(self, client: str, user: User, now: float) -> str:
        """A refresh token; the ones given before stay good, as they do at Entra."""
        token = "1." + secrets.token_urlsafe(48)
        known = now - 2 * self.refresh_lifetime  # an expired one is told as such, for as long again
        self._refresh = {t: each for t, each in self._refresh.items() if each.given >= known}
        self._refresh[token] = Refresh(client, user, now)
        return token

    def refresh(self, token: str) -> Refresh | None:
        """What a refresh token is, expired or not; None if it was not given here, or revoked."""
        return self._refresh.get(token)

    def forget_refresh(self, tenant_id: str) -> None:
        """All refresh tokens of the tenant are revoked."""
        self._refresh = {t: each for t, each in self._refresh.items() if each.user.tenant_id != tenant_id}


def asked_since(claims: str) -> int:
    """The `nbf` of a request's `claims` (`protocol.md`, "Roles": CAE); 0 for none. Raises ValueError."""
    if not claims:
        return 0
    try:
        return int(orjson.loads(claims)["access_token"]["nbf"]["value"])
    except (KeyError, TypeError):
        return 0
