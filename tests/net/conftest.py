"""A throwaway certificate authority, and servers on loopback that present what it signed."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "service.invalid")


@dataclass(frozen=True)
class Certificates:
    """ca_file: to be trusted. server: a TLS context for a server of this machine and of service.invalid.
    stranger: the same, signed by nobody known. misnamed: signed well, for another host."""

    ca_file: Path
    server: ssl.SSLContext
    stranger: ssl.SSLContext
    misnamed: ssl.SSLContext


class _Authority:
    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bulkexo test authority")])
        builder = _builder(self.name, self.name, self.key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def context(self, folder: Path, name: str, names: tuple[str, ...]) -> ssl.SSLContext:
        """A server's context with a certificate for these names, and for the loopback addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        addresses = ["127.0.0.1", "::1"] if "localhost" in names else []
        others: list[x509.GeneralName] = [x509.DNSName(each) for each in names]
        others += [x509.IPAddress(ipaddress.ip_address(each)) for each in addresses]
        builder = _builder(subject, self.name, key)
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        path = folder / f"{name}.pem"
        form = serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        path.write_bytes(
            pem(builder.sign(self.key, hashes.SHA256()))
            + key.private_bytes(serialization.Encoding.PEM, form, plain)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    today = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    known, unknown = _Authority(), _Authority()
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(pem(known.certificate))
    return Certificates(
        ca_file,
        known.context(folder, "server", NAMES),
        unknown.context(folder, "stranger", NAMES),
        known.context(folder, "misnamed", ("elsewhere.invalid",)),
    )


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The proxies of the machine that runs the tests are none of theirs."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ws_proxy", "wss_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    yield
