"""Errors of the service, read for people: the sentence, the type, the code, the target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

import orjson

from bulkexo.model import Failure

TEXT_LIMIT = 4000

PLAIN_LIMIT = 1 << 16
"""Letters of a plain text that are looked at."""

PROXY = "CmdletProxyException"
ERROR_ID = re.compile(r"\s*(Ex[0-9A-Fa-f]+\s*)?")
JSON_START = re.compile(r'\{\s*"')
TYPE_IN_TEXT = re.compile(r"\b((?:Microsoft|System)\.[\w.]+Exception): *(.+)", re.DOTALL)


def failure(status: int, headers: Mapping[str, str], body: Any, cmdlet: str) -> Failure:
    """What an answer says went wrong. headers: names in lower case. type: as it came, with its dots.

    The message stands in one of several places and forms (protocol.md, Reply and "Errors: how to read
    them"); where there is none, the status is told in words.
    """
    error = body.get("error") if isinstance(body, dict) else None
    header_type = headers.get("x-exceptiontype", "")
    if not isinstance(error, dict):
        text = body if isinstance(body, str) else _text(error) or _message(_mapping(body))
        return Failure(f"bulkexo:http-{status}", header_type, _plain(text) or explain(status, cmdlet))
    detail = _first_mapping(error.get("details"))
    inner = _mapping(error.get("innererror"))
    deepest = _mapping(inner.get("internalexception"))
    kind, message = split(_message(detail) or _message(deepest) or _message(error))
    message = message or _message(deepest) or _message(error) or explain(status, cmdlet)
    kind = kind or header_type or _text(deepest.get("type")) or _text(inner.get("type"))
    return Failure(
        code=_text(error.get("code")) or f"bulkexo:http-{status}",
        type=kind,
        message=message[:TEXT_LIMIT],
        target=_text(detail.get("target")),
    )


def split(text: str) -> tuple[str, str]:
    """(type, sentence) of a `details` message: `ID|Type|Text` with or without the ID, or JSON in two forms.

    The sentence can hold bars itself. A CmdletProxyException carries the true error in its text.
    """
    whole = text.strip()
    if whole.startswith("{"):
        return _from_json(whole) or ("", whole)
    first, bar, rest = whole.partition("|")
    kind, message = "", whole
    if bar and _is_type(first):
        kind, message = first, rest
    elif bar and " " not in first.strip():
        second, further, sentence = rest.partition("|")
        known = ERROR_ID.fullmatch(first)
        if further and (_is_type(second) or (known and " " not in second.strip())):
            kind, message = second, sentence
        elif known:
            message = rest
    kind, message = kind.strip(), message.strip()
    return _proxied(message) or (kind, message) if last_part(kind) == PROXY else (kind, message)


def last_part(kind: str) -> str:
    """`Microsoft.Exchange.…ManagementObjectNotFoundException` → the part that errors are told apart by."""
    return kind.rpartition(".")[2]


def explain(status: int, cmdlet: str) -> str:
    """A sentence for a status that came without one."""
    if status == 403:
        return (
            f"The service refused {cmdlet}: it does not exist, or the roles of this identity do not "
            "grant it. Check its directory role (for example Exchange Administrator)."
        )
    if 300 <= status < 400:
        return (
            f"The service sends the call on to another address (status {status}). The token is not sent "
            "there; check --endpoint."
        )
    if status == 405:
        return "The service does not take this call on this version of its API."
    return f"The service answered with status {status} and no explanation."


def _is_type(text: str) -> bool:
    """Whether a part of a message is an exception's type, and not, say, a domain."""
    name = text.strip()
    return " " not in name and name.endswith("Exception")


def _proxied(text: str) -> tuple[str, str] | None:
    """The true error in the text of a CmdletProxyException: `Error on proxy command '…' to server …:`, then
    an error as JSON with or without its `error`, or `Type: sentence`; then, perhaps, the server's name. The
    command itself may hold braces."""
    end = text.rfind("}") + 1
    for start in islice(JSON_START.finditer(text, 0, end), 20):
        if inner := _from_json(text[start.start() : end]):
            return inner
    typed = TYPE_IN_TEXT.search(text)
    return (typed.group(1), typed.group(2).strip()) if typed else None


def _from_json(text: str) -> tuple[str, str] | None:
    """(type, sentence) of an error that came as JSON in a text; None if there is none in it."""
    try:
        inner = _mapping(orjson.loads(text))
    except orjson.JSONDecodeError:
        return None
    error = _mapping(inner.get("error")) or inner
    message = _message(_first_mapping(error.get("details"))) or _message(error)
    kind = _text(error.get("ClassName")) or _text(error.get("TypeName"))
    further, sentence = split(message)
    return (further or kind, sentence) if sentence else None


def _plain(text: str) -> str:
    """One line of a plain text or HTML body."""
    line = " ".join(text[:PLAIN_LIMIT].replace("\0", "").split())
    return f"The reply was: {line[:300]}" if line.startswith("<") else line[:TEXT_LIMIT]


def _message(value: Mapping[str, Any]) -> str:
    """The sentence in an object, whichever member holds it."""
    names = ("localizedString", "Message", "message")
    return next((text for name in names if (text := _text(value.get(name)))), "")


def _first_mapping(value: Any) -> Mapping[str, Any]:
    return _mapping(value[0]) if isinstance(value, list) and value else {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
