"""The sockets: HTTPS on loopback, the gate, and the waits. What a cmdlet does is `engine`'s."""

from __future__ import annotations

import contextlib
import gzip
import secrets
import socket
import sys
import tempfile
import time
from binascii import crc32
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from ssl import SSLContext
from typing import Any

import anyio
import anyio.lowlevel
import orjson
from aiohttp import web

from bulkexo.sandbox import batch, reply
from bulkexo.sandbox.authority import Answer, Authority
from bulkexo.sandbox.certificate import server_context
from bulkexo.sandbox.engine import Engine
from bulkexo.sandbox.journal import Arrivals, Journal
from bulkexo.sandbox.options import CLIENT_ID, Announcement, SandboxOptions, ServedTenant
from bulkexo.sandbox.perform import CutConnection, Performer
from bulkexo.sandbox.reply import Reply
from bulkexo.sandbox.request import parse_body, parse_call, parse_url

_LARGEST_BODY = 64 << 20
_WORTH_COMPRESSING = 200


class _Hosted:
    """One tenant behind the door: what it holds, and its own limits. Only the journal's file is shared."""

    def __init__(self, options: SandboxOptions, journal: Journal | None, arrivals: Arrivals | None) -> None:
        self.domain, self.tenant_id = options.domain, options.tenant_id
        engine = Engine(options, journal)
        self.stats = engine.stats
        self.performer = Performer(options, engine, arrivals)


class Server:
    """The tenants behind HTTPS. Seconds of life pass `speed` times as fast as real ones."""

    def __init__(self, options: SandboxOptions, journal: Journal | None, arrivals: Arrivals | None) -> None:
        self.authority = Authority(options)
        self._tenants = {tenant.tenant_id: _Hosted(tenant, journal, arrivals) for tenant in options.tenants}
        self._stray: Counter[str] = Counter()

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/adminapi/{version}/{tenant}/{endpoint}", self._admin)
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/{tenant}/discovery/v2.0/keys", self._keys)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_get("/sandbox/stats", self._stats)
        return app

    async def _configuration(self, request: web.Request) -> web.Response:
        return _json(self.authority.configuration(_origin(request), request.match_info["tenant"]))

    async def _keys(self, _: web.Request) -> web.Response:
        return _json((200, {"keys": []}))

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        basic = request.headers.get("Authorization", "")
        return _json(self.authority.token(request.match_info["tenant"], form, basic, time.time()))

    async def _stats(self, _: web.Request) -> web.Response:
        figures = {tenant.domain: self._figures(tenant) for tenant in self._tenants.values()}
        return _json((200, {**_totals(self._stray, list(figures.values())), "tenants": figures}))

    def _figures(self, tenant: _Hosted) -> dict[str, Any]:
        issued = self.authority.issued[tenant.tenant_id]
        return {**dict(sorted(tenant.stats.items())), "tokens_issued": issued, **tenant.performer.figures()}

    async def _admin(self, request: web.Request) -> web.Response:
        """Both endpoints of the admin API."""
        self._stats_of(request.match_info["tenant"])["requests"] += 1
        endpoint = request.match_info["endpoint"]
        tenant = self._gate(request)
        if isinstance(tenant, Reply):
            return _response(request, tenant)
        body = parse_body(await request.read(), request.headers.get("Content-Type", ""))
        if isinstance(body, Reply):
            return _response(request, body)
        origin = _origin(request)
        try:
            if endpoint.lower() == "$batch":
                admits = partial(self._admits, tenant)
                parsed = batch.parse_batch(body, request.headers.get("Prefer", ""), origin, admits)
                if isinstance(parsed, Reply):
                    return _response(request, parsed)
                tenant.stats["batches"] += 1
                answer = await tenant.performer.batch(parsed)
                return _batch_response(request, answer)
            headers = {name.lower(): value for name, value in request.headers.items()}
            call = parse_call("", str(request.rel_url), origin, headers, body)
            answer = call if isinstance(call, Reply) else await tenant.performer.single(call)
            return _response(request, answer)
        except CutConnection:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    def _gate(self, request: web.Request) -> Reply | _Hosted:
        """The tenant, or the refusal that comes before the body is read (`protocol.md`, "Endpoints", "Second
        reading")."""
        version, endpoint = request.match_info["version"].lower(), request.match_info["endpoint"].lower()
        if version not in {"beta", "v1.0"} or endpoint not in {"invokecommand", "$batch"}:
            return reply.problem(404, "NotFound", f"No HTTP resource was found at '{request.path}'.")
        if version == "v1.0" or request.method != "POST":
            text = f"The requested resource does not support http method '{request.method}'."
            return reply.problem(405, "MethodNotAllowed", text, Allow="POST")
        return self._admit(
            request.match_info["tenant"], request.headers.get("Authorization"), _origin(request)
        )

    def _admits(self, tenant: _Hosted, url: str, authorization: str | None) -> Reply | None:
        """The refusal of an item in a batch that was sent to `tenant`."""
        parsed = parse_url(url)
        if parsed is None:
            return None
        admitted = self._admit(parsed[0], authorization, "https://localhost")
        if isinstance(admitted, Reply):
            return admitted
        if admitted is not tenant:
            return reply.problem(403, "Forbidden", f"The tenant '{parsed[0]}' isn't the tenant of the batch.")
        return None

    def _admit(self, name: str, authorization: str | None, origin: str) -> Reply | _Hosted:
        """The tenant of a path, if the token is one of its own."""
        tenant_id = self.authority.tenant_id(name)
        holder = self.authority.holder(authorization, time.time())
        if holder is None or tenant_id not in {None, holder}:
            self._stats_of(name)["unauthorized"] += 1
            text = "The access token is missing, has expired, or was not given by this authority."
            if holder is not None:
                text = "The access token was given for another tenant."
            challenge = {"WWW-Authenticate": self.authority.challenge(origin)}
            return reply.problem(401, "Unauthorized", text, **challenge)
        if tenant_id is None:
            return reply.problem(
                403, "Forbidden", f"The tenant '{name}' isn't the tenant of the access token."
            )
        return self._tenants[tenant_id]

    def _stats_of(self, name: str) -> Counter[str]:
        tenant = self._tenants.get(self.authority.tenant_id(name) or "")
        return self._stray if tenant is None else tenant.stats


