"""What steers the sandbox in a rehearsal, above all its sign-in: POSTs to `/sandbox/…`, JSON in and out.

docs/sandbox-sign-in.md lists them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from bulkexo.sandbox.aadsts import KINDS, Answer
from bulkexo.sandbox.answers import json_response
from bulkexo.sandbox.authority import Authority
from bulkexo.sandbox.keys import Keys
from bulkexo.sandbox.material import SUBJECT, Material
from bulkexo.sandbox.proof import WAYS, State


class Control:
    """The addresses that revoke, break and mend. keys: those for SecureStrings, by a tenant's GUID."""

    def __init__(self, authority: Authority, material: Material | None, keys: Callable[[str], Keys]) -> None:
        self._authority = authority
        self._material = material
        self._keys = keys

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        doings: dict[str, Callable[[dict[str, Any], float], Answer]] = {
            "tokens/revoke": self._revoke,
            "tokens/expire": self._expire,
            "refresh-tokens/revoke": self._revoke_refresh,
            "credentials": self._credentials,
            "federated-token": self._federated,
            "sign-in/fail": self._fail,
            "sign-in/down": self._down,
            "sign-in/mend": self._mend,
            "keys/rotate": self._rotate,
        }
        return [web.post(f"/sandbox/{path}", _handler(doing)) for path, doing in doings.items()]

    def _tenants(self, body: dict[str, Any]) -> list[str]:
        """The GUIDs of the tenant that is named, or of all. Raises ValueError with a sentence."""
        if "tenant" not in body:
            return sorted(self._authority.tenants.everyone())
        tenant_id = self._authority.tenants.guid(str(body["tenant"]))
        if tenant_id is None:
            raise ValueError(f"There is no tenant {body['tenant']}.")
        return [tenant_id]

    def _revoke(self, body: dict[str, Any], now: float) -> Answer:
        for tenant_id in self._tenants(body):
            self._authority.tokens.revoke(tenant_id, now)
        return 200, {}

    def _expire(self, body: dict[str, Any], _: float) -> Answer:
        for tenant_id in self._tenants(body):
            self._authority.tokens.forget(tenant_id)
        return 200, {}

    def _revoke_refresh(self, body: dict[str, Any], _: float) -> Answer:
        for tenant_id in self._tenants(body):
            self._authority.tokens.forget_refresh(tenant_id)
        return 200, {}

    def _credentials(self, body: dict[str, Any], _: float) -> Answer:
        wrong = sorted(body.keys() - set(WAYS))
        if wrong or not body:
            raise ValueError(f"Name one of {', '.join(WAYS)}.")
        self._authority.proofs.states.update({way: State(state) for way, state in body.items()})
        return 200, dict(self._authority.proofs.states)

    def _federated(self, body: dict[str, Any], now: float) -> Answer:
        if self._material is None:
            raise ValueError("There is no federated token: start the sandbox with --credentials DIR.")
        lifetime = float(body.get("lifetime", self._material.lifetime))
        self._material.write_token(now, subject=str(body.get("subject", SUBJECT)), lifetime=lifetime)
        return 200, {}

    def _fail(self, body: dict[str, Any], _: float) -> Answer:
        number = int(body.get("number", 0))
        if number not in KINDS:
            raise ValueError(f"Give a number that is known: {', '.join(map(str, sorted(KINDS)))}.")
        self._authority.trouble.refuse(number, int(body.get("times", 1)))
        return 200, {}

    def _down(self, body: dict[str, Any], now: float) -> Answer:
        self._authority.trouble.down_until = now + float(body["seconds"])
        return 200, {}

    def _mend(self, _: dict[str, Any], __: float) -> Answer:
        self._authority.trouble.clear()
        self._authority.proofs.states = dict.fromkeys(WAYS, State.VALID)
        return 200, {}

    def _rotate(self, body: dict[str, Any], _: float) -> Answer:
        for tenant_id in self._tenants(body):
            self._keys(tenant_id).rotate()
        return 200, {}


def _handler(doing: Callable[[dict[str, Any], float], Answer]) -> Any:
    async def handle(request: web.Request) -> web.Response:
        try:
            return json_response(doing(await body_of(request), time.time()))
        except KeyError as error:
            return json_response((400, {"error": f"{error.args[0]} is missing."}))
        except (TypeError, ValueError, OverflowError, OSError) as error:
            return json_response((400, {"error": str(error)}))

    return handle


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; nothing is an empty one. Raises ValueError."""
    body = orjson.loads(await request.read() or b"{}")
    if not isinstance(body, dict):
        raise ValueError("A JSON object is due here.")  # noqa: TRY004 (its caller's mistake)
    return body
