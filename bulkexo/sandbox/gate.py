"""Who may come in, and to which tenant: tokens, audiences, roles (`protocol.md`, "Identity", "Second
reading")."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

from bulkexo.sandbox import reply
from bulkexo.sandbox.authority import Authority
from bulkexo.sandbox.engine import Engine
from bulkexo.sandbox.journal import Arrivals, Journal
from bulkexo.sandbox.options import SandboxOptions
from bulkexo.sandbox.perform import Performer
from bulkexo.sandbox.reply import Reply
from bulkexo.sandbox.request import parse_url
from bulkexo.sandbox.sites import Site


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
        tenant = self._tenants.get(self._authority.tenant_id(name) or "")
        return self.stray if tenant is None else tenant.stats

    def admit(self, name: str, authorization: str | None, door: Door) -> Reply | Hosted:
        """The tenant of a path, if the token is one of its own, for this service and this API."""
        tenant_id = self._authority.tenant_id(name)
        holder = self._authority.holder(authorization, time.time())
        if holder is None or tenant_id not in {None, holder}:
            text = "The access token is missing, has expired, or was not given by this authority."
            if holder is not None:
                text = "The access token was given for another tenant."
            return self._unauthorized(name, door, text)
        claims = _claims(authorization or "")
        audience = str(claims.get("aud", ""))
        if not door.site.accepts(audience, door.host):
            return self._unauthorized(
                name, door, f"The access token's audience '{audience}' isn't this service."
            )
        if tenant_id is None:
            text = f"The tenant '{name}' isn't the tenant of the access token."
            return reply.problem(403, "Forbidden", text)
        return self.refused(claims, door.api) or self._tenants[tenant_id]

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

    def _unauthorized(self, name: str, door: Door, text: str) -> Reply:
        self.stats_of(name)["unauthorized"] += 1
        challenge = {"WWW-Authenticate": self._authority.challenge(f"https://{door.host}")}
        return reply.problem(401, "Unauthorized", text, **challenge)

    @staticmethod
    def refused(claims: Mapping[str, Any], api: Api) -> Reply | None:
        """Neither the roles of an app nor the scopes of a person grant this API."""
        roles = claims.get("roles")
        grants = [*(roles if isinstance(roles, list) else []), *str(claims.get("scp", "")).split()]
        if any(str(grant).lower() in api.value for grant in grants):
            return None
        text = f"The access token grants {' '.join(map(str, grants)) or 'nothing'}, which doesn't allow this."
        return reply.problem(403, "Forbidden", text)


def _claims(authorization: str) -> dict[str, Any]:
    """What a token says of itself; the authority has found it to be one of its own."""
    try:
        middle = authorization.split(".")[1]
        found = orjson.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
