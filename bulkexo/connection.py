"""Where a tenant is, and how to sign in to it: what options and profiles come to. Floor 0.

No secret is in it: secrets come from the environment, a file or a prompt when they are needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Auth(StrEnum):
    """A way to sign in (`--auth`)."""

    TOKEN = "token"  # noqa: S105 (a name)
    SECRET = "secret"  # noqa: S105 (a name)
    CERTIFICATE = "certificate"
    FEDERATED = "federated"
    MANAGED_IDENTITY = "managed-identity"
    DEVICE_CODE = "device-code"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One tenant as a run reaches it.

    tenant: initial domain or GUID, None if the token tells. endpoint, compliance: the services; authority:
    the sign-in service; scheme and host, no path. auth: None leaves it to what is given. client_id: the
    app, or the user-assigned managed identity. certificate: PEM or PFX with its private key.
    *_file: files that hold what may not be an argument. account: the person, by UPN.
    """

    tenant: str | None = None
    endpoint: str
    compliance: str
    authority: str
    ca_file: Path | None = None
    auth: Auth | None = None
    client_id: str | None = None
    certificate: Path | None = None
    certificate_passphrase_file: Path | None = None
    client_secret_file: Path | None = None
    federated_token_file: Path | None = None
    token_file: Path | None = None
    account: str | None = None
