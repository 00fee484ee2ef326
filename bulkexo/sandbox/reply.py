"""The shapes of answers (`protocol.md`, "Reply"): bodies and headers, no sockets."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import orjson

from bulkexo.sandbox.errors import CmdletError

JSON_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)
NUL_BODY = bytes(24)
"""What a 403 for an unknown cmdlet carries, declared as gzip."""
HTML_BODY = (
    "<!DOCTYPE html>\n<html><head><title>Service Unavailable</title></head>"
    "<body><h2>Our services aren't available right now</h2>"
    "<p>We're working to restore all services as soon as possible. Please check back soon.</p></body></html>"
)


@dataclass(slots=True)
class Reply:
    """An answer to one request, or to one item of a batch. body: a JSON object, or bytes or text as they
    go over the wire, or None for none. headers: without those that only a whole answer has. error: what a
    failure is made of."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    error: CmdletError | None = None

    def encoded(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)

    @property
    def failed(self) -> bool:
        """Whether a batch without `odata.continue-on-error` stops here."""
        return self.status >= 400


def request_id() -> str:
    """A new `request-id`."""
    return str(uuid.uuid4())


def _headers(**extra: str) -> dict[str, str]:
    return {"Content-Type": JSON_TYPE, "request-id": request_id(), **extra}


def success(context: str, value: list[Any], warnings: list[str], next_link: str | None = None) -> Reply:
    """200 with objects. context: the URL before `$metadata`."""
    body: dict[str, Any] = {
        "@odata.context": f"{context}/$metadata#Collection(Exchange.GenericHashTable)",
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": warnings,
    }
    if next_link is not None:
        body["@odata.nextLink"] = next_link
    body["value"] = value
    return Reply(200, body, _headers())


def entity(context: str, row: dict[str, Any]) -> Reply:
    """200 with one object of a GET. context: the URL with `$metadata#…`, without `/$entity`."""
    return Reply(200, {"@odata.context": f"{context}/$entity", **row}, _headers())


def collection(context: str, rows: list[Any], next_link: str | None) -> Reply:
    """200 with the objects of a GET."""
    link = {} if next_link is None else {"@odata.nextLink": next_link}
    return Reply(200, {"@odata.context": context, **link, "value": rows}, _headers())


def confirmation(context: str, message: str) -> Reply:
    """The answer to `Confirm: true`: the question, and nothing ran."""
    reply = success(context, [], [])
    reply.body["@adminapi.confirmationmessage"] = message
    return reply


def failure(error: CmdletError) -> Reply:
    """A cmdlet's error, in the first of the three forms of `details[0].message`."""
    inner = {"message": error.text, "type": error.type, "stacktrace": "   at Microsoft.Exchange.Cmdlet.Run()"}
    details = [{"code": "Client", "target": error.target, "message": f"{error.id}|{error.type}|{error.text}"}]
    body = {
        "error": {
            "code": error.code,
            "message": "Error executing cmdlet",
            "details": details if error.in_details else [],
            "innererror": {
                "message": "Error executing cmdlet",
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                "stacktrace": "   at Microsoft.Exchange.AdminApi.CommandInvocation.InvokeCommand()",
                "internalexception": inner if error.in_details else {**inner, "type": "System.Exception"},
            },
        },
        "@adminapi.warnings": [],
    }
    return Reply(error.status, body, _headers(**{"x-ExceptionType": error.type}), error)


def problem(status: int, code: str, message: str, **headers: str) -> Reply:
    """A refusal that no cmdlet made: bad body, bad batch, wrong tenant."""
    return Reply(status, {"error": {"code": code, "message": message}}, _headers(**headers))


def found(location: str, cookie: str) -> Reply:
    """302: to be asked elsewhere."""
    return Reply(302, None, {"Location": location, "Set-Cookie": cookie, "request-id": request_id()})


def throttled(message: str, retry_after: float | None, *, as_date: bool = False, now: float = 0.0) -> Reply:
    """429 as plain text, as it was seen. retry_after: real seconds. now: of the epoch, for a date."""
    reply = Reply(429, message, {"Content-Type": "text/plain; charset=utf-8", "request-id": request_id()})
    if retry_after is not None:
        reply.headers["Retry-After"] = (
            formatdate(now + retry_after, usegmt=True)
            if as_date
            else f"{retry_after:.3f}".rstrip("0").rstrip(".")
        )
    return reply


def forbidden_cmdlet() -> Reply:
    """403 for a cmdlet that does not exist, or that the caller's roles do not grant."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "gzip",
        "request-id": request_id(),
    }
    return Reply(403, NUL_BODY, headers)


def html() -> Reply:
    """A proxy's page where JSON was due."""
    return Reply(200, HTML_BODY, {"Content-Type": "text/html; charset=utf-8"})


def busy(status: int) -> Reply:
    """408, 503 or 504, as a front door says it."""
    words = {408: "Request Timeout", 503: "Service Unavailable", 504: "Gateway Timeout"}[status]
    return Reply(
        status,
        f"<html><body><h1>{status} {words}</h1></body></html>",
        {"Content-Type": "text/html; charset=us-ascii"},
    )
