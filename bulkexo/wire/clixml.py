"""Replies in PowerShell's CliXML, read by psrpcore and made the plain values that JSON has.

Where in a reply the CliXML stands is not known [guess]: it is taken for it wherever it is the body, an object
of `value`, or the one text in such an object.
"""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec
from queue import Queue
from typing import Any

from bulkexo.wire.batch import Heard
from bulkexo.wire.message import Lost
from bulkexo.wire.notes import DEEPEST

MISSING = "To read CliXML, psrpcore is needed: pip install 'bulkexo[clixml]'. Or leave out --response-format."
STARTS = ("<Objs", "#< CLIXML")


def available() -> bool:
    """Whether the library is there."""
    return find_spec("psrpcore") is not None


def from_clixml(heard: Heard) -> Heard:
    """The same answer with its CliXML made plain; one without any is left as it is."""
    if isinstance(heard, Lost):
        return heard
    body = heard.body
    if _is_clixml(body):
        body = {"value": [body]}
    elif not isinstance(body, dict) or not any(map(_inside, _listed(body.get("value")))):
        return heard
    warnings = [str(each) for each in _listed(body.get("@adminapi.warnings"))]
    try:
        value = [found for member in _listed(body["value"]) for found in _objects(member, warnings)]
    except Exception as error:  # whatever a library makes of what a stranger has sent
        return Lost(f"The CliXML of the reply cannot be read ({type(error).__name__}).", sent=True)
    return replace(heard, body={**body, "value": value, "@adminapi.warnings": warnings})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_clixml(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip().startswith(STARTS)


def _inside(member: Any) -> str:
    """The CliXML that an object of `value` is or holds; "" if it is a plain one."""
    texts = member.values() if isinstance(member, dict) else [member]
    return next((text.lstrip() for text in texts if _is_clixml(text)), "")


def _objects(member: Any, warnings: list[str]) -> Iterator[Any]:
    text = _inside(member)
    if not text:
        yield member
        return
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("entities")
    from psrpcore.types import ClixmlStream, PSCryptoProvider, deserialize_clixml  # noqa: PLC0415 (an extra)

    for found, stream in deserialize_clixml(text, PSCryptoProvider(), preserve_streams=True):
        if stream is ClixmlStream.OUTPUT:
            yield _plain(found)
        elif stream is ClixmlStream.WARNING:
            warnings.append(str(found))


def _plain(value: Any, depth: int = 0) -> Any:
    """A value that JSON can hold. An object inside another is its text where it has one, as the service's
    JSON has it; an enumeration is its name. A secure string is nothing: it is never read."""
    from psrpcore.types import PSObject, PSSecureString  # noqa: PLC0415

    if depth > DEEPEST:
        raise RecursionError
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, PSSecureString):
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.timedelta):
        return _span(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list | Queue):
        return [_plain(member, depth + 1) for member in (value.queue if isinstance(value, Queue) else value)]
    if not isinstance(value, PSObject):
        return str(value)
    text = value.PSObject.to_string
    members = [*value.PSObject.adapted_properties, *value.PSObject.extended_properties]
    if not members or (depth and text):
        return str(value)
    return {member.name: _plain(member.get_value(value), depth + 1) for member in members}


def _number(value: float | Decimal) -> Any:
    shown = str(value)
    if isinstance(value, int):
        return int(value) if shown.lstrip("-").isdecimal() else shown
    number = float(value)
    if not math.isfinite(number):
        return shown
    return int(number) if isinstance(value, Decimal) and number.is_integer() else number


def _span(value: datetime.timedelta) -> str:
    """As .NET writes it: `14.01:00:00`."""
    sign, value = ("-", -value) if value < datetime.timedelta() else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{value.days}." if value.days else ""
    part = f".{value.microseconds:06}0" if value.microseconds else ""
    return f"{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{part}"
