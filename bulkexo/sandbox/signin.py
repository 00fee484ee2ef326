"""The routes of the sign-in service, and what steers it in a rehearsal. What it answers is `authority`'s."""

from __future__ import annotations

import html
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from bulkexo.sandbox.aadsts import Answer, refusal
from bulkexo.sandbox.answers import json_response, origin
from bulkexo.sandbox.authority import Authority, TokenRequest

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
            web.get("/sandbox/device", self._device_page),
            web.post("/sandbox/device", self._device_typed),
            web.post("/sandbox/device/approve", self._approve),
            web.post("/sandbox/device/deny", self._deny),
        ]

    async def _configuration(self, request: web.Request) -> web.Response:
        return json_response(self._authority.configuration(origin(request), request.match_info["tenant"]))

    async def _keys(self, _: web.Request) -> web.Response:
        return json_response(self._authority.keys())

    async def _token(self, request: web.Request) -> web.Response:
        return json_response(self._authority.token(await _asked(request)))

    async def _device(self, request: web.Request) -> web.Response:
        return json_response(self._authority.device(await _asked(request)))

    async def _device_page(self, _: web.Request) -> web.Response:
        fields = _field("user_code", "Code") + _field("upn", "User principal name")
        return page(
            "Enter the code that the application shows.", f'<form method="post">{fields}{_SUBMIT}</form>'
        )

    async def _device_typed(self, request: web.Request) -> web.Response:
        form = await request.post()
        status, content = self._approved(str(form.get("user_code", "")), str(form.get("upn", "")))
        said = "You have signed in. You may close this window." if status == 200 else _said(content)
        return page(said, "", status)

    async def _approve(self, request: web.Request) -> web.Response:
        body = await _body(request)
        return json_response(self._approved(str(body.get("user_code", "")), str(body.get("upn", ""))))

    async def _deny(self, request: web.Request) -> web.Response:
        body = await _body(request)
        denied = self._authority.devices.deny(str(body.get("user_code", "")), time.time())
        return json_response((200, {}) if denied else refusal(70018))

    def _approved(self, user_code: str, upn: str) -> Answer:
        user = self._authority.tenants.user(upn)
        if user is None:
            return refusal(50034, user=upn)
        approved = self._authority.devices.approve(user_code, user, time.time())
        return (200, {"upn": user.upn}) if approved else refusal(70018)


_SUBMIT = '<p><button type="submit">Next</button></p>'


def _field(name: str, label: str) -> str:
    return f'<p><label>{label} <input name="{name}" required></label></p>'


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


async def _body(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request to `/sandbox/…`; nothing is an empty one. Raises HTTPBadRequest."""
    try:
        body = orjson.loads(await request.read() or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="A JSON object is due here.")
    return body
