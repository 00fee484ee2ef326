"""The files with which an application proves who it is: its certificate, and a token of another issuer."""

from __future__ import annotations

import contextlib
import datetime
import secrets
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from bulkexo.sandbox import jws
from bulkexo.sandbox.options import OptionError
from bulkexo.sandbox.signin_options import SignInOptions

ISSUER = "https://issuer.bulkexo.test/"
SUBJECT = "system:serviceaccount:bulkexo:runner"
AUDIENCE = "api://AzureADTokenExchange"
"""What the app's federated credential is registered with."""

_DAYS = 30


@dataclass(frozen=True, slots=True)
class Material:
    """What lies in the folder.

    passphrase: of app.pfx and app-encrypted.pem. lifetime: seconds of a federated token.
    """

    folder: Path
    certificate: x509.Certificate
    passphrase: str = field(repr=False)
    lifetime: float
    issuer_key: rsa.RSAPrivateKey = field(repr=False)
    key_id: str

    def announced(self) -> dict[str, str]:
        """Paths, and what else a client needs to use them."""
        names = {
            "pem": "app.pem",
            "encrypted_pem": "app-encrypted.pem",
            "pfx": "app.pfx",
            "open_pfx": "app-open.pfx",
            "certificate": "app.crt",
            "federated_token": "federated-token.jwt",
        }
        return {
            **{name: str(self.folder / file) for name, file in names.items()},
            "passphrase": self.passphrase,
            "thumbprint": self.certificate.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 (as it is shown)
        }

    def write_token(self, now: float, *, subject: str = SUBJECT, lifetime: float | None = None) -> None:
        """A new federated token in its file. now: seconds since the epoch."""
        claims = {
            "iss": ISSUER,
            "sub": subject,
            "aud": [AUDIENCE],
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + (self.lifetime if lifetime is None else lifetime)),
            "jti": str(uuid.uuid4()),
        }
        token = jws.sign(self.issuer_key, {"kid": self.key_id}, claims)
        fresh = self.folder / f".{secrets.token_hex(4)}.jwt"
        _write(fresh, token.encode())
        fresh.replace(self.folder / "federated-token.jwt")

    async def keep_fresh(self) -> None:
        """Rewrite the federated token whenever four fifths of its life have passed, as Kubernetes does."""
        wait = 0.8
        while True:
            await anyio.sleep(self.lifetime * wait)
            wait = 0.1
            with contextlib.suppress(OSError):  # somebody reads it just now (on Windows), or it is gone
                self.write_token(time.time())
                wait = 0.8


def make_material(options: SignInOptions, now: float) -> Material | None:
    """A key and a certificate for the app in all the forms they come in, if asked for. Raises OSError."""
    folder = options.credentials
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = _certificate(key)
    secret = options.passphrase or secrets.token_urlsafe(18)
    locked = serialization.BestAvailableEncryption(secret.encode())
    bare = serialization.NoEncryption()
    public = certificate.public_bytes(serialization.Encoding.PEM)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    _write(folder / "app.pem", key.private_bytes(pem, pkcs8, bare) + public)
    _write(folder / "app-encrypted.pem", key.private_bytes(pem, pkcs8, locked) + public)
    for name, encryption in (("app.pfx", locked), ("app-open.pfx", bare)):
        content = pkcs12.serialize_key_and_certificates(b"app", key, certificate, None, encryption)
        _write(folder / name, content)
    _write(folder / "app.crt", public)
    issuer_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key_id, lifetime = secrets.token_hex(20).upper(), options.federated_lifetime
    made = Material(folder.absolute(), certificate, secret, lifetime, issuer_key, key_id)
    made.write_token(now)
    return made


def read_certificate(path: Path) -> x509.Certificate:
    """The public half of a certificate, PEM or DER. Raises OSError, OptionError."""
    content = path.read_bytes()
    try:
        if b"-----BEGIN CERTIFICATE" in content:
            found = x509.load_pem_x509_certificate(content)
        else:
            found = x509.load_der_x509_certificate(content)
    except ValueError:
        raise OptionError(f"{path} holds no certificate: give its public half, PEM or DER.") from None
    if not isinstance(found.public_key(), rsa.RSAPublicKey):
        raise OptionError(f"The certificate in {path} has no RSA key; the sign-in service takes no other.")
    return found


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bulkexo sandbox app")])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .sign(key, hashes.SHA256())
    )


def _write(path: Path, content: bytes) -> None:
    """For the owner's eyes only, from the first byte on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(content)
