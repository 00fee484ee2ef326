"""Names of this machine, proxies of the environment, cookies of each service."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from bulkexo.connection import Connection
from bulkexo.model import UsageError
from bulkexo.net.session import Session
from bulkexo.net.sessions import Sessions
from bulkexo.wire import Reply

from .asking import request, send
from .conftest import Certificates
from .servers import Proxy, raw, serving

pytestmark = pytest.mark.anyio


async def test_a_region_below_localhost_is_this_machine(certificates: Certificates) -> None:
    """And gets the cookies of its service, which no other service gets."""
    cookies: list[tuple[str, str]] = []

    async def handler(arrived: web.Request) -> web.Response:
        cookies.append((arrived.host.partition(":")[0], arrived.headers.get("Cookie", "")))
        response = web.Response(body=b"{}")
        response.set_cookie("backend", "abc", domain="localhost")
        return response

    async with serving(handler, None) as address:
        port = address.rpartition(":")[2]
        services = [f"http://compliance.localhost:{port}", f"http://outlook.localhost:{port}"]
        async with Session(services, connections=1) as session:
            for host in ("compliance", "eur01b.compliance", "outlook"):
                reply = await session.send(request(f"http://{host}.localhost:{port}"))
                assert isinstance(reply, Reply)
    assert cookies == [
        ("compliance.localhost", ""),
        ("eur01b.compliance.localhost", "backend=abc"),
        ("outlook.localhost", ""),
    ]


async def test_tenants_of_one_service_share_connections_and_no_cookies(certificates: Certificates) -> None:
    """A cursor names a backend, and a cookie does: what one tenant is given is not sent for another."""
    cookies: list[tuple[str, str]] = []
    ports: set[object] = set()

    async def handler(arrived: web.Request) -> web.Response:
        tenant = arrived.path.split("/")[3]
        cookies.append((tenant, arrived.headers.get("Cookie", "")))
        assert arrived.transport is not None
        ports.add(arrived.transport.get_extra_info("peername"))
        response = web.Response(body=b"{}")
        response.set_cookie("backend", f"of-{tenant}")
        return response

    async with serving(handler, certificates.server) as endpoint:
        at = Connection(
            endpoint=endpoint, compliance=endpoint, authority=endpoint, ca_file=certificates.ca_file
        )
        async with Sessions([(at, 1), (at, 1)]) as sessions:
            tenants = {"contoso": sessions.of(at), "fabrikam": sessions.of(at)}
            for tenant in ("contoso", "fabrikam") * 2:
                path = f"/adminapi/beta/{tenant}/InvokeCommand"
                assert isinstance(await tenants[tenant].send(request(endpoint, path)), Reply)
    assert cookies == [
        ("contoso", ""),
        ("fabrikam", ""),
        ("contoso", "backend=of-contoso"),
        ("fabrikam", "backend=of-fabrikam"),
    ]
    assert len(ports) == 1


async def test_a_flood_of_cookies_ebbs_away(certificates: Certificates) -> None:
    sent: list[str] = []

    async def handler(arrived: web.Request) -> web.Response:
        sent.append(arrived.headers.get("Cookie", ""))
        response = web.Response(body=b"{}")
        for number in range(60):
            response.set_cookie(f"c{number + 60 * len(sent)}", "x" * 500)
        response.set_cookie("long", "x" * 5000)
        response.set_cookie("gone", "x", max_age=0)
        return response

    async with (
        serving(handler, certificates.server) as endpoint,
        Session([endpoint], connections=1, ca_file=certificates.ca_file) as session,
    ):
        for _ in range(4):
            assert isinstance(await session.send(request(endpoint)), Reply)
    assert 6000 < len(sent[-1]) <= 8000
    assert "long" not in sent[-1]
    assert "gone" not in sent[-1]


async def test_a_netrc_of_the_user_is_none_of_ours(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login ada password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen: list[str] = []

    async def handler(arrived: web.Request) -> web.Response:
        seen.append(arrived.headers["Authorization"])
        return web.Response(body=b"{}")

    async with serving(handler, certificates.server) as true_endpoint:
        proxy = Proxy(int(true_endpoint.rsplit(":")[-1]))
        async with raw(proxy.behave, None) as address:
            monkeypatch.setenv("HTTPS_PROXY", address)
            assert isinstance(await send("https://service.invalid", certificates.ca_file), Reply)
    assert seen == ["Bearer t"]


@pytest.mark.parametrize(
    "proxy", ["http://ada:pa#ss@proxy:8080", "socks5://ada:pa-ss@proxy:1080", "http://ada:pa-ss@proxy:port"]
)
async def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(UsageError, match="HTTPS_PROXY") as refusal:
        Session(["https://service.invalid"], connections=1)
    assert "ss" not in str(refusal.value).replace("password", "")
