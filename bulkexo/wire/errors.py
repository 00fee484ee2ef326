"""Errors of the service, read for people: the sentence, the type, the code, the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from bulkexo.model import Failure

TEXT_LIMIT = 4000


def failure(status: int, headers: Mapping[str, str], body: Any, cmdlet: str) -> Failure:
    """What an answer says went wrong. headers: names in lower case. type: as it came, with its dots.

    The message stands in one of several places and forms (protocol.md, Reply and "Errors: how to read
    them"); where there is none, the status is told in words.
    """
    error = body.get("error") if isinstance(body, dict) else None
    header_type = headers.get("x-exceptiontype", "")
    if not isinstance(error, dict):
        text = error if isinstance(error, str) else body if isinstance(body, str) else ""
        return Failure(f"bulkexo:http-{status}", header_type, _plain(text) or explain(status, cmdlet))
    detail = _first_mapping(error.get("details"))
    kind, message = split(_text(detail.get("message")))
    inner = _mapping(error.get("innererror"))
    deepest = _mapping(inner.get("internalexception"))
    if not message:
        message = _text(deepest.get("message")) or _text(error.get("message")) or explain(status, cmdlet)
    kind = kind or header_type or _text(deepest.get("type")) or _text(inner.get("type"))
    return Failure(
        code=_text(error.get("code")) or f"bulkexo:http-{status}",
        type=kind,
        message=message[:TEXT_LIMIT],
        target=_text(detail.get("target")),
    )


def split(text: str) -> tuple[str, str]:
    """(type, sentence) of a `details` message: `ID|Type|Text` with or without the ID, or JSON in two forms.

    The sentence can hold bars itself. A CmdletProxyException carries the true error as JSON in its text.
    """
    if text.startswith("{"):
        return _from_json(text)
    first, bar, rest = text.partition("|")
    if bar and not _is_type(first):
        first, bar, rest = rest.partition("|")  # what stood before was the error id, perhaps empty
    kind, message = (first.strip(), rest) if bar and _is_type(first) else ("", text)
    brace = message.find("{")
    if last_part(kind) == "CmdletProxyException" and brace >= 0:
        inner_kind, inner_message = _from_json(message[brace:])
        if inner_kind or inner_message != message[brace:]:
            return inner_kind or kind, inner_message
    return kind, message.strip()


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
    if status == 405:
        return "The service does not take this call on this version of its API."
    return f"The service answered with status {status} and no explanation."


def _is_type(text: str) -> bool:
    """Whether a part of a message is an exception's type: a dotted name, or a bare …Exception."""
    name = text.strip()
    return bool(name) and " " not in name and ("." in name or name.endswith("Exception"))


def _from_json(text: str) -> tuple[str, str]:
    try:
        inner = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "", text
    if not isinstance(inner, dict):
        return "", text
    nested = inner.get("error")
    if isinstance(nested, dict):
        return split(
            _text(_first_mapping(nested.get("details")).get("message")) or _text(nested.get("message"))
        )
    kind = _text(inner.get("ClassName")) or _text(inner.get("TypeName"))
    message = _text(inner.get("localizedString")) or _text(inner.get("Message"))
    further, sentence = split(message) if "|" in message else ("", message)
    return further or kind, sentence or text


def _plain(text: str) -> str:
    """One line of a plain text or HTML body."""
    line = " ".join(text.replace("\0", "").split())
    return f"The reply was: {line[:300]}" if line.startswith("<") else line[:TEXT_LIMIT]


def _first_mapping(value: Any) -> Mapping[str, Any]:
    return _mapping(value[0]) if isinstance(value, list) and value else {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
