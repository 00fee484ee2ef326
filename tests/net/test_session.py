"""The session: bytes out, bytes in, over real sockets and real TLS; what does not come back is told apart."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bulkexo.model import UsageError
from bulkexo.net.session import Session
from bulkexo.wire import Lost, Reply, Request

from .asking import PATH, request, send
from .conftest import Certificates
from .servers import Proxy, raw, read_request, reply_bytes, serving

pytestmark = pytest.mark.anyio


async def test_the_request_arrives_and_the_reply_comes_back_as_it_is(certificates: Certificates) -> None:
    seen: list[tuple[Any, ...]] = []

    async def handler(arrived: web.Request) -> web.Response:
        seen.append((arrived.method, arrived.raw_path, await arrived.read(), dict(arrived.headers)))
        return web.Response(status=418, body=b'{"b": 1}', headers={"Request-Id": "r-1"})

    async with serving(handler, certificates.server) as endpoint:
        reply = await send(endpoint, certificates.ca_file)
    ((method, path, body, headers),) = seen
    assert (method, path, body) == ("POST", PATH, b'{"a":"\xc3\x9f"}')
    assert headers["Authorization"] == "Bearer t"
    assert headers["Content-Type"] == "application/json;charset=utf-8"
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, reply.headers["request-id"]) == (418, b'{"b": 1}', "r-1")
    assert all(name == name.lower() for name in reply.headers)


async def test_http_to_loopback() -> None:
    async def handler(arrived: web.Request) -> web.Response:
        return web.Response(body=b"{}")

    async with serving(handler, None) as endpoint:
        assert isinstance(await send(endpoint, None), Reply)


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"{}"), bytes(40), gzip.compress(b"x" * 9999)[:50]],
    ids=["whole", "nothing", "torn"],
)
async def test_compressed_bodies_come_raw(certificates: Certificates, body: bytes) -> None:
    """The service declares NUL bytes as gzip: unpacking is left to those who know."""

    async def handler(arrived: web.Request) -> web.Response:
        return web.Response(status=403, body=body, headers={"Content-Encoding": "gzip"})

    async with serving(handler, certificates.server) as endpoint:
        reply = await send(endpoint, certificates.ca_file)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body, reply.headers["content-encoding"]) == (403, body, "gzip")


async def test_a_get_has_no_body(certificates: Certificates) -> None:
    seen: list[tuple[str, bytes]] = []

    async def handler(arrived: web.Request) -> web.Response:
        seen.append((arrived.method, await arrived.read()))
        return web.Response(body=b"{}")

    async with (
        serving(handler, certificates.server) as endpoint,
        Session([endpoint], connections=1, ca_file=certificates.ca_file) as session,
    ):
        await session.send(Request(endpoint + "/x", {}, b"", 30.0, "GET"))
    assert seen == [("GET", b"")]


async def test_redirects_are_not_followed(certificates: Certificates) -> None:
    paths: list[str] = []

    async def handler(arrived: web.Request) -> web.Response:
        paths.append(arrived.raw_path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with serving(handler, certificates.server) as endpoint:
        reply = await send(endpoint, certificates.ca_file)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.headers["location"], paths) == (307, "/elsewhere", [PATH])


@pytest.mark.parametrize(
    "path",
    [
        "/x/InvokeCommand?$skiptoken=a%2Fb%20c%27d%2B+e%3D%3d%26f~g",
        "/x/InvokeCommand?%24skiptoken=Ex%c3%a4%C3%A4%7E%5F",
        "/x/%24batch/Mailbox('a%40b')",
    ],
)
async def test_a_link_is_sent_byte_for_byte(certificates: Certificates, path: str) -> None:
    """The cursor in a next page's link is the service's own text."""
    paths: list[str] = []

    async def handler(arrived: web.Request) -> web.Response:
        paths.append(arrived.raw_path)
        return web.Response(body=b"{}")

    async with serving(handler, certificates.server) as endpoint:
        await send(endpoint, certificates.ca_file, path)
    assert paths == [path]


async def test_a_link_with_letters_that_no_request_line_takes_is_escaped(certificates: Certificates) -> None:
    paths: list[str] = []

    async def handler(arrived: web.Request) -> web.Response:
        paths.append(arrived.raw_path)
        return web.Response(body=b"{}")

    async with serving(handler, certificates.server) as endpoint:
        await send(endpoint, certificates.ca_file, "/x?$skiptoken=a b\u00e4")
    assert paths == ["/x?$skiptoken=a+b%C3%A4"]


async def test_a_header_that_comes_twice_is_kept_whole(certificates: Certificates) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        challenges = (b'WWW-Authenticate: Bearer claims="abc"', b"WWW-Authenticate: Negotiate")
        writer.write(reply_bytes(b"", *challenges, status=b"401 Unauthorized"))
        await writer.drain()

    async with raw(behave, certificates.server) as endpoint:
        reply = await send(endpoint, certificates.ca_file)
    assert isinstance(reply, Reply)
    assert reply.headers["www-authenticate"] == 'Bearer claims="abc", Negotiate'


async def test_a_header_of_other_bytes_is_text_all_the_same(certificates: Certificates) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(
            reply_bytes(b"", "X-Warnings: Gr\u00fc\u00dfe".encode(), "X-Old: Gr\u00fc".encode("latin-1"))
        )
        await writer.drain()

    async with raw(behave, certificates.server) as endpoint:
        reply = await send(endpoint, certificates.ca_file)
    assert isinstance(reply, Reply)
    assert reply.headers["x-warnings"] == "Gr\u00fc\u00dfe"
    assert reply.headers["x-old"].startswith("Gr")
    assert reply.headers["x-old"].encode()


async def test_cookies_keep_the_run_on_its_backend(certificates: Certificates) -> None:
    cookies: list[str] = []

    async def handler(arrived: web.Request) -> web.Response:
        cookies.append(arrived.headers.get("Cookie", ""))
        response = web.Response(body=b"{}")
        response.set_cookie("exchangecookie", "abc", secure=True)
        return response

    async with (
        serving(handler, certificates.server) as endpoint,
        Session([endpoint], connections=1, ca_file=certificates.ca_file) as session,
    ):
        for _ in range(2):
            await session.send(request(endpoint))
    assert cookies == ["", "exchangecookie=abc"]


async def test_a_request_elsewhere_is_refused_before_anything_is_sent(certificates: Certificates) -> None:
    async with Session(["https://127.0.0.1:1"], connections=1, ca_file=certificates.ca_file) as session:
        for url in ("https://evil.test/x", "https://127.0.0.1:11/x", "http://127.0.0.1:1/x"):
            with pytest.raises(ValueError, match="no session for"):
                await session.send(Request(url, {}, b"", 1.0))


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes at once, or when it has read nothing."""


