"""People at the sandbox's sign-in: device codes, refresh tokens, the browser, as msal goes about it."""

from __future__ import annotations

import hashlib
import html
import re
import threading
import webbrowser
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from anyio import to_thread

from bulkexo.sandbox import jws
from bulkexo.sandbox.accounts import User
from bulkexo.sandbox.device_codes import Devices
from bulkexo.sandbox.options import SandboxOptions
from tests.sandbox.helpers import Client, running
from tests.sandbox.signing_in import ADA, accepted, claims_of, codes, options, public, scope, steer


async def _begin(client: Client, app: Any) -> dict[str, Any]:
    flow: dict[str, Any] = await to_thread.run_sync(lambda: app.initiate_device_flow(scope(client.served)))
    return flow


async def _poll(app: Any, flow: dict[str, Any]) -> dict[str, Any]:
    once = lambda _: True  # noqa: E731
    found: dict[str, Any] = await to_thread.run_sync(
        lambda: app.acquire_token_by_device_flow(flow, exit_condition=once)
    )
    return found


@pytest.mark.anyio
async def test_a_person_signs_in_by_device_code() -> None:
    async with running(signin=options()) as client, public(client.served) as app:
        flow = await _begin(client, app)
        assert flow["verification_uri"] == f"{client.served.endpoint}/sandbox/device"
        assert flow["user_code"] in flow["message"]
        waiting = await _poll(app, flow)
        assert (waiting["error"], codes(waiting)) == ("authorization_pending", [70016])
        assert (await steer(client, "device/approve", user_code="WRONG", upn=ADA)).status == 400
        nobody = await steer(client, "device/approve", user_code=flow["user_code"], upn="a@b.c")
        assert nobody.body["error_codes"] == [50034]
        approved = await steer(client, "device/approve", user_code=flow["user_code"].lower(), upn=ADA)
        assert approved.status == 200
        answer = await _poll(app, flow)
        assert await accepted(client, answer) == 200
        said = claims_of(answer["access_token"])
        assert (said["upn"], said["tid"]) == (ADA, client.served.tenant_id)
        assert said["appid"] == "fb78d390-0c51-40cd-8e17-fdbfab77341b"
        assert not {"idtyp", "roles"} & said.keys()
        assert (await _id_token(client, answer["id_token"]))["preferred_username"] == ADA
        assert codes(await _poll(app, flow)) == [70018]
        (account,) = app.get_accounts()
        assert account["username"] == ADA
        silent = await to_thread.run_sync(lambda: app.acquire_token_silent(scope(client.served), account))
        assert silent["access_token"] == answer["access_token"]
        renewed = await to_thread.run_sync(
            lambda: app.acquire_token_silent(scope(client.served), account, force_refresh=True)
        )
        assert renewed["access_token"] != answer["access_token"]
        assert await accepted(client, renewed) == 200
        stats = await client.stats()
        assert (stats["tokens_by_device_code"], stats["tokens_by_refresh_token"]) == (1, 1)


async def _id_token(client: Client, token: str) -> dict[str, Any]:
    """What an id_token says, checked as a client would that does not take msal's word for it."""
    base = f"{client.served.authority}/{client.served.tenant}"
    found = await client.send(f"{base}/v2.0/.well-known/openid-configuration", b"", method="GET")
    keys = await client.send(found.body["jwks_uri"], b"", method="GET")
    return jwt.decode(
        token,
        jwt.PyJWK(keys.body["keys"][0]),
        algorithms=["RS256"],
        audience=client.served.public_client_id,
        issuer=found.body["issuer"],
    )


@pytest.mark.anyio
@pytest.mark.parametrize("tenant", [None, "organizations"])
async def test_a_rehearsal_needs_no_person(tenant: str | None) -> None:
    async with (
        running(signin=options(approve_devices=ADA)) as client,
        public(client.served, tenant) as app,
    ):
        flow = await _begin(client, app)
        assert (await _poll(app, flow))["error"] == "authorization_pending"
        assert await accepted(client, await _poll(app, flow)) == 200


@pytest.mark.anyio
async def test_a_person_says_no() -> None:
    async with running(signin=options()) as client, public(client.served) as app:
        flow = await _begin(client, app)
        assert (await steer(client, "device/deny", user_code=flow["user_code"])).status == 200
        assert (await _poll(app, flow))["error"] == "authorization_declined"
        assert (await steer(client, "device/deny", user_code=flow["user_code"])).status == 400


