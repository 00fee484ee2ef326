"""What a sandbox's sign-in service is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

APP_ROLES = ("Exchange.ManageAsApp", "Exchange.ManageAsAppV2")
"""The application permissions: for InvokeCommand, and for adminapi/v2.0 (`protocol.md`, "Endpoints")."""

MISSING = ("app-role", "directory-role")


@dataclass(frozen=True, slots=True)
class SignInOptions:
    """All that can be asked of the sign-in service.

    credentials: folder that gets the app's certificate and a federated token (None: the app has none).
    passphrase: of the encrypted ones of these files (None: random). app_certificates: files with the public
    half of further certificates, PEM or DER. approve_devices: who signs in wherever a person would be asked.
    device_interval: seconds between polls. *_lifetime, *_after: real seconds; *_after counts from a tenant's
    first token. app_roles: what the app's tokens say. missing: which of MISSING the callers lack.
    consent: whether an administrator has consented. down: an outage, so many seconds after the first token of
    all, for so many.
    """

    credentials: Path | None = None
    passphrase: str | None = field(default=None, repr=False)
    app_certificates: tuple[Path, ...] = ()
    federated_lifetime: float = 3600.0
    approve_devices: str | None = None
    device_interval: int = 5
    device_lifetime: float = 900.0
    refresh_lifetime: float = 90 * 86400.0
    managed_identity: bool = False
    app_roles: tuple[str, ...] = APP_ROLES
    missing: tuple[str, ...] = ()
    consent: bool = True
    claims_challenge_after: float | None = None
    credentials_revoked_after: float | None = None
    down: tuple[float, float] | None = None
