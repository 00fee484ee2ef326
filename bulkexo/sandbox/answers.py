"""From a Reply to what aiohttp sends: gzip, the headers of every answer, batches as JSON or in parts."""

from __future__ import annotations

import gzip
import secrets
from binascii import crc32
from collections.abc import Mapping
from types import MappingProxyType

import orjson
from aiohttp import web

from bulkexo.sandbox import batch, reply
from bulkexo.sandbox.aadsts import Answer
from bulkexo.sandbox.reply import Reply

_WORTH_COMPRESSING = 200
_NONE: Mapping[str, str] = MappingProxyType({})
BACKEND_COOKIE = "X-BackEndCookie"
"""Names the backend; cursors are good with it only. Its name is Exchange's own elsewhere, here it is a
guess."""


def origin(request: web.Request) -> str:
    """Scheme, host and port as the client wrote them."""
    return f"https://{request.host}"


def backend_cookie(request: web.Request) -> str:
    """The value that a client without a cookie gets: the same for the same `connection-id`."""
    return f"{crc32(request.headers.get('connection-id', '').encode()):08x}"


def json_response(answer: Answer) -> web.Response:
    """A status and a JSON object, not to be kept by anyone on the way."""
    status, content = answer
    return web.Response(
        status=status,
        body=orjson.dumps(content),
        headers={"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"},
    )


def response(request: web.Request, answer: Reply, more: Mapping[str, str] = _NONE) -> web.Response:
    """One reply, compressed for who takes that. more: headers of the answer as a whole."""
    headers = {
        **answer.headers,
        **more,
        "X-CalculatedBETarget": _backend(request.headers.get("connection-id", "")),
        "X-Content-Type-Options": "nosniff",
    }
    if BACKEND_COOKIE not in request.cookies:
        headers.setdefault(
            "Set-Cookie", f"{BACKEND_COOKIE}={backend_cookie(request)}; Path=/; Secure; HttpOnly"
        )
    body = answer.encoded()
    wanted = "gzip" in request.headers.get("Accept-Encoding", "").lower()
    if wanted and "Content-Encoding" not in headers and len(body) >= _WORTH_COMPRESSING:
        body = gzip.compress(body, 1)
        headers["Content-Encoding"] = "gzip"
    return web.Response(status=answer.status, body=body, headers=headers)


def batch_response(
    request: web.Request, answer: Reply | list[tuple[str, Reply]], more: Mapping[str, str]
) -> web.Response:
    """The responses of a batch, or the one reply to all of it."""
    if isinstance(answer, Reply):
        return response(request, answer, more)
    headers = {"OData-Version": "4.0", "request-id": reply.request_id()}
    if "application/json" in request.headers.get("Accept", "").lower():
        headers["Content-Type"] = reply.JSON_TYPE
        return response(request, Reply(200, batch.as_json(answer), headers), more)
    boundary = f"batchresponse_{secrets.token_hex(16)}"
    headers["Content-Type"] = f"multipart/mixed; boundary={boundary}"
    return response(request, Reply(200, batch.as_multipart(answer, boundary), headers), more)


def _backend(connection: str) -> str:
    """The server that answers: the same for the same `connection-id`."""
    number = crc32(connection.encode()) % 9000 + 1000
    return f"AM{number % 10}PR07MB{number}.eurprd07.prod.outlook.com"