async def read_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.transport.abort()


async def half_a_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(reply_bytes(b"x" * 1000)[:-500])
    await writer.drain()


async def no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"220 mail.test ESMTP\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize("behave", [hang_up, read_and_hang_up, reset, half_a_reply, no_http])
async def test_a_connection_that_is_cut_may_have_delivered(certificates: Certificates, behave: Any) -> None:
    async with raw(behave, certificates.server) as endpoint:
        lost = await send(endpoint, certificates.ca_file)
    assert isinstance(lost, Lost)
    assert (lost.sent, lost.final) == (True, False)
    assert lost.reason.endswith(".")


async def test_no_answer_in_time_may_have_delivered(certificates: Certificates) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await reader.read()  # until the other side gives up

    async with raw(behave, certificates.server) as endpoint:
        lost = await send(endpoint, certificates.ca_file, timeout=0.2)
    assert isinstance(lost, Lost)
    assert (lost.sent, lost.final) == (True, False)
    assert "No reply" in lost.reason


async def test_a_kept_connection_that_is_cut_is_not_silently_sent_again(certificates: Certificates) -> None:
    """A second sending that nobody knows of would be a second mailbox."""
    seen: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(reply_bytes())
        await writer.drain()
        seen.append(await read_request(reader))

    async with (
        raw(behave, certificates.server) as endpoint,
        Session([endpoint], connections=1, ca_file=certificates.ca_file) as session,
    ):
        assert isinstance(await session.send(request(endpoint)), Reply)
        lost = await session.send(request(endpoint))
    assert isinstance(lost, Lost)
    assert lost.sent
    assert len(seen) == 2


