"""Certificates as administrators have them: PEM or PFX, with or without a passphrase, or not at all."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from bulkexo.model import SignInError
from bulkexo.net.identity.certificate import Certificate

PASSPHRASE = "öffne dich"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVED = ec.generate_private_key(ec.SECP256R1())
PLAIN = serialization.NoEncryption()
CURVE = CURVED.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, PLAIN)
LOCKED = serialization.BestAvailableEncryption(PASSPHRASE.encode())


def made(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY, days: int = 30) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bulkexo")])
    today = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=60))
        .not_valid_after(today + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )


def public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def private(
    encryption: serialization.KeySerializationEncryption = PLAIN,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
) -> bytes:
    return KEY.private_bytes(serialization.Encoding.PEM, form, encryption)


def pfx(encryption: serialization.KeySerializationEncryption, days: int = 30) -> bytes:
    return pkcs12.serialize_key_and_certificates(b"bulkexo", KEY, made(days=days), None, encryption)


def nobody(_question: str) -> None:
    return None


def certificate(
    path: Path, given: str | None = None, ask: Callable[[str], str | None] = nobody
) -> Certificate:
    return Certificate(path, lambda: given, ask)


TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL
FILES = {
    "key first": (lambda: private() + public(made()), None),
    "certificate first": (lambda: public(made()) + private(), None),
    "a chain": (lambda: private() + public(made(OTHER)) + public(made()), None),
    "an older form": (lambda: private(form=TRADITIONAL) + public(made()), None),
    "with what openssl writes around it": (
        lambda: b"Bag Attributes\n  localKeyID: 01\n" + private() + b"subject=CN=x\r\n" + public(made()),
        None,
    ),
    "a locked key": (lambda: private(LOCKED) + public(made()), PASSPHRASE),
    "a locked key, older form": (lambda: private(LOCKED, TRADITIONAL) + public(made()), PASSPHRASE),
    "an open key, and a passphrase all the same": (lambda: private() + public(made()), PASSPHRASE),
    "PFX": (lambda: pfx(LOCKED), PASSPHRASE),
    "PFX without a passphrase": (lambda: pfx(PLAIN), None),
}


@pytest.mark.parametrize(("content", "passphrase"), FILES.values(), ids=list(FILES))
def test_a_certificate_with_its_key(
    tmp_path: Path, content: Callable[[], bytes], passphrase: str | None
) -> None:
    path = tmp_path / "app"
    path.write_bytes(content())
    credential = certificate(path, passphrase).credential()
    key = serialization.load_pem_private_key(credential.for_msal["private_key"].encode(), None)
    found = x509.load_pem_x509_certificate(credential.for_msal["public_certificate"].encode())
    assert key.public_key() == found.public_key() == KEY.public_key()
    assert "PRIVATE KEY" not in repr(credential)


@pytest.mark.parametrize("content", [private(LOCKED) + public(made()), pfx(LOCKED)], ids=["PEM", "PFX"])
def test_a_passphrase_is_asked_for_where_somebody_can_answer(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "app"
    path.write_bytes(content)
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return PASSPHRASE

    assert certificate(path, ask=ask).credential().for_msal["private_key"]
    assert asked == [f"Passphrase of {path}: "]
    with pytest.raises(SignInError, match="--certificate-passphrase-file"):
        certificate(path).credential()
    with pytest.raises(SignInError, match="passphrase is wrong"):
        certificate(path, ask=lambda _: "wrong").credential()
    with pytest.raises(SignInError, match="passphrase is wrong") as caught:
        certificate(path, "Sesam-1", ask=ask).credential()
    assert "Sesam" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (private(), "takes both"),
        (public(made()), "takes both"),
        (private() + public(made(OTHER)), "takes both"),
        (private() + public(made(days=-1)), "ended on"),
        (pfx(PLAIN, days=-1), "ended on"),
        (b"", "neither"),
        (b"\x00\x01 rubbish", "neither"),
        (b"-----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE KEY-----\n" + public(made()), "neither"),
        (private()[:300] + public(made()), "neither"),
        (CURVE + public(made(CURVED)), "no RSA key"),
        (None, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_told_in_words(tmp_path: Path, content: bytes | None, words: str) -> None:
    """And nobody is asked for the passphrase of what has none."""
    asked: list[str] = []
    path = tmp_path / "app"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SignInError, match=words) as caught:
        certificate(path, ask=asked.append).credential()
    assert str(path) in str(caught.value)
    assert not asked


def test_a_renewed_certificate_is_read_at_the_next_sign_in(tmp_path: Path) -> None:
    path = tmp_path / "app"
    path.write_bytes(private() + public(made()))
    source = certificate(path)
    first = source.credential()
    assert first == source.credential()
    path.write_bytes(private() + public(made()))
    assert source.credential() != first
