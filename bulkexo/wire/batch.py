"""Packing calls into one request, and finding each call's answer in the reply."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from bulkexo.redact import blot, disguises
from bulkexo.wire.bodies import decode
from bulkexo.wire.cmdlets import cmdlet_input, timeout
from bulkexo.wire.doors import ENDPOINTS, Call, Way, routed, routing_hint
from bulkexo.wire.message import Lost, Reply, Request, Service
from bulkexo.wire.values import Seal

BATCH_LIMIT = 10
"""Nothing larger is known to work (protocol.md, Request)."""

PAGE_SIZE = 1000

SHORTEST_TOKEN = 16
"""Letters of one that is looked for in replies: true ones have more than a thousand."""

LENT = ("date", "retry-after")
"""Headers of the whole reply that hold for a response without its own: where a sub-item's Retry-After
stands is not known (protocol.md, Unknown)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The service's answer to one call. headers: names in lower case. body: parsed JSON, or text.
    whole: it was said of the whole batch, before any of its cmdlets ran."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    whole: bool = False


Heard: TypeAlias = Answer | Lost


def pack(service: Service, calls: Sequence[Call], token: str, seal: Seal | None = None) -> Request:
    """One request for 1 to 10 calls of one door: a lone one goes to its endpoint, more to `$batch`; in both,
    a call with a link to its next page goes there instead. seal: for the parameters that are encrypted.

    Raises ValueError for none or more than 10, and for a secret without a seal.
    """
    if not 1 <= len(calls) <= BATCH_LIMIT:
        raise ValueError(f"a batch holds 1 to {BATCH_LIMIT} calls, not {len(calls)}")
    seconds = service.timeout or max(timeout(call.cmdlet) for call in calls)
    common = _headers(service, token)
    if len(calls) == 1:
        return _lone(service, calls[0], common, seconds, seal)
    requests = [
        {
            "id": str(number),
            "method": "POST",
            "url": _url(service, call),
            "headers": common | _own_headers(call),
            "body": cmdlet_input(call.cmdlet, call.parameters, call.forms, seal),
        }
        for number, call in enumerate(calls, 1)
    ]
    outer = common | {"Prefer": f"odata.maxpagesize={PAGE_SIZE};odata.continue-on-error"}
    return Request(f"{service.base}/$batch", outer, orjson.dumps({"requests": requests}), seconds)


def _lone(
    service: Service, call: Call, common: Mapping[str, str], seconds: float, seal: Seal | None
) -> Request:
    headers = {**common, **_own_headers(call)}
    if call.door.way is Way.REST:
        del headers["Content-Type"]
        headers["X-ResponseFormat"] = "json"
        return Request(_url(service, call), headers, b"", seconds, "GET")
    if (
        call.door.alone
        and routed(call.parameters)
        and (hint := routing_hint(call.parameters, service.tenant))
    ):
        headers |= {"X-AnchorMailbox": hint, "parameter-based-routing": "true"}
    body = orjson.dumps(cmdlet_input(call.cmdlet, call.parameters, call.forms, seal))
    return Request(_url(service, call), headers, body, seconds)


def unpack(reply: Reply | Lost, count: int, token: str = "") -> list[Heard]:
    """The answers to the `count` calls of a request, in the order in which they were packed.

    Answers are matched by id alone (protocol.md, Reply). One that is missing, or that is there twice and
    differs, is Lost: what became of its call cannot be told. token: of the request; should the reply repeat
    it, it is left out.
    """
    if isinstance(reply, Lost):
        return [reply] * count
    hidden = disguises([token]) if len(token) >= SHORTEST_TOKEN else []
    headers = blot(reply.headers, hidden) if hidden else reply.headers
    body = decode(reply, hidden)
    responses = body.get("responses") if isinstance(body, dict) else None
    if count == 1 or not 200 <= reply.status < 300 or not isinstance(responses, list):
        return [Answer(reply.status, headers, body, whole=count > 1)] * count
    try:
        found = _by_id(responses, {name: headers[name] for name in LENT if name in headers})
    except RecursionError:
        return [Lost("The batch came back nested too deeply to be read.", sent=True)] * count
    missing = Lost("The batch came back without a response for this item.", sent=True)
    return [found.get(str(number), missing) for number in range(1, count + 1)]


def _url(service: Service, call: Call) -> str:
    if call.link:
        return call.link
    if call.door.way is Way.REST:
        return f"{service.base}/{call.path}"
    select = f"?$select={','.join(call.select)}" if call.select else ""
    if call.door.way is Way.V2:
        return f"{service.v2}/{ENDPOINTS[call.cmdlet.lower()]}{select}"
    return f"{service.base}/InvokeCommand{select}"


def _headers(service: Service, token: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json;charset=utf-8",
        "Accept": "application/json;odata.metadata=minimal",
        "Accept-Encoding": "gzip",
        "Accept-Language": "en-US",
        "X-AnchorMailbox": service.anchor,
        "X-ResponseFormat": service.response_format,
        "X-SerializationLevel": "Partial",
        "connection-id": service.connection_id,
        "Prefer": f"odata.maxpagesize={PAGE_SIZE}",
    }


def _own_headers(call: Call) -> dict[str, str]:
    return {"client-request-id": call.request_id, "X-CmdletName": call.cmdlet}


def _by_id(responses: Sequence[Any], lent: Mapping[str, str]) -> dict[str, Heard]:
    found: dict[str, Heard] = {}
    for response in responses:
        if not isinstance(response, dict) or "id" not in response:
            continue
        number = str(response["id"])
        answer = _inner(response, lent)
        earlier = found.setdefault(number, answer)
        if earlier != answer:
            found[number] = Lost("The batch came back with two different responses for this item.", sent=True)
    return found


def _inner(response: Mapping[str, Any], lent: Mapping[str, str]) -> Heard:
    try:
        status = int(response.get("status", 0))
    except (TypeError, ValueError):
        status = 0
    if not 100 <= status < 600:
        return Lost("The batch came back with a response without a status for this item.", sent=True)
    body = response.get("body")
    if isinstance(body, str) and body.lstrip()[:1] in ("{", "["):
        with contextlib.suppress(orjson.JSONDecodeError):
            body = orjson.loads(body)
    return Answer(status, {**lent, **_lowered(response.get("headers"))}, body)


def _lowered(headers: Any) -> dict[str, str]:
    """Headers that came as JSON, as if they had come over HTTP."""
    if not isinstance(headers, dict):
        return {}
    return {
        name.lower(): ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in headers.items()
        if value is not None
    }
