"""The admin API at one origin: which door a path is, and what is done behind it."""

from __future__ import annotations

import time
from functools import partial

from aiohttp import web

from bulkexo.sandbox import batch, reply
from bulkexo.sandbox.answers import batch_response, origin, response
from bulkexo.sandbox.gate import Door, Gate, Hosted
from bulkexo.sandbox.perform import CutConnection
from bulkexo.sandbox.reply import Reply
from bulkexo.sandbox.request import Envelope, parse_body, parse_call
from bulkexo.sandbox.sites import COOKIE, Site

_MODULE = "exomodulefile"


class AdminApi:
    """`/adminapi/…` of one site, for all tenants."""

    def __init__(self, gate: Gate, site: Site) -> None:
        self._gate = gate
        self._site = site

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Everything below `/adminapi`, in any case."""
        router.add_route("*", "/{adminapi:(?i:adminapi)}/{version}/{tenant}/{endpoint}", self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        self._gate.stats_of(request.match_info["tenant"])["requests"] += 1
        refused = self._no_such_door(request)
        if refused is not None:
            return response(request, refused)
        door = Door(self._site, request.host)
        tenant = self._gate.admit(request.match_info["tenant"], request.headers.get("Authorization"), door)
        if isinstance(tenant, Reply):
            return response(request, tenant)
        elsewhere = self._site.sends_on(request.host, request.raw_path, request.cookies.get(COOKIE))
        if elsewhere is not None:
            tenant.stats["redirected"] += 1
            return response(request, reply.found(elsewhere, self._site.set_cookie))
        try:
            return await self._behind(request, door, tenant)
        except CutConnection:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    async def _behind(self, request: web.Request, door: Door, tenant: Hosted) -> web.Response:
        if request.match_info["endpoint"].lower() == _MODULE:
            context = f"{origin(request)}{request.path.rpartition('/')[0]}"
            wanted = request.headers.get("CommandName", "*")
            answer = tenant.engine.module_file(context, self._site.service, wanted, time.monotonic())
            return response(request, answer)
        body = parse_body(await request.read(), request.headers.get("Content-Type", ""))
        if isinstance(body, Reply):
            return response(request, body)
        envelope = Envelope(origin(request), self._site.service)
        if request.match_info["endpoint"].lower() == "$batch":
            admits = partial(self._gate.admits_item, tenant, door)
            parsed = batch.parse_batch(body, request.headers.get("Prefer", ""), envelope, admits)
            if isinstance(parsed, Reply):
                return response(request, parsed)
            tenant.stats["batches"] += 1
            return batch_response(request, await tenant.performer.batch(parsed))
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = parse_call("", str(request.rel_url), envelope, headers, body)
        return response(request, call if isinstance(call, Reply) else await tenant.performer.single(call))

    @staticmethod
    def _no_such_door(request: web.Request) -> Reply | None:
        """The refusal of a path or a method (`protocol.md`, "Endpoints")."""
        version, endpoint = request.match_info["version"].lower(), request.match_info["endpoint"].lower()
        if version in {"beta", "v1.0"} and endpoint == _MODULE:
            return None if request.method == "GET" else _not_allowed(request, "GET")
        if version not in {"beta", "v1.0"} or endpoint not in {"invokecommand", "$batch"}:
            return reply.problem(404, "NotFound", f"No HTTP resource was found at '{request.path}'.")
        if version == "v1.0" or request.method != "POST":
            return _not_allowed(request, "POST")
        return None


def _not_allowed(request: web.Request, allowed: str) -> Reply:
    text = f"The requested resource does not support http method '{request.method}'."
    return reply.problem(405, "MethodNotAllowed", text, Allow=allowed)
