"""Reading requests (`protocol.md`, "Request"): from bytes and headers to a Call, or the refusal it earns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from yarl import URL

from bulkexo.sandbox import clixml, rest
from bulkexo.sandbox.engine import DEFAULT_PAGE, LARGEST_PAGE, Call
from bulkexo.sandbox.odata import parse_question
from bulkexo.sandbox.reply import Reply, problem
from bulkexo.sandbox.sites import Service

MOST_IN_A_BATCH = 10
_PATH = re.compile(r"/adminapi/beta/([^/]+)/InvokeCommand", re.IGNORECASE)
_PAGE_SIZE = re.compile(r"odata\.maxpagesize\s*=\s*(\d+)", re.IGNORECASE)
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_UTF8 = re.compile(r"charset\s*=\s*\"?utf-?8", re.IGNORECASE)


def parse_body(content: bytes, content_type: str) -> Any:
    """The JSON object, or a Reply that refuses it: not JSON, or letters beyond ASCII without a charset."""
    if not content_type.lower().startswith("application/json"):
        return problem(415, "UnsupportedMediaType", "The request's Content-Type has to be application/json.")
    refusal = check_charset(content, content_type)
    if refusal is not None:
        return refusal
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        return problem(400, "BadRequest", f"An error occurred while parsing the body: {error}")
    if not isinstance(parsed, dict):
        return problem(400, "BadRequest", "The body is not a JSON object.")
    return parsed


def check_charset(content: bytes, content_type: str) -> Reply | None:
    """The charset rule: without `charset=utf-8` every byte has to be ASCII."""
    if content.isascii() or _UTF8.search(content_type):
        return None
    match = _NOT_ASCII.search(content)
    assert match is not None  # noqa: S101  (it is not ASCII)
    where = f"[{match[0][0]:02X}] at index {match.start()}"
    text = f"Unable to translate bytes {where} from specified code page to Unicode."
    return problem(400, "BadRequest", text)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is the same for every cmdlet of a request. origin: scheme, host and port of the request. cookie:
    that came with it, issued: that goes with its answer. response_format: what an item of a batch wants
    that does not say."""

    origin: str
    service: Service = Service.EXCHANGE
    cookie: str = ""
    issued: str = ""
    response_format: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What the URL of an InvokeCommand says. select: from `$select`. cursor: the token of a nextLink."""

    tenant: str
    select: tuple[str, ...] | None
    cursor: str | None


@lru_cache(maxsize=4096)
def parse_url(url: str) -> Target | None:
    """An InvokeCommand URL, absolute or not; None if it is another."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    match = _PATH.fullmatch(parts.path)
    if match is None:
        return None
    return target_of(match[1], parts.query)


def target_of(tenant: str, query: str) -> Target:
    """The options of a query."""
    given = parse_qs(query, keep_blank_values=True)
    select = tuple(name.strip() for name in ",".join(given.get("$select", [])).split(",") if name.strip())
    return Target(tenant, select or None, given.get("$skiptoken", [None])[0])


@lru_cache(maxsize=256)
def page_size(prefer: str) -> int:
    """Objects per page that a `Prefer` header asks for: 100 unless it says, 1,000 at most."""
    match = _PAGE_SIZE.search(prefer)
    return min(LARGEST_PAGE, max(1, int(match[1]))) if match else DEFAULT_PAGE


def parse_call(
    identifier: str, url: str, envelope: Envelope, headers: Mapping[str, str], body: Any
) -> Call | Reply:
    """The cmdlet that a body asks for. headers: with lower-case names, or case-insensitive."""
    parsed = parse_url(url)
    if parsed is None:
        return problem(404, "NotFound", f"No HTTP resource was found that matches the request URI '{url}'.")
    endpoint = f"{envelope.origin}/adminapi/beta/{parsed.tenant}/InvokeCommand"
    return call_of(identifier, endpoint, parsed, envelope, headers, body)


def call_of(
    identifier: str, url: str, target: Target, envelope: Envelope, headers: Mapping[str, str], body: Any
) -> Call | Reply:
    """As `parse_call`, of a URL that is known already. url: of the endpoint, without a query."""
    given = body.get("CmdletInput") if isinstance(body, dict) else None
    if not isinstance(given, dict) or not isinstance(given.get("CmdletName"), str):
        return problem(400, "BadRequest", "The body has no CmdletInput with a CmdletName.")
    if not isinstance(given.get("Parameters"), dict):
        return problem(
            400, "BadRequest", "The value of Parameters in CmdletInput can't be null; send an object."
        )
    return replace(
        _said(given["CmdletName"].strip(), url, envelope, headers),
        id=identifier,
        parameters=given["Parameters"],
        select=target.select,
        cursor=target.cursor,
        routed=headers.get("parameter-based-routing", "").lower() == "true",
        clixml=clixml.asked_for(headers.get("x-responseformat", envelope.response_format)),
    )


def parse_get(base: str, url: URL, envelope: Envelope, headers: Mapping[str, str]) -> Call | Reply:
    """The REST-only cmdlet that a GET asks for. base: the tenant's URL. headers: with lower-case names."""
    path = url.raw_path.split("/", 4)[4]
    question = parse_question(base, path, url.raw_query_string, headers)
    resource = None if question is None else rest.find(question)
    if question is None or resource is None:
        return problem(404, "NotFound", f"Resource not found for the segment '{path}'.")
    said = _said(resource.cmdlet, base, envelope, headers)
    return replace(said, cursor=question.cursor, question=question)


def _said(cmdlet: str, url: str, envelope: Envelope, headers: Mapping[str, str]) -> Call:
    """What headers and the request as a whole say of a call, be it a POST or a GET."""
    return Call(
        id="",
        cmdlet=cmdlet,
        parameters={},
        url=url,
        service=envelope.service,
        page_size=page_size(headers.get("prefer", "")),
        connection=headers.get("connection-id", ""),
        anchor=headers.get("x-anchormailbox", ""),
        client_request_id=headers.get("client-request-id", ""),
        languages=headers.get("accept-language", ""),
        cookie=envelope.cookie,
        issued=envelope.issued,
    )
