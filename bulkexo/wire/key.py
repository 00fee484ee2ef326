"""The service's public key, with which secrets are encrypted before they are sent (protocol.md, Request).

It comes with the module that the service generates for a caller. How the module carries it is known from
clients only (ExoHelper keeps it as .NET's `<RSAKeyValue>`), so that it is looked for anywhere in the answer.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from bulkexo.model import Failure, Form
from bulkexo.wire.doors import Call
from bulkexo.wire.message import Request, Service
from bulkexo.wire.values import Seal

KEY = re.compile(
    r"<RSAKeyValue>\s*<Modulus>([A-Za-z0-9+/=\s]+)</Modulus>\s*<Exponent>([A-Za-z0-9+/=\s]+)</Exponent>"
    r"\s*</RSAKeyValue>"
)
BASE64 = re.compile(r"[A-Za-z0-9+/\s]{200,}={0,2}\s*")
SMALLEST = 2048
"""Bits: what is shorter encrypts nothing that is worth it, and less than the loader lets through."""

UNREADABLE = re.compile(r"decrypt|encrypt|Cryptograph", re.IGNORECASE)
"""How the service may say that it cannot read what was encrypted [guess]."""

TIMEOUT = 120.0


def module_request(service: Service, token: str) -> Request:
    """The GET for the module (protocol.md, "Catalogue by role")."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "X-AnchorMailbox": service.anchor,
        "connection-id": service.connection_id,
        "CommandName": "*",
    }
    url = f"{service.endpoint}/AdminApi/v1.0/{service.tenant}/EXOModuleFile"
    return Request(url, headers, b"", TIMEOUT, "GET")


def public_key(body: Any) -> str:
    """The key in an answer, as .NET writes it; "" if there is none that serves."""
    for text in texts(body):
        for found in KEY.finditer(text):
            key = "".join(found.group().split())
            if _numbers(key) is not None:
                return key
    return ""


def sealing(key: str) -> Seal:
    """What encrypts with the key: PKCS#1 v1.5, base64. Raises ValueError for what is no key."""
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415 (for those who need it)

    numbers = _numbers(key)
    if numbers is None:
        raise ValueError("This is no RSA key of 2048 bits or more.")
    modulus, exponent = numbers
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    return lambda text: base64.b64encode(public.encrypt(text.encode(), padding.PKCS1v15())).decode()


def secret(call: Call) -> bool:
    """Whether the call has something encrypted in it."""
    return any(form is Form.SECURE and name in call.parameters for name, form in (call.forms or {}).items())


def unread(failure: Failure | None) -> bool:
    """Whether an error says that the service could not read what was encrypted."""
    return failure is not None and UNREADABLE.search(f"{failure.type} {failure.message}") is not None


def _numbers(key: str) -> tuple[int, int] | None:
    found = KEY.fullmatch(key)
    if found is None:
        return None
    try:
        modulus, exponent = (int.from_bytes(base64.b64decode(part), "big") for part in found.groups())
    except binascii.Error:
        return None
    return (modulus, exponent) if modulus.bit_length() >= SMALLEST and exponent > 2 and exponent % 2 else None


def texts(body: Any) -> Iterator[str]:
    """Every text in a body, and what is in it where it is base64."""
    if isinstance(body, dict):
        for member in body.values():
            yield from texts(member)
    elif isinstance(body, list):
        for member in body:
            yield from texts(member)
    elif isinstance(body, str):
        yield body
        if BASE64.fullmatch(body):
            try:
                data = base64.b64decode("".join(body.split()))
            except binascii.Error:
                return
            yield data.decode("utf-16-le" if b"\0" in data[:4] else "utf-8", "replace")