@pytest.mark.anyio
async def test_the_page_takes_the_code() -> None:
    async with running(signin=options()) as client, public(client.served) as app:
        flow = await _begin(client, app)
        async with client.session.get(flow["verification_uri"]) as shown:
            assert 'name="user_code"' in await shown.text()
        for upn, status in (("<b>@else.example", 400), (ADA, 200)):
            form = {"user_code": flow["user_code"], "upn": upn}
            async with client.session.post(flow["verification_uri"], data=form) as shown:
                assert shown.status == status
                assert "<b>@" not in await shown.text()
        assert await accepted(client, await _poll(app, flow)) == 200


def test_whoever_polls_too_fast_is_slowed_down() -> None:
    devices, nobody = Devices(5, 900.0), None
    code = devices.begin("c", "s", 0, "https://h", 0.0)[1]["device_code"]
    polls: list[Any] = [devices.poll(code, "c", nobody, moment) for moment in (0.0, 5.0, 6.0, 11.0, 20.0)]
    errors = [poll[1]["error"] for poll in polls]
    pending, slow = "authorization_pending", "slow_down"
    assert errors == [pending, pending, slow, slow, slow]
    assert devices.poll(code, "c", nobody, 40.0)[1]["error"] == pending  # type: ignore[index]


def test_codes_expire_and_are_their_clients_own() -> None:
    devices, tenant = Devices(5, 900.0), SandboxOptions().tenant_id
    asked = devices.begin("c", "s", 0, "https://h", 0.0)[1]
    polls: list[Any] = [
        devices.poll(asked["device_code"], "c", None, 900.0),
        devices.poll(asked["device_code"], "other", None, 10.0),
        devices.poll("unknown", "c", None, 10.0),
    ]
    assert [poll[1]["error"] for poll in polls] == ["expired_token", *["bad_verification_code"] * 2]
    assert not devices.approve(asked["user_code"], User(ADA, tenant), 900.0)
    assert devices.approve(asked["user_code"], User(ADA, tenant), 899.0)


class _Browser:
    """Follows the forms and redirects of the sign-in; what a person types is in `typed`."""

    def __init__(self, ca_file: str, **typed: str) -> None:
        self._ca_file = ca_file
        self._typed = typed
        self.shown: list[str] = []

    def open(self, url: str, *_: Any, **__: Any) -> bool:
        """What webbrowser.open does: at once."""
        threading.Thread(target=self._visit, args=(url,), daemon=True).start()
        return True

    def _visit(self, url: str) -> None:
        with requests.Session() as session:
            session.trust_env, session.verify = False, self._ca_file
            answer = session.get(url, timeout=10)
            while "<form" in answer.text:
                self.shown.append(answer.text)
                to = html.unescape((re.findall(r'action="([^"]*)"', answer.text) or [answer.url])[0])
                pairs = re.findall(r'name="([^"]*)" value="([^"]*)"', answer.text)
                fields = {name: html.unescape(value) for name, value in pairs}
                answer = session.post(to, data=fields or self._typed, timeout=10)
            self.shown.append(answer.text)


async def _by_browser(
    monkeypatch: pytest.MonkeyPatch, client: Client, browser: _Browser, **more: Any
) -> dict[str, Any]:
    monkeypatch.setattr(webbrowser, "open", browser.open)
    async with public(client.served) as app:
        found: dict[str, Any] = await to_thread.run_sync(
            lambda: app.acquire_token_interactive(scope(client.served), timeout=20, **more)
        )
        return found


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "hint", "typed"),
    [({}, None, {"upn": ADA}), ({}, ADA, {}), ({"approve_devices": ADA}, None, {})],
)
async def test_a_person_signs_in_by_browser(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], hint: str | None, typed: dict[str, str]
) -> None:
    async with running(signin=options(**settings)) as client:
        browser = _Browser(client.served.ca_file, **typed)
        answer = await _by_browser(monkeypatch, client, browser, login_hint=hint)
        assert await accepted(client, answer) == 200
        assert answer["id_token_claims"]["preferred_username"] == ADA
        assert len(browser.shown) == (3 if typed else 2)
        assert (await client.stats())["tokens_by_authorization_code"] == 1


