"""The true msal against a small authority over TLS."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from aiohttp import web

from bulkexo.model import SignInError, SignInUnreachableError
from bulkexo.net import tokens
from bulkexo.net.identity import http
from bulkexo.net.identity.apps import App, secret

from .conftest import Certificates
from .servers import raw, read_request, serving

pytestmark = pytest.mark.anyio

TENANT = "contoso.onmicrosoft.com"
SECRET = "right"


@dataclass
class Authority:
    """Answers as the sign-in service does. forms: what the token endpoint was sent. status: if it is down.
    held: what its answers wait for. lifetime: of its tokens; msal itself keeps one of over five minutes."""

    endpoint: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    known: bool = True
    held: anyio.Event | None = None
    waiting: anyio.Event = field(default_factory=anyio.Event)
    lifetime: int = 3599

    async def answer(self, request: web.Request) -> web.Response:
        base = f"{self.endpoint}/{TENANT}"
        if self.status != 200:
            return web.Response(status=self.status, text="<html>down</html>")
        if request.path.endswith("/.well-known/openid-configuration"):
            if not self.known:
                return refusal(400, "AADSTS90002: Tenant 'x' not found. Check to make sure. Trace ID: 1")
            return web.json_response(
                {
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                }
            )
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        if self.held is not None:
            self.waiting.set()
            await self.held.wait()
        if form["client_secret"] != SECRET:
            return refusal(401, "AADSTS7000215: Invalid client secret provided. Trace ID: 1 Timestamp: 2")
        text = f"token-{len(self.forms)}"
        return web.json_response({"token_type": "Bearer", "expires_in": self.lifetime, "access_token": text})


def refusal(status: int, words: str) -> web.Response:
    return web.json_response({"error": "invalid_client", "error_description": words}, status=status)


@asynccontextmanager
async def authority(certificates: Certificates) -> AsyncIterator[Authority]:
    there = Authority()
    async with serving(there.answer, certificates.server) as there.endpoint:
        yield there


def app(endpoint: str, ca_file: Path | None, text: str = SECRET) -> App:
    scope = "https://outlook.office365.com/.default"
    return App(
        authority=endpoint,
        tenant=TENANT,
        client_id="the-app",
        credential=secret(lambda: text),
        scope=scope,
        ca_file=ca_file,
    )


async def fetch(source: App, claims: str = "", *, anew: bool = False) -> tokens.Token:
    return await anyio.to_thread.run_sync(lambda: source.fetch(claims, anew=anew))


async def test_a_token_for_the_service(certificates: Certificates) -> None:
    async with authority(certificates) as there:
        token = await fetch(app(there.endpoint, certificates.ca_file))
    assert token.text == "token-1"
    assert token.lifetime is not None
    assert 3500 < token.lifetime <= 3599
    (form,) = there.forms
    assert (form["grant_type"], form["client_id"], form["client_secret"]) == (
        "client_credentials",
        "the-app",
        SECRET,
    )
    assert form["scope"] == "https://outlook.office365.com/.default"


async def test_msals_cache_serves_until_a_token_is_refused(certificates: Certificates) -> None:
    async with authority(certificates) as there:
        source = app(there.endpoint, certificates.ca_file)
        texts = [(await fetch(source, anew=anew)).text for anew in (False, False, True, False)]
    assert texts == ["token-1", "token-1", "token-2", "token-2"]


async def test_the_claims_of_a_challenge_reach_the_authority(certificates: Certificates) -> None:
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
    async with authority(certificates) as there:
        source = app(there.endpoint, certificates.ca_file)
        await fetch(source)
        assert (await fetch(source, claims, anew=True)).text == "token-2"
    capable = {"xms_cc": {"values": ["CP1"]}}  # whoever says so is given challenges
    assert json.loads(there.forms[0]["claims"]) == {"access_token": capable}
    assert (
        json.loads(there.forms[1]["claims"])["access_token"] == json.loads(claims)["access_token"] | capable
    )


async def test_a_wrong_secret_is_told_with_its_remedy_and_never_shown(certificates: Certificates) -> None:
    async with authority(certificates) as there:
        with pytest.raises(SignInError) as caught:
            await fetch(app(there.endpoint, certificates.ca_file, "wrong-secret-text"))
    assert not isinstance(caught.value, SignInUnreachableError)
    assert caught.value.exit_code == 4
    assert "AADSTS7000215: Invalid client secret provided." in str(caught.value)
    assert "use its value, not its id" in str(caught.value)
    assert "Trace ID" not in str(caught.value)
    assert "wrong-secret-text" not in str(caught.value)


async def test_a_tenant_that_does_not_exist(certificates: Certificates) -> None:
    async with authority(certificates) as there:
        there.known = False
        with pytest.raises(SignInError, match="Check --tenant") as caught:
            await fetch(app(there.endpoint, certificates.ca_file))
    assert not isinstance(caught.value, SignInUnreachableError)


@pytest.mark.parametrize("when", ["at first", "later"])
async def test_an_authority_that_is_down_may_be_back_later(certificates: Certificates, when: str) -> None:
    async with authority(certificates) as there:
        source = app(there.endpoint, certificates.ca_file)
        if when == "later":
            await fetch(source)
        there.status = 503
        with pytest.raises(SignInUnreachableError, match=there.endpoint):
            await fetch(source, anew=True)


async def test_an_authority_that_is_not_there(certificates: Certificates) -> None:
    async with authority(certificates) as there:
        pass
    with pytest.raises(SignInUnreachableError, match=there.endpoint):
        await fetch(app(there.endpoint, certificates.ca_file))


async def test_an_authority_that_never_answers(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SIGN_IN_TIMEOUT", 0.2)

    async def behave(reader: Any, writer: Any) -> None:
        await read_request(reader)
        await reader.read()

    async with raw(behave, certificates.server) as endpoint:
        with pytest.raises(SignInUnreachableError):
            await fetch(app(endpoint, certificates.ca_file))


async def test_an_untrusted_authority_gets_no_secret(certificates: Certificates) -> None:
    there = Authority()
    async with serving(there.answer, certificates.stranger) as there.endpoint:
        with pytest.raises(SignInError, match="--ca-file") as caught:
            await fetch(app(there.endpoint, certificates.ca_file))
    assert not isinstance(caught.value, SignInUnreachableError)
    assert there.forms == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_the_environment_does_not_take_the_ca_file_back(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/nowhere/at/all.pem")
    async with authority(certificates) as there:
        assert (await fetch(app(there.endpoint, certificates.ca_file))).text == "token-1"


@pytest.mark.parametrize("endpoint", ["127.0.0.1", "localhost", "[::1]"])
async def test_no_proxy_stands_before_an_authority_on_this_machine(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    asked: list[bytes] = []

    async def proxy(reader: Any, writer: Any) -> None:
        asked.append(await reader.readline())

    async with raw(proxy, None) as address:
        monkeypatch.setenv("HTTPS_PROXY", address)
        with pytest.raises(SignInUnreachableError):
            await fetch(app(f"https://{endpoint}", certificates.ca_file))
    assert asked == []


async def test_nothing_waits_while_msal_waits_for_a_slow_authority(certificates: Certificates) -> None:
    """The authority lives in the same loop as the keeper: whatever blocks the one blocks the other."""
    now = [0.0]
    async with authority(certificates) as there, anyio.create_task_group() as group:
        there.lifetime = 200
        keeper = tokens.Keeper(app(there.endpoint, certificates.ca_file), lambda: now[0])
        assert await keeper.current() == "token-1"
        there.held = anyio.Event()
        now[0] = 150.0
        group.start_soon(keeper.keep)
        await there.waiting.wait()
        for _ in range(100):
            assert await keeper.current() == "token-1"
            await anyio.lowlevel.checkpoint()
        there.held.set()
        assert await keeper.renew("token-1", "") == "token-2"
        assert len(there.forms) == 2
        group.cancel_scope.cancel()
