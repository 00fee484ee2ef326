"""Keeping the values of secret parameters out of everything that is written or shown. Floor 0."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from bulkexo.model import Item, Value

HIDDEN = "***"

ENCODED_FROM = 5
"""Letters from which on a secret is looked for in base64, too: what is shorter might be part of any text."""

ESCAPED_BY_DOTNET = re.compile(r"[^ -~]|[\"&'<>+`\\]")
PERCENT = re.compile(r"%[0-9A-F]{2}")


def secret_texts(item: Item) -> list[str]:
    """The texts of an item that may appear nowhere, in every form, longest first; those inside hashtables
    too, and secret cells that are but a part of a parameter."""
    values = [item.parameters.get(name) for name in item.secrets]
    values += [item.cells.get(column) for column in item.secret_cells]
    return forms_of(values)


def forms_of(values: Iterable[Value]) -> list[str]:
    """The texts in these values, inside lists and hashtables too, in every form, longest first."""
    return disguises({text for value in values for text in _texts(value) if text})


def disguises(texts: Iterable[str]) -> list[str]:
    """The texts, and each as JSON, URLs, HTML, PowerShell or base64 would have it, longest first."""
    return sorted({form for text in texts for form in _forms(text)}, key=len, reverse=True)


def blot(value: Any, secrets: Sequence[str]) -> Any:
    """The same value with every secret text in it replaced by `***`, at every depth."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, Mapping):
        return {blot(name, secrets): blot(member, secrets) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [blot(member, secrets) for member in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in secrets:
        return HIDDEN
    return value


def cut_off(text: str, secrets: Iterable[str]) -> str:
    """A text that was cut short, without the beginning of a secret at its end."""
    for secret in secrets:
        for length in range(min(len(secret), len(text)), 0, -1):
            if text.endswith(secret[:length]):
                text = text[:-length]
                break
    return text


def _forms(text: str) -> Iterator[str]:
    yield text
    if text.isascii() and text.isalnum() and len(text) < ENCODED_FROM:
        return
    sound = text.encode("utf-8", "replace").decode()
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield ESCAPED_BY_DOTNET.sub(lambda found: _unicode_escapes(found.group()), sound)
    for percent in (quote(sound, safe=""), quote_plus(sound), quote(sound)):
        yield percent
        yield PERCENT.sub(lambda found: found.group().lower(), percent)
    yield html.escape(text)
    yield html.escape(text, quote=False)
    yield text.replace("'", "''")
    if len(text) >= ENCODED_FROM:
        for encoding in ("utf-8", "utf-16-le"):
            packed = base64.b64encode(sound.encode(encoding)).decode().rstrip("=")
            yield packed
            yield packed.translate({ord("+"): "-", ord("/"): "_"})


def _unicode_escapes(letter: str) -> str:
    pairs = letter.encode("utf-16-be")
    return "".join(f"\\u{pairs[at : at + 2].hex().upper()}" for at in range(0, len(pairs), 2))


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _texts(member)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