def _totals(stray: Counter[str], figures: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over all tenants; of the budgets the lowest balance. stray: of requests to no tenant."""
    balances = [balance for each in figures if (balance := each["budget_balance_ms"]) is not None]
    sums = Counter(stray)
    for each in figures:
        sums.update({name: count for name, count in each.items() if name != "budget_balance_ms"})
    return {**dict(sorted(sums.items())), "budget_balance_ms": min(balances, default=None)}


def _origin(request: web.Request) -> str:
    return f"https://{request.host}"


def _json(answer: Answer) -> web.Response:
    status, content = answer
    return web.Response(
        status=status,
        body=orjson.dumps(content),
        headers={"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"},
    )


def _response(request: web.Request, answer: Reply) -> web.Response:
    headers = {
        **answer.headers,
        "X-CalculatedBETarget": _backend(request.headers.get("connection-id", "")),
        "X-Content-Type-Options": "nosniff",
    }
    body = answer.encoded()
    wanted = "gzip" in request.headers.get("Accept-Encoding", "").lower()
    if wanted and "Content-Encoding" not in headers and len(body) >= _WORTH_COMPRESSING:
        body = gzip.compress(body, 1)
        headers["Content-Encoding"] = "gzip"
    return web.Response(status=answer.status, body=body, headers=headers)


def _batch_response(request: web.Request, answer: Reply | list[tuple[str, Reply]]) -> web.Response:
    if isinstance(answer, Reply):
        return _response(request, answer)
    headers = {"OData-Version": "4.0", "request-id": reply.request_id()}
    if "application/json" in request.headers.get("Accept", "").lower():
        headers["Content-Type"] = reply.JSON_TYPE
        return _response(request, Reply(200, batch.as_json(answer), headers))
    boundary = f"batchresponse_{secrets.token_hex(16)}"
    headers["Content-Type"] = f"multipart/mixed; boundary={boundary}"
    return _response(request, Reply(200, batch.as_multipart(answer, boundary), headers))


def _backend(connection: str) -> str:
    """The server that answers: the same for the same `connection-id`."""
    number = crc32(connection.encode()) % 9000 + 1000
    return f"AM{number % 10}PR07MB{number}.eurprd07.prod.outlook.com"


def _bind(family: int, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _listeners(port: int) -> list[socket.socket]:
    """Sockets on 127.0.0.1 and, where there is IPv6, on ::1 with the same port. Raises OSError."""
    listeners = [_bind(socket.AF_INET, "127.0.0.1", port)]
    with contextlib.suppress(OSError):
        listeners.append(_bind(socket.AF_INET6, "::1", listeners[0].getsockname()[1]))
    return listeners


@dataclass(frozen=True, slots=True)
class _Started:
    """What was opened for a sandbox. kept: gives all of it back."""

    server: Server
    listeners: list[socket.socket]
    ssl: SSLContext
    ca_file: Path
    kept: contextlib.ExitStack


def _start(options: SandboxOptions) -> _Started:
    """Open everything, or nothing: the folder, the sockets, the journal. Raises OSError."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bulkexo-sandbox-")))
        ca_file = (options.ca_file or folder / "ca.pem").absolute()
        listeners = _listeners(options.port)
        for listener in listeners:
            stack.callback(listener.close)
        journal = None if options.journal is None else Journal(options.journal)
        if journal is not None:
            stack.callback(journal.close)
        arrivals = None if options.arrivals is None else Arrivals(options.arrivals)
        if arrivals is not None:
            stack.callback(arrivals.close)
        context = server_context(folder, ca_file)
        return _Started(Server(options, journal, arrivals), listeners, context, ca_file, stack.pop_all())


async def _stop(runner: web.AppRunner) -> None:
    """End quickly: clients that keep idle connections open are not asked to say goodbye."""
    for connection in [] if runner.server is None else runner.server.connections:
        if connection.transport is not None:  # before the clean-up, after which Python 3.11.2 cannot do it
            connection.transport.abort()
    await anyio.lowlevel.checkpoint()
    await runner.cleanup()


async def serve(options: SandboxOptions, ready: Callable[[Announcement], object]) -> None:
    """Serve until cancelled; see `bulkexo.sandbox.serve`. Raises OSError if the port is taken or a file
    cannot be written."""
    start = _start(options)
    with start.kept:
        runner = web.AppRunner(
            start.server.application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=0.2,
            keepalive_timeout=120,
        )
        await runner.setup()
        try:
            for listener in start.listeners:
                await web.SockSite(runner, listener, ssl_context=start.ssl).start()
            endpoint = f"https://localhost:{start.listeners[0].getsockname()[1]}"
            ready(
                Announcement(
                    endpoint=endpoint,
                    authority=endpoint,
                    tenant=options.domain,
                    tenant_id=options.tenant_id,
                    ca_file=str(start.ca_file),
                    client_id=CLIENT_ID,
                    client_secret=start.server.authority.secret,
                    tenants=tuple(ServedTenant(each.domain, each.tenant_id) for each in options.tenants),
                )
            )
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await _stop(runner)
