"""The admin API at one origin: which door a path is, and what is done behind it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from aiohttp import web

from bulkexo.sandbox import batch, reply, rest
from bulkexo.sandbox.answers import BACKEND_COOKIE, backend_cookie, batch_response, origin, response
from bulkexo.sandbox.gate import Api, Door, Gate, Hosted
from bulkexo.sandbox.paging import EXPIRED
from bulkexo.sandbox.perform import CutConnection
from bulkexo.sandbox.reply import Reply
from bulkexo.sandbox.request import Envelope, parse_body, parse_call, parse_get
from bulkexo.sandbox.sites import COOKIE, Service, Site
from bulkexo.sandbox.v2 import known, parse_v2

_MODULE = "exomodulefile"
_TENANT = "/{adminapi:(?i:adminapi)}/{version}/{tenant}"
_READABLE = frozenset({"beta", "v1.0"})
_CALLED = frozenset({"invokecommand", "$batch"})


class AdminApi:
    """`/adminapi/…` of one site, for all tenants."""

    def __init__(self, gate: Gate, site: Site) -> None:
        self._gate = gate
        self._site = site

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Everything below `/adminapi`, in any case."""
        router.add_route("*", _TENANT, self._handle)
        router.add_route("*", _TENANT + "/{endpoint:.*}", self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        self._gate.stats_of(request.match_info["tenant"])["requests"] += 1
        refused = self._no_such_door(request)
        if refused is not None:
            return response(request, refused)
        api = Api.V2 if request.match_info["version"].lower() == "v2.0" else Api.CMDLETS
        door = Door(self._site, request.host, api)
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
        if request.method == "GET":
            return response(request, await self._read(request, tenant), tenant.performer.rate_headers())
        body = parse_body(await request.read(), request.headers.get("Content-Type", ""))
        if isinstance(body, Reply):
            return response(request, body)
        envelope = self._envelope(request)
        if _endpoint(request) == "$batch":
            admits = partial(self._gate.admits_item, tenant, door)
            parsed = batch.parse_batch(body, request.headers.get("Prefer", ""), envelope, admits)
            if isinstance(parsed, Reply):
                return response(request, parsed)
            tenant.stats["batches"] += 1
            answers = await tenant.performer.batch(parsed)
            return batch_response(request, answers, tenant.performer.rate_headers())
        headers = {name.lower(): value for name, value in request.headers.items()}
        if door.api is Api.V2:
            name, query = request.match_info["tenant"], request.rel_url.raw_query_string
            call = parse_v2(name, _endpoint(request), query, envelope, headers, body)
        else:
            call = parse_call("", str(request.rel_url), envelope, headers, body)
        answer = call if isinstance(call, Reply) else await tenant.performer.single(call)
        return response(request, answer, tenant.performer.rate_headers())

    async def _read(self, request: web.Request, tenant: Hosted) -> Reply:
        """The module file, the entity sets, or a REST-only cmdlet."""
        endpoint = _endpoint(request)
        base = f"{origin(request)}{'/'.join(request.rel_url.raw_path.split('/')[:4])}"
        if endpoint == _MODULE:
            wanted = request.headers.get("CommandName", "*")
            return tenant.engine.module_file(base, self._site.service, wanted, time.monotonic())
        if not endpoint:
            return Reply(200, rest.entity_sets(base), {"Content-Type": reply.JSON_TYPE})
        headers = {name.lower(): value for name, value in request.headers.items()}
        if endpoint in _CALLED:
            return await self._next_page(request, tenant, headers)
        call = parse_get(base, request.rel_url, self._envelope(request), headers)
        return call if isinstance(call, Reply) else await tenant.performer.single(call)

    async def _next_page(self, request: web.Request, tenant: Hosted, headers: Mapping[str, str]) -> Reply:
        """A nextLink of InvokeCommand by GET: what it is of, the cursor knows."""
        cursor = tenant.engine.asked(request.query.get("$skiptoken", ""), time.monotonic())
        if cursor is None:
            return reply.problem(400, "BadRequest", EXPIRED)
        body = {"CmdletInput": {"CmdletName": cursor.cmdlet, "Parameters": cursor.parameters}}
        call = parse_call("", str(request.rel_url), self._envelope(request), headers, body)
        return call if isinstance(call, Reply) else await tenant.performer.single(call)

    def _envelope(self, request: web.Request) -> Envelope:
        cookie = request.cookies.get(BACKEND_COOKIE, "")
        wanted = request.headers.get("X-ResponseFormat")
        return Envelope(origin(request), self._site.service, cookie, backend_cookie(request), wanted)

    def _no_such_door(self, request: web.Request) -> Reply | None:
        """The refusal of a path or a method (`protocol.md`, "Endpoints")."""
        version, endpoint = request.match_info["version"].lower(), _endpoint(request)
        if version in _READABLE and endpoint in _CALLED:
            page = endpoint == "invokecommand" and request.method == "GET" and "$skiptoken" in request.query
            right = version == "beta" and (request.method == "POST" or page)
            return None if right else _not_allowed(request, "POST")
        if version == "v2.0" and known(endpoint) and self._site.service is Service.EXCHANGE:
            return None if request.method == "POST" else _not_allowed(request, "POST")
        if version in _READABLE and (endpoint == _MODULE or self._site.service is Service.EXCHANGE):
            return None if request.method == "GET" else _not_allowed(request, "GET")
        return reply.problem(404, "NotFound", f"No HTTP resource was found at '{request.path}'.")


def _endpoint(request: web.Request) -> str:
    """What comes after the tenant, in lower case."""
    return request.match_info.get("endpoint", "").strip("/").lower()


def _not_allowed(request: web.Request, allowed: str) -> Reply:
    text = f"The requested resource does not support http method '{request.method}'."
    return reply.problem(405, "MethodNotAllowed", text, Allow=allowed)
