"""Signed JSON as sign-in speaks it (RFC 7515, RFC 7519), as far as the sandbox needs it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWT taken apart. content: the bytes under the signature."""

    header: dict[str, Any]
    claims: dict[str, Any]
    content: bytes
    signature: bytes

    def by(self, key: rsa.RSAPublicKey) -> bool:
        """Whether `key` signed it, with RS256 or PS256: no other way is good, `none` least of all."""
        algorithm = self.header.get("alg")
        if algorithm == "RS256":
            scheme: padding.AsymmetricPadding = padding.PKCS1v15()
        elif algorithm == "PS256":
            scheme = padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)
        else:
            return False
        try:
            key.verify(self.signature, self.content, scheme, SHA256())
        except InvalidSignature:
            return False
        return True


def parse(token: str) -> Signed:
    """Take a JWT apart, without a look at its signature. Raises ValueError if it is none."""
    content, _, signature = token.rpartition(".")
    header, _, claims = content.partition(".")
    parts = orjson.loads(decode(header)), orjson.loads(decode(claims))
    if not all(isinstance(part, dict) for part in parts):
        raise ValueError("A part is no object.")
    return Signed(*parts, content.encode(), decode(signature))


def sign(key: rsa.RSAPrivateKey | bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A JWT: RS256 with an RSA key, HS256 with bytes."""
    algorithm = "HS256" if isinstance(key, bytes) else "RS256"
    head = orjson.dumps({"typ": "JWT", "alg": algorithm, **header})
    content = f"{encode(head)}.{encode(orjson.dumps(claims))}"
    if isinstance(key, bytes):
        signature = hmac.new(key, content.encode(), hashlib.sha256).digest()
    else:
        signature = key.sign(content.encode(), padding.PKCS1v15(), SHA256())
    return f"{content}.{encode(signature)}"


def encode(content: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of base64 for URLs, with or without padding. Raises ValueError."""
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
