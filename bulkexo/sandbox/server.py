"""The sockets: HTTPS on loopback, the gate, and the waits. What a cmdlet does is `engine`'s."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any

import anyio
import anyio.lowlevel
from aiohttp import web

from bulkexo.sandbox.adminapi import AdminApi
from bulkexo.sandbox.answers import json_response
from bulkexo.sandbox.authority import Authority
from bulkexo.sandbox.certificate import server_context
from bulkexo.sandbox.control import Control
from bulkexo.sandbox.gate import Gate, Hosted
from bulkexo.sandbox.journal import Arrivals, Journal
from bulkexo.sandbox.keys import Keys
from bulkexo.sandbox.listeners import listeners
from bulkexo.sandbox.managed import ManagedIdentities
from bulkexo.sandbox.material import Material, make_material, read_certificate
from bulkexo.sandbox.options import CLIENT_ID, Announcement, SandboxOptions, ServedTenant
from bulkexo.sandbox.signin import SignIn
from bulkexo.sandbox.sites import Service, Site

_LARGEST_BODY = 64 << 20


class Server:
    """The tenants behind HTTPS. Seconds of life pass `speed` times as fast as real ones."""

    def __init__(
        self,
        options: SandboxOptions,
        authority: Authority,
        material: Material | None,
        journal: Journal | None,
        arrivals: Arrivals | None,
    ) -> None:
        self.authority = authority
        self._material = material
        self._region = options.region
        self._tenants = {tenant.tenant_id: Hosted(tenant, journal, arrivals) for tenant in options.tenants}
        self._gate = Gate(self.authority, self._tenants)

    def application(self, service: Service) -> web.Application:
        """The routes of one service. The sign-in and the figures are at both."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        AdminApi(self._gate, Site(service, self._region)).add_routes(app.router)
        app.add_routes(SignIn(self.authority).routes())
        app.add_routes(Control(self.authority, self._material, self._keys).routes())
        app.router.add_get("/sandbox/stats", self._stats)
        return app

    def _keys(self, tenant_id: str) -> Keys:
        return self._tenants[tenant_id].engine.keys

    async def _stats(self, _: web.Request) -> web.Response:
        figures = {tenant.domain: self._figures(tenant) for tenant in self._tenants.values()}
        return json_response((200, {**_totals(self._gate.stray, list(figures.values())), "tenants": figures}))

    def _figures(self, tenant: Hosted) -> dict[str, Any]:
        tokens = self.authority.tokens
        by_grant = tokens.by_grant[tenant.tenant_id].items()
        return {
            **dict(sorted(tenant.stats.items())),
            "tokens_issued": tokens.issued[tenant.tenant_id],
            **{f"tokens_by_{grant}": count for grant, count in sorted(by_grant)},
            **tenant.performer.figures(),
        }


def _totals(stray: Counter[str], figures: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over all tenants; of the budgets the lowest balance. stray: of requests to no tenant."""
    balances = [balance for each in figures if (balance := each["budget_balance_ms"]) is not None]
    sums = Counter(stray)
    for each in figures:
        sums.update({name: count for name, count in each.items() if name != "budget_balance_ms"})
    return {**dict(sorted(sums.items())), "budget_balance_ms": min(balances, default=None)}


@dataclass(frozen=True, slots=True)
class _Started:
    """What was opened for a sandbox. kept: gives all of it back."""

    server: Server
    material: Material | None
    identities: tuple[ManagedIdentities, list[socket.socket]] | None
    listeners: Mapping[Service, list[socket.socket]]
    ssl: SSLContext
    ca_file: Path
    kept: contextlib.ExitStack


def _start(options: SandboxOptions) -> _Started:
    """Open everything, or nothing: the folder, the sockets, the journal. Raises OSError, OptionError."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bulkexo-sandbox-")))
        ca_file = (options.ca_file or folder / "ca.pem").absolute()
        ports = {Service.EXCHANGE: options.port, Service.COMPLIANCE: options.compliance_port}
        opened = {}
        for service, port in ports.items():
            opened[service] = listeners(port)
            for listener in opened[service]:
                stack.callback(listener.close)
        journal = None if options.journal is None else Journal(options.journal)
        if journal is not None:
            stack.callback(journal.close)
        arrivals = None if options.arrivals is None else Arrivals(options.arrivals)
        if arrivals is not None:
            stack.callback(arrivals.close)
        material = make_material(options.signin, time.time())
        certificates = [read_certificate(file) for file in options.signin.app_certificates]
        authority = Authority(options, material, certificates)
        identities = None
        if options.signin.managed_identity:
            identities = ManagedIdentities(authority, options.tenant_id), listeners(0)
            for listener in identities[1]:
                stack.callback(listener.close)
        context = server_context(folder, ca_file, f"{options.region}.localhost")
        server = Server(options, authority, material, journal, arrivals)
        return _Started(server, material, identities, opened, context, ca_file, stack.pop_all())


async def _stop(runner: web.AppRunner) -> None:
    """End quickly: clients that keep idle connections open are not asked to say goodbye."""
    for connection in [] if runner.server is None else runner.server.connections:
        if connection.transport is not None:  # before the clean-up, after which Python 3.11.2 cannot do it
            connection.transport.abort()
    await anyio.lowlevel.checkpoint()
    await runner.cleanup()


async def serve(options: SandboxOptions, ready: Callable[[Announcement], object]) -> None:
    """Serve until cancelled; see `bulkexo.sandbox.serve`. Raises OSError if a port is taken or a file
    cannot be written, OptionError if a certificate is none."""
    start = _start(options)
    with start.kept:
        runners = []
        try:
            for application, sockets, context in _fronts(start):
                runner = web.AppRunner(
                    application,
                    access_log=None,
                    handle_signals=False,
                    shutdown_timeout=0.2,
                    keepalive_timeout=120,
                )
                runners.append(runner)
                await runner.setup()
                for listener in sockets:
                    await web.SockSite(runner, listener, ssl_context=context).start()
            ready(_announcement(options, start))
            async with anyio.create_task_group() as group:
                if start.material is not None:
                    group.start_soon(start.material.keep_fresh)
                await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                for runner in runners:
                    await _stop(runner)


def _fronts(start: _Started) -> Iterator[tuple[web.Application, list[socket.socket], SSLContext | None]]:
    """Every application, its sockets, and how it is encrypted; managed identities are had by plain HTTP."""
    for service, sockets in start.listeners.items():
        yield start.server.application(service), sockets, start.ssl
    if start.identities is not None:
        identities, sockets = start.identities
        yield identities.application(), sockets, None


def _announcement(options: SandboxOptions, start: _Started) -> Announcement:
    origins = {
        service: f"https://localhost:{opened[0].getsockname()[1]}"
        for service, opened in start.listeners.items()
    }
    managed = None
    if start.identities is not None:
        identities, opened = start.identities
        managed = identities.announced(f"http://127.0.0.1:{opened[0].getsockname()[1]}")
    return Announcement(
        endpoint=origins[Service.EXCHANGE],
        compliance=origins[Service.COMPLIANCE],
        authority=origins[Service.EXCHANGE],
        tenant=options.domain,
        tenant_id=options.tenant_id,
        ca_file=str(start.ca_file),
        client_id=CLIENT_ID,
        client_secret=start.server.authority.proofs.secret,
        tenants=tuple(ServedTenant(each.domain, each.tenant_id) for each in options.tenants),
        credentials=None if start.material is None else start.material.announced(),
        managed_identity=managed,
    )
