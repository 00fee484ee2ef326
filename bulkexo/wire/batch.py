"""Packing calls into one request, and finding each call's answer in the reply."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from bulkexo.model import light
from bulkexo.redact import blot, disguises
from bulkexo.wire.bodies import decode
from bulkexo.wire.cmdlets import cmdlet_input, sent, timeout
from bulkexo.wire.doors import ENDPOINTS, Call, Door, Way, routed, routing_hint
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


@light
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
    seconds = service.timeout or max([timeout(call.cmdlet) for call in calls])
    common = _headers(service, token)
    if len(calls) == 1:
        return _lone(service, calls[0], common, seconds, seal)
    outer = common | {"Prefer": f"odata.maxpagesize={PAGE_SIZE};odata.continue-on-error"}
    body = b",".join(_inner_requests(service, calls, common, seal))
    return Request(f"{service.base}/$batch", outer, b'{"requests":[%b]}' % body, seconds)


def _inner_requests(
    service: Service, calls: Sequence[Call], common: Mapping[str, str], seal: Seal | None
) -> Iterator[bytes]:
    """The calls of a batch as JSON; what calls of a kind have in common is encoded once."""
    kinds: dict[tuple[str, str, tuple[str, ...], Door], tuple[bytes, bytes]] = {}
    for number, call in enumerate(calls, 1):
        kind = call.cmdlet, call.link, call.select, call.door
        if (around := kinds.get(kind)) is None:
            around = kinds[kind] = _around(call.cmdlet, _url(service, call), common)
        before, behind = around
        parameters = orjson.dumps(sent(call.cmdlet, call.parameters, call.forms, seal))
        request_id = orjson.dumps(call.request_id)
        yield b'{"id":"%d",%b%b%b%b}}}' % (number, before, request_id, behind, parameters)


def _around(cmdlet: str, url: str, common: Mapping[str, str]) -> tuple[bytes, bytes]:
    """What stands before the id of a call, and between that and its parameters."""
    headers = {**common, "X-CmdletName": cmdlet}
    before = orjson.dumps({"method": "POST", "url": url, "headers": headers})
    behind = b'},"body":{"CmdletInput":{"CmdletName":%b,"Parameters":' % orjson.dumps(cmdlet)
    return before[1:-2] + b',"client-request-id":', behind


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
    return answers(reply if isinstance(reply, Lost) else opened(reply, token), count)


def opened(reply: Reply, token: str) -> Answer:
    """A reply as a whole, with its body read; token: see `unpack`."""
    hidden = _disguises(token) if len(token) >= SHORTEST_TOKEN else ()
    headers = reply.headers
    told = "\n".join([*headers, *headers.values()])
    if any(text in told for text in hidden):
        headers = blot(headers, hidden)
    return Answer(reply.status, headers, decode(reply, hidden), whole=True)


def answers(whole: Heard, count: int) -> list[Heard]:
    """What a reply says of each of `count` calls, as `unpack` has it."""
    if isinstance(whole, Lost):
        return [whole] * count
    status, headers, body = whole.status, whole.headers, whole.body
    responses = body.get("responses") if isinstance(body, dict) else None
    if count == 1 or not 200 <= status < 300 or not isinstance(responses, list):
        return [Answer(status, headers, body, whole=count > 1)] * count
    try:
        found = _by_id(responses, {name: headers[name] for name in LENT if name in headers})
    except RecursionError:
        return [Lost("The batch came back nested too deeply to be read.", sent=True)] * count
    missing = Lost("The batch came back without a response for this item.", sent=True)
    return [found.get(str(number), missing) for number in range(1, count + 1)]


@lru_cache(8)
def _disguises(token: str) -> tuple[str, ...]:
    return tuple(disguises([token]))


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
        if earlier is not answer and earlier != answer:
            found[number] = Lost("The batch came back with two different responses for this item.", sent=True)
    return found


def _inner(response: Mapping[str, Any], lent: Mapping[str, str]) -> Heard:
    status = response.get("status", 0)
    if status.__class__ is not int:
        try:
            status = int(status)
        except (TypeError, ValueError):
            status = 0
    if not 100 <= status < 600:
        return Lost("The batch came back with a response without a status for this item.", sent=True)
    body = response.get("body")
    if body.__class__ is str and body.lstrip()[:1] in ("{", "["):
        with contextlib.suppress(orjson.JSONDecodeError):
            body = orjson.loads(body)
    found = response.get("headers")
    headers = _lowered(found) if found else {}
    return Answer(status, {**lent, **headers} if lent else headers, body)


def _lowered(headers: Any) -> dict[str, str]:
    """Headers that came as JSON, as if they had come over HTTP."""
    if not isinstance(headers, dict):
        return {}
    return {
        name.lower(): value if value.__class__ is str else _joined(value)
        for name, value in headers.items()
        if value is not None
    }


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