async def test_a_refused_port_was_never_reached(certificates: Certificates) -> None:
    with socket.socket() as taken:  # bound, not listening: refuses
        taken.bind(("127.0.0.1", 0))
        lost = await send(f"https://127.0.0.1:{taken.getsockname()[1]}", certificates.ca_file)
    assert isinstance(lost, Lost)
    assert (lost.sent, lost.final) == (False, False)


async def test_a_host_that_does_not_exist_was_never_reached(certificates: Certificates) -> None:
    lost = await send("https://service.invalid", certificates.ca_file)
    assert isinstance(lost, Lost)
    assert (lost.sent, lost.final) == (False, False)


@pytest.mark.parametrize("which", ["stranger", "misnamed"])
async def test_an_untrusted_certificate_is_final(certificates: Certificates, which: str) -> None:
    context: ssl.SSLContext = getattr(certificates, which)
    async with raw(read_and_hang_up, context) as endpoint:
        lost = await send(endpoint, certificates.ca_file)
    assert isinstance(lost, Lost)
    assert (lost.sent, lost.final) == (False, True)
    assert "--ca-file" in lost.reason


async def test_without_the_ca_file_the_certificate_is_not_trusted(certificates: Certificates) -> None:
    async with raw(read_and_hang_up, certificates.server) as endpoint:
        lost = await send(endpoint, None)
    assert isinstance(lost, Lost)
    assert lost.final


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def hang_up_in_the_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def reset_in_the_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.transport.abort()


@pytest.mark.parametrize("behave", [greet, hang_up_in_the_handshake, reset_in_the_handshake])
async def test_a_handshake_that_fails_is_worth_another_try(certificates: Certificates, behave: Any) -> None:
    """A load balancer that is going down is no untrusted certificate."""
    async with raw(behave, None) as plain:
        lost = await send(plain.replace("http:", "https:"), certificates.ca_file)
    assert isinstance(lost, Lost)
    assert (lost.sent, lost.final) == (False, False)


@pytest.mark.parametrize("text", ["", "no certificate", None])
async def test_a_ca_file_that_cannot_be_used(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=r"ca\.pem"):
        Session(["https://127.0.0.1:1"], connections=1, ca_file=path)


async def test_a_proxy_of_the_environment_is_used(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name cannot be resolved here: only the proxy knows where it is."""

    async def handler(arrived: web.Request) -> web.Response:
        return web.Response(body=b"{}", headers={"Seen": arrived.headers["Authorization"]})

    async with serving(handler, certificates.server) as true_endpoint:
        proxy = Proxy(int(true_endpoint.rsplit(":")[-1]))
        async with raw(proxy.behave, None) as address:
            monkeypatch.setenv("HTTPS_PROXY", address)
            reply = await send("https://service.invalid", certificates.ca_file)
    assert isinstance(reply, Reply)
    assert reply.headers["seen"] == "Bearer t"
    assert proxy.asked == ["CONNECT service.invalid:443 HTTP/1.1"]


@pytest.mark.parametrize(
    "endpoint", ["https://127.0.0.1:{}", "https://localhost:{}", "https://[::1]:{}", "https://[::1]"]
)
async def test_no_proxy_stands_before_this_machine(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    proxy = Proxy(0, b"HTTP/1.1 502 No\r\n\r\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with raw(proxy.behave, None) as address:
            monkeypatch.setenv("HTTPS_PROXY", address)
            lost = await send(endpoint.format(taken.getsockname()[1]), certificates.ca_file)
    assert isinstance(lost, Lost)
    assert proxy.asked == []


@pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"502 Bad Gateway"])
async def test_a_proxy_that_refuses_has_delivered_nothing(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, status: bytes
) -> None:
    proxy = Proxy(0, b"HTTP/1.1 " + status + b"\r\n\r\n")
    async with raw(proxy.behave, None) as address:
        monkeypatch.setenv("HTTPS_PROXY", address)
        lost = await send("https://service.invalid", certificates.ca_file)
    assert isinstance(lost, Lost)
    assert (lost.sent, lost.final) == (False, False)
    assert len(proxy.asked) == 1
