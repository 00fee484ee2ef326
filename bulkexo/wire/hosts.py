"""Where a token may go: the service's hosts by cloud, and the checks of an endpoint and of a link."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Microsoft's clouds. endpoint, authority: scheme and host, no path."""

    endpoint: str
    authority: str


WORLDWIDE = Cloud("https://outlook.office365.com", "https://login.microsoftonline.com")


def loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> str:
    """Scheme, host and port of an https URL, or of an http one to a loopback address, without a path.

    Raises ValueError with a sentence: anything else would send the token in the clear or astray.
    """
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port
    except ValueError:
        raise ValueError(f"{url!r} is not a URL.") from None
    if not parts.hostname or parts.username or parts.password:
        raise ValueError(f"{url!r} names no host, or carries a name or password.")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback(parts.hostname)):
        raise ValueError(f"{url!r} is not https; http is allowed to a loopback address only.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def trusted(link: str, endpoint: str) -> str | None:
    """The absolute form of a link of the service, if it stays on the endpoint's own origin; else None."""
    absolute = urljoin(endpoint + "/", link)
    try:
        return absolute if origin(absolute).lower() == origin(endpoint).lower() else None
    except ValueError:
        return None
