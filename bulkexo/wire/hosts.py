"""Where a token may go: the service's hosts by cloud, and the checks of an endpoint and of a link."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

DEFAULT_PORTS = {"https": 443, "http": 80}
HOST_AND_PORT = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]*)?", re.IGNORECASE | re.ASCII)
"""Names in ASCII, and addresses; parsers disagree about what else may stand there."""


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
    """Scheme, host and port of an https URL, or of an http one to a loopback address, without a path;
    in lower case, without the port that the scheme implies.

    Raises ValueError with a sentence: anything else would send the token in the clear or astray.
    """
    shown = "The URL" if "@" in url else repr(url)  # a password is not repeated
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port
    except ValueError:
        raise ValueError(f"{shown} is not a URL.") from None
    if "@" in parts.netloc:
        raise ValueError(f"{shown} carries a name or password; give scheme, host and port only.")
    if not parts.hostname or not HOST_AND_PORT.fullmatch(parts.netloc):
        raise ValueError(f"{shown} names no host. Write one in ASCII (a name in other letters as xn--…).")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback(parts.hostname)):
        raise ValueError(f"{shown} is not https; http is allowed to a loopback address only.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}")


def trusted(link: str, endpoint: str) -> str | None:
    """The absolute form of a link of the service, if it stays on the endpoint's own origin; else None.

    It always begins with the endpoint as given, whatever case or port the link itself is written with.
    """
    try:
        absolute = urljoin(endpoint + "/", link)
        if origin(absolute) != origin(endpoint):
            return None
        parts = urlsplit(absolute)
    except ValueError:
        return None
    return f"{endpoint}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
