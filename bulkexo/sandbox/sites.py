"""The origins that the admin API is served at, and who is sent on from one to another.

Exchange answers at `https://localhost:PORT`. Security & Compliance has a port of its own, and two hosts
there: `localhost`, which sends everyone on, and `REGION.localhost`, which answers (`protocol.md`,
"Endpoints" and "Second reading": the 302 names `{region}.admin.…:446`, where nobody listens; the client
keeps the region, puts it before the service's own host, and brings token and cookies).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

COOKIE = "X-PSWS-Region"
"""The cookie that the 302 sets; its name is a guess. The regional host sends on whoever comes without it."""

_COMPLIANCE_HOSTS = ("ps.compliance.protection.outlook.com", "ps.compliance.protection.office365.us",
                     "ps.compliance.protection.partner.outlook.cn")  # fmt: skip
_AUDIENCE = re.compile(r"https?://([^/:]+)(?::(\d+))?/*", re.IGNORECASE)


class Service(StrEnum):
    """Whose cmdlets: the catalogue's two services."""

    EXCHANGE = "exchange-online"
    COMPLIANCE = "security-compliance"


@dataclass(frozen=True, slots=True)
class Site:
    """One of the origins, by its port. region: the label before the compliance host."""

    service: Service
    region: str

    def sends_on(self, host: str, path: str, cookie: str | None) -> str | None:
        """The `Location` of the 302 that a request for `host` gets, or None if it is answered here.

        host: with its port. path: with its query. cookie: COOKIE's value, None if it did not come.
        """
        if self.service is Service.EXCHANGE:
            return None
        name, _, _ = host.lower().partition(":")
        if name == f"{self.region}.localhost" and cookie == self.region:
            return None
        return f"https://{self.region}.admin.localhost:446{path}"

    @property
    def set_cookie(self) -> str:
        """The `Set-Cookie` of the 302: good for the host and those below it."""
        return f"{COOKIE}={self.region}; Domain=localhost; Path=/; Secure; HttpOnly"

    def accepts(self, audience: str, host: str) -> bool:
        """Whether a token for `audience` is good here; host: as the client wrote it, with its port.

        The audience is an origin: the service's own host of any cloud, or this machine with this port.
        Anything that is not an origin (an app's GUID) is taken for Exchange.
        """
        match = _AUDIENCE.fullmatch(audience)
        if match is None:
            return self.service is Service.EXCHANGE
        name, port = match[1].lower(), match[2]
        if name in _COMPLIANCE_HOSTS:
            return self.service is Service.COMPLIANCE
        if name == "localhost" or name.endswith(".localhost") or name in {"127.0.0.1", "[", "::1"}:
            return port == host.rpartition(":")[2]
        return self.service is Service.EXCHANGE
