"""A sign-in service and a service in one that quote all they are sent, wherever an answer has room for it."""

from __future__ import annotations

import asyncio
import base64
import html
import json
from typing import Any
from urllib.parse import parse_qsl, quote

from tests.hostile.server import Asked, Hangup, Trick, Write, identity, reply

ISSUED = "eyJhbGciOiJub25lIn0.eyJ0aWQiOiJ4In0.issued-by-the-echo-0123456789"
"""The token that it gives."""

KINDS = ("error", "details", "warning", "value", "name", "text", "header", "link", "broken", "whole")


def quoted(asked: Asked, body: Any) -> str:
    """All that came, as it came, and each value of it in several forms."""
    texts = [value for _, value in parse_qsl(asked.raw.decode())] if not asked.body else list(_texts(body))
    texts += [line for line in asked.head.decode().split("\r\n") if line.lower().startswith("authorization")]
    forms = [form for text in texts for form in disguised(text)]
    return " | ".join([*forms, asked.raw.decode(), asked.head.decode()])


def disguised(text: str) -> list[str]:
    """A text as others would write it."""
    packed = [base64.b64encode(text.encode(encoding)).decode() for encoding in ("utf-8", "utf-16-le")]
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    percent = [quote(text), quote(text, safe="")]
    return [text, json.dumps(text)[1:-1], plain, *percent, html.escape(text), *packed]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for member in value.values() for text in _texts(member)]
    if isinstance(value, list):
        return [text for member in value for text in _texts(member)]
    return [str(value)]


def echo(*, refuse: bool = False, stall: bool = False) -> Trick:
    """refuse: nobody signs in. stall: nothing is answered but the first page of each."""

    async def trick(asked: Asked, write: Write) -> None:
        own = next(
            line[6:] for line in asked.head.decode().split("\r\n") if line.lower().startswith("host: ")
        )
        if "openid-configuration" in asked.target:
            await write(reply(_discovery(f"https://{own}/x.y")))
        elif asked.target.endswith("/token"):
            await write(_token(asked, refuse))
        elif stall:
            await asyncio.Event().wait()
        else:
            await write(_served(asked))
        raise Hangup

    return trick


def _discovery(base: str) -> bytes:
    names = {"issuer": "v2.0", "authorization_endpoint": "authorize", "token_endpoint": "token"}
    return json.dumps({name: f"{base}/{path}" for name, path in names.items()}).encode()


def _token(asked: Asked, refuse: bool) -> bytes:
    if not refuse:
        return reply(
            json.dumps({"token_type": "Bearer", "expires_in": 3599, "access_token": ISSUED}).encode()
        )
    words = f"AADSTS7000215: Invalid client secret. {quoted(asked, {})}"
    return reply(
        json.dumps({"error": "invalid_client", "error_description": words}).encode(), status="401 No"
    )


def _served(asked: Asked) -> bytes:
    if "requests" not in asked.body:
        answer = _answer(asked, asked.body, asked.identity)
        body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])
        headers = [f"{name}: {value}" for name, value in answer["headers"].items()]
        return reply(body.encode(), *headers, status=f"{answer['status']} Echo")
    bodies = {each["id"]: each["body"] for each in asked.body["requests"]}
    if any(identity(body).startswith("whole") for body in bodies.values()):
        return reply(quoted(asked, asked.body).encode(), status="400 Bad Request")
    responses = [{"id": name, **_answer(asked, body, identity(body))} for name, body in bodies.items()]
    return reply(json.dumps({"responses": responses}).encode())


def _answer(asked: Asked, body: Any, name: str) -> dict[str, Any]:
    told, kind = quoted(asked, body), name.rstrip("0123456789@x.y")
    answer: dict[str, Any] = {"status": 200, "headers": {}, "body": {"value": []}}
    if kind in ("error", "whole"):
        answer |= {"status": 400, "body": {"error": {"code": told, "message": told}}}
    elif kind == "details":
        answer |= {
            "status": 400,
            "body": {"error": {"details": [{"message": f"Ex1|A.B|{told}", "target": told}]}},
        }
    elif kind == "warning":
        answer["body"]["@adminapi.warnings"] = [told]
    elif kind in ("value", "name"):
        answer["body"]["value"] = [{"Echo": [told], "Deep": {"Er": told}} if kind == "value" else {told: 1}]
    elif kind in ("text", "broken"):
        answer |= {"status": 500 if kind == "text" else 200, "body": told}
    elif kind == "header":
        one_line = " ".join(told.split())[:6000].encode("ascii", "replace").decode()
        cookie = f"{one_line}=x" if "requests" not in asked.body else ""  # no name of a cookie
        answer["headers"] = {"X-Warnings": one_line, "request-id": one_line, "Set-Cookie": cookie}
    elif kind == "link" and "skiptoken" not in asked.target:
        path = "/adminapi/beta/x.y/InvokeCommand?$skiptoken="
        answer["body"] |= {"value": [told], "@odata.nextLink": path + quote(told[:2000])}
    return answer
