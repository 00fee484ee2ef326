"""`$batch` (`protocol.md`, "Request" and "Reply"): its items, and its answer as JSON or multipart/mixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bulkexo.sandbox.engine import Call
from bulkexo.sandbox.reply import Reply, problem
from bulkexo.sandbox.request import MOST_IN_A_BATCH, Envelope, check_charset, parse_call


@dataclass(frozen=True, slots=True)
class Batch:
    """The items of a batch in order. items: (id, what it asks for, or the refusal it gets).
    continues: whether the others run when one fails."""

    items: Sequence[tuple[str, Call | Reply]]
    continues: bool


def parse_batch(
    body: Mapping[str, Any],
    prefer: str,
    envelope: Envelope,
    admits: Callable[[str, str | None], Reply | None],
) -> Batch | Reply:
    """The items of a batch, or the refusal of all of it.

    admits: from an item's URL and Authorization to its refusal (wrong tenant, no or old token), or None.
    """
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests:
        return problem(400, "BadRequest", "The batch has no requests.")
    if len(requests) > MOST_IN_A_BATCH:
        return problem(
            400,
            "BadRequest",
            f"The batch has {len(requests)} requests; at most {MOST_IN_A_BATCH} are allowed.",
        )
    identifiers = [request.get("id") if isinstance(request, dict) else None for request in requests]
    if not all(isinstance(identifier, str) and identifier for identifier in identifiers):
        return problem(400, "BadRequest", "Every request of a batch needs an id, a string that is not empty.")
    if len(set(identifiers)) < len(identifiers):
        return problem(400, "BadRequest", "The ids of the requests in a batch have to be different.")
    items = []
    continues = "odata.continue-on-error" in prefer.lower()
    for request in requests:
        headers = _lower(request.get("headers"))
        continues = continues or "odata.continue-on-error" in headers.get("prefer", "").lower()
        items.append((str(request["id"]), _parse_item(request, headers, envelope, admits)))
    return Batch(items, continues)


def _lower(headers: Any) -> dict[str, str]:
    if not isinstance(headers, dict):
        return {}
    return {name.lower(): value for name, value in headers.items() if isinstance(value, str)}


def _parse_item(
    request: Mapping[str, Any],
    headers: Mapping[str, str],
    envelope: Envelope,
    admits: Callable[[str, str | None], Reply | None],
) -> Call | Reply:
    url, method, body = request.get("url"), request.get("method"), request.get("body")
    if not isinstance(url, str) or not url:
        return problem(400, "BadRequest", "A request of a batch needs a url.")
    if not isinstance(method, str) or method.upper() != "POST":
        return problem(405, "MethodNotAllowed", f"The method {method} is not allowed for InvokeCommand.")
    content_type = headers.get("content-type", "")
    if not content_type.lower().startswith("application/json"):
        return problem(
            415, "UnsupportedMediaType", "A request of a batch needs the Content-Type application/json."
        )
    refusal = admits(url, headers.get("authorization"))
    if refusal is None and "charset" not in content_type.lower():
        refusal = check_charset(orjson.dumps(body), content_type)
    return refusal or parse_call(str(request["id"]), url, envelope, headers, body)


def as_json(replies: Sequence[tuple[str, Reply]]) -> bytes:
    """`{"responses": […]}`, in the order given."""
    responses = []
    for identifier, answer in replies:
        body = answer.body.decode("latin-1") if isinstance(answer.body, bytes) else answer.body
        responses.append({"id": identifier, "status": answer.status, "headers": answer.headers, "body": body})
    return orjson.dumps({"responses": responses})


def as_multipart(replies: Sequence[tuple[str, Reply]], boundary: str) -> bytes:
    """multipart/mixed with an HTTP response per item: what comes without `Accept: application/json`."""
    parts = []
    for identifier, answer in replies:
        lines = [
            f"--{boundary}",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            f"Content-ID: {identifier}",
            "",
            f"HTTP/1.1 {answer.status} {'OK' if answer.status < 400 else 'Error'}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
            "",
            "",
        ]
        parts.append("\r\n".join(lines).encode() + answer.encoded() + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode()
