"""A sign-in service that means harm, or something in its place: the secret goes nowhere else, and it is not
listened to for ever."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from bulkexo.model import SignInError, UsageError
from bulkexo.net.identity import http
from bulkexo.net.identity.apps import App, secret
from bulkexo.net.identity.http import at_home

from .conftest import Certificates
from .servers import Proxy, raw, read_request, reply_bytes

pytestmark = pytest.mark.anyio

SECRET = "the-secret-of-the-app"
Answer = Callable[[str], bytes]


def app(endpoint: str, certificates: Certificates) -> App:
    return App(
        authority=endpoint,
        tenant="t",
        client_id="the-app",
        credential=secret(lambda: SECRET),
        scope="https://outlook.office365.com/.default",
        ca_file=certificates.ca_file,
    )


async def attempt(source: App) -> str:
    """What the administrator is told."""
    with pytest.raises(SignInError) as caught:
        await anyio.to_thread.run_sync(lambda: source.fetch("", anew=False))
    assert SECRET not in str(caught.value)
    assert str(caught.value).isprintable()
    return str(caught.value)


class Service:
    """An authority whose two answers are given, by what the stranger's and its own origins are."""

    def __init__(self, discovery: Answer | None, token: Answer) -> None:
        self.stranger, self.own = "", ""
        self.came: list[bytes] = []
        self._discovery, self._token = discovery or self._honest, token

    def _honest(self, _: str) -> bytes:
        return found(f"{self.own}/t/token")

    async def behave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        answer = self._discovery if request.startswith(b"GET") else self._token
        writer.write(answer(self.stranger))
        await writer.drain()

    async def note(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came.append(await read_request(reader))

    async def sentence(self, certificates: Certificates) -> str:
        async with (
            raw(self.note, certificates.server) as self.stranger,
            raw(self.behave, certificates.server) as self.own,
        ):
            told = await attempt(app(self.own, certificates))
        assert self.came == []
        return told


def found(token_endpoint: str) -> bytes:
    """A discovery document."""
    origin = token_endpoint.partition("/t/")[0]
    names = ("issuer", "authorization_endpoint")
    return reply_bytes(
        json.dumps({**dict.fromkeys(names, f"{origin}/t/v2.0"), "token_endpoint": token_endpoint}).encode()
    )


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See Other", b"307 Temp", b"308 Perm"])
@pytest.mark.parametrize("where", ["discovery", "token"])
async def test_a_redirect_is_not_followed(certificates: Certificates, status: bytes, where: str) -> None:
    def away(stranger: str) -> bytes:
        return reply_bytes(b"", b"Location: %s/t/token" % stranger.encode(), status=status)

    service = Service(away if where == "discovery" else None, away)
    assert "sends the request on elsewhere" in await service.sentence(certificates)


@pytest.mark.parametrize(
    "to", ["{}/t/token", "http://127.0.0.1:1/t/token", "https://user@login.microsoftonline.com/x"]
)
async def test_a_token_endpoint_elsewhere_gets_no_secret(certificates: Certificates, to: str) -> None:
    service = Service(lambda stranger: found(to.format(stranger)), lambda _: reply_bytes())
    told = await service.sentence(certificates)
    assert "names another place to send secrets to" in told or "should consist of an https url" in told


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def zeros() -> bytes:
    return reply_bytes(gzip.compress(bytes(100 << 20)), b"Content-Encoding: gzip")


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: reply_bytes(b" " * (3 << 20)),
        lambda _: (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"4000\r\n%b\r\n" % bytes(1 << 14) * 100
        ),
        lambda _: zeros(),
        lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n{",
        lambda _: CHUNKED + b"xyz\r\n",
        lambda _: b"HTTP/1.1 200 OK\r\nX-Wide: " + b"w" * (1 << 20) + b"\r\n\r\n{}",
        lambda _: reply_bytes(b"<html>Sign in to the guest network</html>"),
        lambda _: reply_bytes(b"[" * 100_000),
        lambda _: b"220 mail.test\r\n\r\n",
    ],
    ids=["long", "long-chunks", "zeros", "cut", "chunks", "header", "html", "deep", "no-http"],
)
@pytest.mark.parametrize("where", ["discovery", "token"])
async def test_an_answer_that_makes_no_sense(certificates: Certificates, answer: Any, where: str) -> None:
    told = await Service(answer if where == "discovery" else None, answer).sentence(certificates)
    assert told.endswith(".")
    assert len(told) < 500


async def test_an_answer_that_drips_is_not_waited_for(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "REPLY_SECONDS", 0.3)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with raw(behave, certificates.server) as endpoint:
        assert "has no end" in await attempt(app(endpoint, certificates))


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "netrc").write_text("default login ada password of-the-netrc\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    yield


@pytest.mark.usefixtures("netrc")
async def test_the_proxy_of_the_environment_is_used_and_nothing_of_the_netrc(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(reply_bytes(b"{}", status=b"400 Bad Request"))
        await writer.drain()

    async with raw(behave, certificates.server) as endpoint:
        proxy = Proxy(int(endpoint.rsplit(":")[-1]))
        async with raw(proxy.behave, None) as address:
            monkeypatch.setenv("HTTPS_PROXY", address.replace("//", "//ada:of-the-proxy@"))
            await attempt(app("https://service.invalid", certificates))
    assert proxy.asked == ["CONNECT service.invalid:443 HTTP/1.0"]
    assert len(seen) == 1
    assert b"Authorization" not in seen[0]


def test_a_proxy_that_cannot_be_used(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:pa#ss@proxy:8080")
    with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
        app("https://service.invalid", certificates)
    assert "pa#" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("https://login.example/t/token", True),
        ("https://login.example:443/t", True),
        ("https://login.microsoftonline.us/t", True),
        ("https://login.example:8443/t", False),
        ("http://login.example/t", False),
        ("https://login.example@evil.example/t", False),
        ("https://login.example.evil.example/t", False),
        ("https://evil.example\\@login.example/t", False),
        ("", False),
    ],
)
def test_home_is_the_sign_in_service(url: str, home: bool) -> None:
    assert at_home(url, "https://login.example") is home
