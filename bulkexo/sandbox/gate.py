"""Who may come in, and to which tenant: tokens, audiences, roles (`protocol.md`, "Identity", "Second
reading")."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bulkexo.sandbox import reply
from bulkexo.sandbox.authority import Authority
from bulkexo.sandbox.engine import Engine
from bulkexo.sandbox.journal import Arrivals, Journal
from bulkexo.sandbox.options import SandboxOptions
from bulkexo.sandbox.perform import Performer
from bulkexo.sandbox.reply import Reply
from bulkexo.sandbox.request import parse_url
from bulkexo.sandbox.sites import Site
from bulkexo.sandbox.tokens import Holder


class Api(Enum):
    """The two APIs, by the grants that open them. A token for one does not open the other."""

    CMDLETS = ("exchange.manageasapp", "exchange.manage", "adminapi.accessasuser.all")
    V2 = ("exchange.manageasappv2", "exchange.managev2")


class Hosted:
    """One tenant behind the door: what it holds, and its own limits. Only the journal's file is shared."""

    def __init__(self, options: SandboxOptions, journal: Journal | None, arrivals: Arrivals | None) -> None:
        self.domain, self.tenant_id = options.domain, options.tenant_id
        self.engine = Engine(options, journal)
        self.stats = self.engine.stats
        self.performer = Performer(options, self.engine, arrivals)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a request knocks: the origin, the host as the client wrote it, and the API it asks for."""

    site: Site
    host: str
    api: Api = Api.CMDLETS


class Gate:
    """The tenants, and the authority whose tokens open them."""

    def __init__(self, authority: Authority, tenants: Mapping[str, Hosted]) -> None:
        self._authority = authority
        self._tenants = tenants
        self.stray: Counter[str] = Counter()

    def stats_of(self, name: str) -> Counter[str]:
        """The counts of a tenant, or those of requests to none."""
        tenant = self._tenants.get(self._authority.tenants.guid(name) or "")
        return self.stray if tenant is None else tenant.stats

    def admit(self, name: str, authorization: str | None, door: Door) -> Reply | Hosted:
        """The tenant of a path, if the token is one of its own, for this service and this API."""
        tenant_id = self._authority.tenants.guid(name)
        now, tokens = time.time(), self._authority.tokens
        holder = tokens.holder(authorization, now)
        if holder is None or tenant_id not in {None, holder.tenant_id}:
            text = "The access token is missing, has expired, or was not given by this authority."
            if holder is not None:
                text = "The access token was given for another tenant."
            return self._unauthorized(name, door, text)
        if not door.site.accepts(holder.audience, door.host):
            text = f"The access token's audience '{holder.audience}' isn't this service."
            return self._unauthorized(name, door, text)
        claims = tokens.challenge(holder, now)
        if claims is not None:
            text = "The access token was revoked: a new one is needed, with the claims of the challenge."
            return self._unauthorized(name, door, text, claims)
        if not holder.grants:
            return self._unauthorized(name, door, "The access token has no role of this service.")
        if tenant_id is None:
            text = f"The tenant '{name}' isn't the tenant of the access token."
            return reply.problem(403, "Forbidden", text)
        return self.refused(holder, door.api) or self._tenants[tenant_id]

    def admits_item(self, tenant: Hosted, door: Door, url: str, authorization: str | None) -> Reply | None:
        """The refusal of an item in a batch that was sent to `tenant`."""
        parsed = parse_url(url)
        if parsed is None:
            return None
        admitted = self.admit(parsed.tenant, authorization, door)
        if isinstance(admitted, Reply):
            return admitted
        if admitted is not tenant:
            text = f"The tenant '{parsed.tenant}' isn't the tenant of the batch."
            return reply.problem(403, "Forbidden", text)
        return None

    def _unauthorized(self, name: str, door: Door, text: str, claims: str | None = None) -> Reply:
        """A 401. claims: what a new token must be asked for with (JSON), after a revocation."""
        self.stats_of(name)["unauthorized"] += 1
        challenge = {"WWW-Authenticate": _challenge(f"https://{door.host}", claims)}
        return reply.problem(401, "Unauthorized", text, **challenge)

    @staticmethod
    def refused(holder: Holder, api: Api) -> Reply | None:
        """Neither the roles of an app nor the scopes of a person grant this API, or Entra has given no role
        (`protocol.md`, "Roles")."""
        if not any(grant.lower() in api.value for grant in holder.grants):
            text = f"The access token grants {' '.join(holder.grants)}, which doesn't allow this."
            return reply.problem(403, "Forbidden", text)
        if not holder.directory_role:
            text = (
                f"The role assigned to application {holder.client} isn't supported in this scenario. Please "
                "check online documentation for assigning correct Directory Roles to Azure AD Application "
                "for EXO App-Only Authentication."
            )
            return reply.problem(403, "Forbidden", text)
        return None


def _challenge(origin: str, claims: str | None) -> str:
    """The WWW-Authenticate header of a 401."""
    parts = [
        'Bearer client_id="00000002-0000-0ff1-ce00-000000000000"',
        'trusted_issuers="00000001-0000-0000-c000-000000000000@*"',
        'token_types="app_asserted_user_v1 service_asserted_app_v1"',
        f'authorization_uri="{origin}/common/oauth2/authorize"',
    ]
    if claims is None:
        parts.append('error="invalid_token"')
    else:
        encoded = base64.b64encode(claims.encode()).decode()
        parts += ['error="insufficient_claims"', f'claims="{encoded}"']
    return ", ".join(parts)
