"""An app's certificate with its private key, from a PEM or PFX file, as msal takes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bulkexo.model import SignInError
from bulkexo.net.identity.apps import Credential

PEM = b"-----BEGIN "
DER = b"\x30"
"""The first byte of a PFX file."""

WHAT = "a certificate with its private key"


class Certificate:
    """Reads the file at each sign-in, so that a renewed certificate serves without a stop.

    passphrase: reads the one that is given. ask: asks a person; None where there is none, or no answer.
    """

    def __init__(
        self, path: Path, passphrase: Callable[[], str | None], ask: Callable[[str], str | None]
    ) -> None:
        self._path = path
        self._passphrase = passphrase
        self._ask = ask

    def credential(self) -> Credential:
        """The certificate's key, opened, and its public half. Raises SignInError."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 (slow to import)

        key, certificate, given = self._pair()
        if (end := certificate.not_valid_after_utc) < datetime.now(UTC):
            raise SignInError(
                f"The certificate {self._path} ended on {end:%Y-%m-%d}: create a new one, and upload its "
                "public half to the app registration."
            )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        public = certificate.public_bytes(serialization.Encoding.PEM).decode()
        hidden = (given,) if given else ()
        return Credential({"private_key": private, "public_certificate": public}, hidden)

    def _pair(self) -> tuple[Any, Any, str | None]:
        """(key, certificate, passphrase); the last None where it takes none. Raises SignInError."""
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

        content, given = self._content(), self._passphrase()
        opened = _opened(content, given)
        asks = opened is None and not given and _locked(content)
        if asks and (given := self._ask(f"Passphrase of {self._path}: ")):
            opened = _opened(content, given)
        if opened is None:
            raise self._unopened(given, locked=_locked(content))
        key, certificate = opened
        if key is None or certificate is None:
            raise SignInError(
                f"The file {self._path} does not hold {WHAT}: it takes both. Export it anew, with the "
                "private key."
            )
        if not isinstance(key, rsa.RSAPrivateKey):
            raise SignInError(
                f"The key of the certificate {self._path} is no RSA key, and the sign-in service takes no "
                "other: create a certificate with an RSA key of 2048 bits or more."
            )
        return key, certificate, given

    def _content(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise SignInError(
                f"The certificate {self._path} cannot be read ({error.strerror}). Check --certificate, "
                "and who may read "
                "the file."
            ) from None

    def _unopened(self, given: str | None, *, locked: bool) -> SignInError:
        if not locked:
            return SignInError(
                f"The file {self._path} is neither PEM nor PFX, or it is damaged. Name one that holds {WHAT}."
            )
        if given:
            return SignInError(
                f"The certificate {self._path} cannot be opened: its passphrase is wrong, or it is damaged. "
                "Check both."
            )
        return SignInError(
            f"The certificate {self._path} needs its passphrase: put it in BULKEXO_CERTIFICATE_PASSPHRASE, "
            "or in a file named by --certificate-passphrase-file."
        )


def _locked(content: bytes) -> bool:
    """Whether a file that cannot be opened may want a passphrase: it is no text and begins as a PFX does, or
    it is PEM and says so."""
    return b"ENCRYPTED" in content if PEM in content else content[:1] == DER


def _opened(content: bytes, passphrase: str | None) -> tuple[Any, Any] | None:
    """(key, certificate), None for either that is not there; None if the file cannot be opened so."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415

    secret = passphrase.encode() if passphrase else None
    try:
        if PEM in content:
            return _opened_pem(content, secret)
        key, certificate, _ = pkcs12.load_key_and_certificates(content, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key, certificate


def _opened_pem(content: bytes, secret: bytes | None) -> tuple[Any, Any]:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    if b"PRIVATE KEY" not in content or b"BEGIN CERTIFICATE" not in content:
        return None, None
    if b"ENCRYPTED" not in content:
        secret = None  # a key that is open takes no passphrase
    key = load_pem_private_key(_block(content, b"PRIVATE KEY"), secret)
    public = key.public_key()
    for certificate in x509.load_pem_x509_certificates(content):  # a chain may stand there, in any order
        if certificate.public_key() == public:
            return key, certificate
    return key, None


def _block(content: bytes, kind: bytes) -> bytes:
    """The first PEM block whose label ends so."""
    label_end = content.index(kind + b"-----")
    start = content.rindex(PEM, 0, label_end)
    end = content.index(b"-----END ", label_end)
    return content[start : content.index(b"-----", end + len(b"-----END ")) + 5] + b"\n"
