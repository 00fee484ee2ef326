"""What goes over the wire and what comes back, as small values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bulkexo.model import light

SYSTEM_MAILBOX = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"


@dataclass(frozen=True, slots=True)
class Service:
    """One tenant as a run speaks to it; constant for the run, since a page's cursor names a backend.

    endpoint: scheme, host and port, no path. tenant: GUID (preferred) or initial domain.
    anchor: `X-AnchorMailbox`. connection_id: one GUID a run (protocol.md, Request). timeout: seconds that
    replace the ones of each cmdlet, None for those. response_format: `json` or `clixml`.
    """

    endpoint: str
    tenant: str
    anchor: str
    connection_id: str
    timeout: float | None = None
    response_format: str = "json"

    @property
    def base(self) -> str:
        """The URL that all cmdlets of the tenant stand below."""
        return f"{self.endpoint}/adminapi/beta/{self.tenant}"

    @property
    def v2(self) -> str:
        """The URL that the documented endpoints stand below."""
        return f"{self.endpoint}/adminapi/v2.0/{self.tenant}"


def app_anchor(tenant: str) -> str:
    """The anchor mailbox of an app-only run (protocol.md, second reading: the same for the whole run)."""
    return f"APP:{SYSTEM_MAILBOX}@{tenant}"


def user_anchor(upn: str) -> str:
    """The anchor mailbox of a signed-in user."""
    return f"UPN:{upn}"


@light
@dataclass(frozen=True, slots=True)
class Request:
    """A request to be made. timeout: seconds until the reply is given up as lost. A GET has no body."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout: float
    method: str = "POST"


@light
@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. headers: names in lower case. body: as sent, still compressed if it was."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """No reply came. sent: whether the request may have reached the service. final: waiting cannot help
    (an untrusted certificate). reason: a sentence."""

    reason: str
    sent: bool
    final: bool = False
