"""The routes of the sign-in service, and what steers it in a rehearsal. What it answers is `authority`'s."""

from __future__ import annotations

import html
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bulkexo.sandbox.aadsts import Answer, refusal
from bulkexo.sandbox.answers import json_response, origin
from bulkexo.sandbox.authority import Authority, TokenRequest
from bulkexo.sandbox.browser import Asked, wrong
from bulkexo.sandbox.control import body_of

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SignIn:
    """The sign-in service over HTTP."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def routes(self) -> list[web.RouteDef]:
        """All addresses of the sign-in service."""
        return [
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._configuration),
            web.get("/{tenant}/discovery/v2.0/keys", self._keys),
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
            web.post("/{tenant}/oauth2/v2.0/devicecode", self._device),
            web.get("/{tenant}/oauth2/v2.0/authorize", self._authorize),
            web.post("/{tenant}/oauth2/v2.0/authorize", self._authorize),
            web.get("/sandbox/device", self._device_page),
            web.post("/sandbox/device", self._device_typed),
            web.post("/sandbox/device/approve", self._approve),
            web.post("/sandbox/device/deny", self._deny),
        ]

    async def _configuration(self, request: web.Request) -> web.Response:
        outage = self._authority.outage(time.time())
        tenant = request.match_info["tenant"]
        return json_response(outage or self._authority.configuration(origin(request), tenant))

    async def _keys(self, _: web.Request) -> web.Response:
        return json_response(self._authority.keys())

    async def _token(self, request: web.Request) -> web.Response:
        return json_response(self._authority.token(await _asked(request)))

    async def _device(self, request: web.Request) -> web.Response:
        return json_response(self._authority.device(await _asked(request)))

    async def _authorize(self, request: web.Request) -> web.Response:
        """A person is asked by a page, unless it is said who signs in."""
        authority, tenant = self._authority, request.match_info["tenant"]
        query, now = request.query, time.time()
        asked = authority.outage(now) or authority.ask(tenant, query)
        if isinstance(asked, tuple):
            return page(_said(asked[1]), "", asked[0])
        refused = wrong(query) or authority.trouble.due(client=asked.client, tenant=tenant)
        if refused is None and not authority.options.consent:
            refused = refusal(65001, client=asked.client)
        if refused is not None:
            names = ("error", "error_description")
            return _back(asked, {name: str(refused[1][name]) for name in names})
        upn = query.get("login_hint") or authority.options.approve_devices or ""
        if request.method == "POST":
            upn = str((await request.post()).get("upn", ""))
        if not upn:
            return page("Who are you?", f'<form method="post">{_field("upn", _UPN)}{_SUBMIT}</form>')
        code = authority.approve(tenant, asked, upn, now)
        if isinstance(code, tuple):
            return page(_said(code[1]), "", code[0])
        return _back(asked, {"code": code})

    async def _device_page(self, _: web.Request) -> web.Response:
        fields = _field("user_code", "Code") + _field("upn", _UPN)
        return page(
            "Enter the code that the application shows.", f'<form method="post">{fields}{_SUBMIT}</form>'
        )

    async def _device_typed(self, request: web.Request) -> web.Response:
        form = await request.post()
        status, content = self._approved(str(form.get("user_code", "")), str(form.get("upn", "")))
        said = "You have signed in. You may close this window." if status == 200 else _said(content)
        return page(said, "", status)

    async def _approve(self, request: web.Request) -> web.Response:
        return json_response(self._approved(*await _told(request, "user_code", "upn")))

    async def _deny(self, request: web.Request) -> web.Response:
        (user_code,) = await _told(request, "user_code")
        denied = self._authority.devices.deny(user_code, time.time())
        return json_response((200, {}) if denied else refusal(70018))

    def _approved(self, user_code: str, upn: str) -> Answer:
        user = self._authority.tenants.user(upn)
        if user is None:
            return refusal(50034, user=upn)
        approved = self._authority.devices.approve(user_code, user, time.time())
        return (200, {"upn": user.upn}) if approved else refusal(70018)


_UPN = "User principal name"
_SUBMIT = '<p><button type="submit">Next</button></p>'


def _field(name: str, label: str) -> str:
    return f'<p><label>{label} <input name="{name}" required></label></p>'


def _back(asked: Asked, fields: dict[str, str]) -> web.Response:
    """Send the browser back to the client, with what it is told."""
    told = {**fields, **({"state": asked.state} if asked.state else {})}
    if asked.mode == "query":
        return web.Response(
            status=302, headers={"Location": asked.location(told), "Cache-Control": "no-store"}
        )
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in told.items()
    )
    form = f'<form method="post" action="{html.escape(asked.redirect)}">{inputs}{_SUBMIT}</form>'
    return page("You are sent back.", form + "<script>document.forms[0].submit()</script>")


def page(words: str, form: str, status: int = 200) -> web.Response:
    """A page for a person. words: plain text. form: HTML."""
    text = (
        "<!DOCTYPE html>\n<html><head><title>Sign in to the pretend tenant</title></head>"
        f"<body><h1>Sign in to the pretend tenant</h1><p>{html.escape(words)}</p>{form}</body></html>"
    )
    return web.Response(
        status=status, text=text, content_type="text/html", headers={"Cache-Control": "no-store"}
    )


def _said(content: dict[str, Any]) -> str:
    return str(content["error_description"]).partition(" Trace ID")[0]


async def _asked(request: web.Request) -> TokenRequest:
    form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return TokenRequest(
        tenant=request.match_info["tenant"],
        form=form,
        origin=origin(request),
        basic=request.headers.get("Authorization", ""),
        now=time.time(),
    )


async def _told(request: web.Request, *names: str) -> list[str]:
    """The members of a JSON object, missing ones as nothing. Raises HTTPBadRequest."""
    try:
        body = await body_of(request)
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    return [str(body.get(name, "")) for name in names]
