"""Managed identities: the token addresses that a virtual machine and an App Service have, over plain HTTP.

Requests and answers as msal's ManagedIdentityClient sends and reads them (IMDS `2018-02-01`, App Service
`2019-08-01`). The identities belong to the first tenant. Whoever reaches an address has its identity, as in
Azure; so it is served on loopback only.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from bulkexo.sandbox.aadsts import Answer, refusal
from bulkexo.sandbox.answers import json_response
from bulkexo.sandbox.authority import Authority, audience_of
from bulkexo.sandbox.tokens import Holder

SYSTEM: Final = "b01cec0d-5a9d-4b0c-8e10-7e57000000d0"
USER: Final = "b01cec0d-5a9d-4b0c-8e10-7e57000000d1"
"""Client ids of the identity of the machine itself, and of the one that was assigned to it."""

_IMDS, _APP_SERVICE = "/metadata/identity/oauth2/token", "/msi/token"
_SELECTORS: Final = ("client_id", "object_id", "msi_res_id", "mi_res_id", "principal_id")


class ManagedIdentities:
    """The two addresses. tenant_id: whose identities these are."""

    def __init__(self, authority: Authority, tenant_id: str) -> None:
        self._authority = authority
        self._tenant_id = tenant_id
        self._header = secrets.token_hex(16)

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.add_routes([web.get(_IMDS, self._machine), web.get(_APP_SERVICE, self._app_service)])
        return app

    def announced(self, origin: str) -> dict[str, str]:
        """What a client needs. imds: for AZURE_POD_IDENTITY_AUTHORITY_HOST; app_service: for
        IDENTITY_ENDPOINT; identity_header: for IDENTITY_HEADER; client_id: of the assigned identity."""
        return {
            "imds": origin,
            "app_service": origin + _APP_SERVICE,
            "identity_header": self._header,
            "client_id": USER,
        }

    async def _machine(self, request: web.Request) -> web.Response:
        if request.headers.get("Metadata", "").lower() != "true":
            return json_response(_problem("Required metadata header not specified"))
        if not request.query.get("api-version"):
            return json_response(_problem("Required query variable 'api-version' is missing"))
        now = time.time()
        client = _identity(request.query)
        if client is None:
            return json_response(_problem("Identity not found"))
        answer = self._token(client, request.query.get("resource", ""), now)
        return json_response(answer)

    async def _app_service(self, request: web.Request) -> web.Response:
        shown = request.headers.get("X-IDENTITY-HEADER", "")
        if not hmac.compare_digest(shown.encode(), self._header.encode()):
            return json_response((401, {"statusCode": 401, "message": "The identity header is wrong."}))
        client = _identity(request.query)
        if client is None:
            text = "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId."
            return json_response((400, {"statusCode": 400, "message": text}))
        status, content = self._token(client, request.query.get("resource", ""), time.time())
        if status != 200:
            content = {"statusCode": status, "message": content["error_description"]}
        return json_response((status, content))

    def _token(self, client: str, resource: str, now: float) -> Answer:
        authority, tokens = self._authority, self._authority.tokens
        audience = audience_of(resource)
        if audience is None:
            return refusal(500011, resource=resource, tenant=self._tenant_id)
        refused = authority.outage(now) or authority.trouble.due(client=client)
        if refused is not None:
            return refused
        holder = Holder(
            tenant_id=self._tenant_id,
            audience=audience,
            client=client,
            roles=authority.app_roles,
            directory_role=authority.directory_role,
            # msal has no way to hand the claims of a challenge to these addresses: they know by themselves
            asked_since=tokens.since(self._tenant_id),
        )
        token = tokens.give(holder, "managed_identity", now)
        lifetime = max(1, round(tokens.lifetime))
        content: dict[str, Any] = {
            "access_token": token,
            "client_id": client,
            "expires_in": str(lifetime),
            "expires_on": str(int(now) + lifetime),
            "ext_expires_in": str(lifetime),
            "not_before": str(int(now)),
            "resource": resource,
            "token_type": "Bearer",
        }
        return 200, content


def _identity(query: Mapping[str, str]) -> str | None:
    """The client id of the identity that a query selects; None if there is none such."""
    selected = [query[name].lower() for name in _SELECTORS if name in query]
    if not selected:
        return SYSTEM
    return USER if query.get("client_id", "").lower() == USER else None


def _problem(text: str) -> Answer:
    return 400, {"error": "invalid_request", "error_description": text}
