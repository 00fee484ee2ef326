"""Packing calls into one request, and finding each call's answer in the reply."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

import orjson

from bulkexo.model import light
from bulkexo.redact import blot, disguises
from bulkexo.wire.bodies import decode
from bulkexo.wire.cmdlets import as_it_stands, cmdlet_input, sent, timeout
from bulkexo.wire.doors import ENDPOINTS, Call, Way, routed, routing_hint
from bulkexo.wire.message import Lost, Reply, Request, Service
from bulkexo.wire.values import Seal

BATCH_LIMIT = 10
"""Nothing larger is known to work (protocol.md, Request)."""

PAGE_SIZE = 1000

SHORTEST_TOKEN = 16
"""Letters of one that is looked for in replies: true ones have more than a thousand."""

BETWEEN = "\0"
BETWEEN_ENCODED = b',"\\u0000",'
"""What separates the texts of a batch while it is encoded: not that of JSON, which values hold too."""

CLOSING = b"}}}"
"""The end of a call: of its parameters, of its body and of itself."""

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
    if len(calls) == 1:
        return _lone(service, calls[0], _headers(service, token), seconds, seal)
    body = _of_a_kind(service, calls, token) or _one_by_one(service, calls, token, seal)
    return Request(f"{service.base}/$batch", _outer(service, token), b'{"requests":[%b]}' % body, seconds)


def _of_a_kind(service: Service, calls: Sequence[Call], token: str) -> bytes | None:
    """The calls of a usual batch, one cmdlet with plain values, encoded all at once; None for any other."""
    first = calls[0]
    texts: list[Any] = []
    for call in calls:
        if call.cmdlet != first.cmdlet or call.link or call.select != first.select:
            return None
        if call.forms or not as_it_stands(call.cmdlet, call.parameters):
            return None
        texts += (call.request_id, BETWEEN, call.parameters, BETWEEN)
    found = orjson.dumps(texts[:-1])[1:-1].split(BETWEEN_ENCODED)
    if len(found) != 2 * len(calls):  # it stands in a value
        return None
    openings, behind = _frame(service, token, first.cmdlet, _url(service, first))
    pieces = [behind] * (4 * len(calls))
    pieces[0::4] = openings[: len(calls)]
    pieces[1::4] = found[0::2]
    pieces[3::4] = found[1::2]
    return b"".join(pieces)[len(CLOSING) + 1 :] + CLOSING


def _one_by_one(service: Service, calls: Sequence[Call], token: str, seal: Seal | None) -> bytes:
    """The calls of a batch of any kind."""
    found = b""
    for number, call in enumerate(calls):
        openings, behind = _frame(service, token, call.cmdlet, _url(service, call))
        parameters = orjson.dumps(sent(call.cmdlet, call.parameters, call.forms, seal))
        found += openings[number] + orjson.dumps(call.request_id) + behind + parameters
    return found[len(CLOSING) + 1 :] + CLOSING


@lru_cache(64)
def _frame(service: Service, token: str, cmdlet: str, url: str) -> tuple[tuple[bytes, ...], bytes]:
    """What stands before the id of each call of a batch, from the end of the one before it on; and what
    stands between the id and the parameters."""
    headers = {**_headers(service, token), "X-CmdletName": cmdlet}
    before = orjson.dumps({"method": "POST", "url": url, "headers": headers})[1:-2]
    behind = b'},"body":{"CmdletInput":{"CmdletName":%b,"Parameters":' % orjson.dumps(cmdlet)
    openings = [
        CLOSING + b',{"id":"%d",%b,"client-request-id":' % (number, before)
        for number in range(1, BATCH_LIMIT + 1)
    ]
    return tuple(openings), behind


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
def _outer(service: Service, token: str) -> Mapping[str, str]:
    """The headers of a batch."""
    preferences = f"odata.maxpagesize={PAGE_SIZE};odata.continue-on-error"
    return MappingProxyType({**_headers(service, token), "Prefer": preferences})


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