@pytest.mark.anyio
async def test_a_browser_is_told_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(signed_in=False, signin=options(approve_devices=ADA, consent=False)) as client:
        browser = _Browser(client.served.ca_file)
        answer = await _by_browser(monkeypatch, client, browser)
        assert answer["error_description"].startswith("AADSTS65001: ")
    async with running(signin=options()) as client:
        await steer(client, "sign-in/fail", number=53003)
        browser = _Browser(client.served.ca_file)
        answer = await _by_browser(monkeypatch, client, browser, login_hint=ADA)
        assert answer["error_description"].startswith("AADSTS53003: ")


QUERY = {
    "client_id": "fb78d390-0c51-40cd-8e17-fdbfab77341b",
    "response_type": "code",
    "redirect_uri": "http://localhost:1234",
    "scope": "openid https://outlook.office365.com/.default",
    "state": "s&=",
    "code_challenge": jws.encode(hashlib.sha256(b"verifier").digest()),
    "code_challenge_method": "S256",
    "login_hint": ADA,
}


async def _authorize(client: Client, **changes: str) -> tuple[int, str, dict[str, str]]:
    """Status, page, and what came back by redirect."""
    url = f"{client.served.authority}/{client.served.tenant}/oauth2/v2.0/authorize"
    async with client.session.get(url, params={**QUERY, **changes}, allow_redirects=False) as shown:
        back = dict(parse_qsl(urlsplit(shown.headers.get("Location", "")).query))
        return shown.status, await shown.text(), back


@pytest.mark.anyio
async def test_what_a_browser_may_ask() -> None:
    async with running(signin=options()) as client:
        wrong = {
            "http://evil.example": 50011,
            "https://localhost:1": 50011,
            "http://localhost@evil.example": 50011,
            "http://localhost:x": 50011,
        }
        for redirect, number in wrong.items():
            status, text, back = await _authorize(client, redirect_uri=redirect)
            assert (status, f"AADSTS{number}" in text, back) == (400, True, {}), redirect
        status, text, _ = await _authorize(client, client_id="00000000-0000-0000-0000-000000000001")
        assert (status, "AADSTS700016" in text) == (400, True)
        status, text, _ = await _authorize(client, login_hint="ada@fabrikam.com")
        assert (status, "AADSTS50034" in text) == (400, True)
        for name, value in (
            ("response_type", "token"),
            ("code_challenge_method", "plain"),
            ("response_mode", "x"),
        ):
            status, _, back = await _authorize(client, **{name: value})
            assert (status, back["state"]) == (302, "s&=")
            assert back["error_description"].startswith("AADSTS70000: ")


@pytest.mark.anyio
async def test_a_code_is_good_once_and_for_its_client_alone() -> None:
    async with running(signin=options()) as client:
        status, _, back = await _authorize(client)
        assert (status, back["state"]) == (302, "s&=")
        good = {
            "grant_type": "authorization_code",
            "client_id": QUERY["client_id"],
            "code": back["code"],
            "redirect_uri": QUERY["redirect_uri"],
            "code_verifier": "verifier",
        }
        asked: list[tuple[dict[str, str], int | None]] = [
            ({"code_verifier": "other"}, 501481),
            ({"code_verifier": ""}, 501481),
            ({"redirect_uri": "http://localhost:4321"}, 500112),
            ({"client_id": client.served.client_id}, 70000),
            ({"code": "other"}, 70000),
            ({}, None),
            ({}, 54005),
        ]
        url = f"{client.served.authority}/{client.served.tenant}/oauth2/v2.0/token"
        for change, number in asked:
            async with client.session.post(url, data={**good, **change}) as answer:
                body = await answer.json()
            assert body.get("error_codes", [None]) == [number], change


@pytest.mark.anyio
async def test_refresh_tokens_end() -> None:
    async with (
        running(signin=options(approve_devices=ADA, refresh_lifetime=0.0)) as client,
        public(client.served) as app,
    ):
        flow = await _begin(client, app)
        await _poll(app, flow)
        token = (await _poll(app, flow))["refresh_token"]
        assert codes(await _refresh(client, token)) == [700082]
        await steer(client, "refresh-tokens/revoke")
        assert codes(await _refresh(client, token)) == [50173]


async def _refresh(client: Client, token: str) -> dict[str, Any]:
    """By an msal of its own: it remembers for a minute what was refused."""
    async with public(client.served) as app:
        ask = partial(app.acquire_token_by_refresh_token, token, scope(client.served))
        found: dict[str, Any] = await to_thread.run_sync(ask)
        return found
