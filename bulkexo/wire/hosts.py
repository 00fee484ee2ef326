"""Where a token may go: the service's hosts by cloud, and the checks of an endpoint and of a link."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

DEFAULT_PORTS = {"https": 443, "http": 80}
HOST_AND_PORT = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]*)?", re.IGNORECASE | re.ASCII)
"""Names in ASCII, and addresses; parsers disagree about what else may stand there."""
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE | re.ASCII)
"""One part of a host's name."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Microsoft's clouds. endpoint: of Exchange; compliance: of Security & Compliance; authority: who
    gives the tokens. Scheme and host each, no path."""

    endpoint: str
    compliance: str
    authority: str


CLOUDS = {
    "worldwide": Cloud(
        "https://outlook.office365.com",
        "https://ps.compliance.protection.outlook.com",
        "https://login.microsoftonline.com",
    ),
    "gcc-high": Cloud(
        "https://outlook.office365.us",
        "https://ps.compliance.protection.office365.us",
        "https://login.microsoftonline.us",
    ),
    # The hosts of these two are not confirmed (protocol.md, Unknown): --endpoint and the like override.
    "dod": Cloud(
        "https://outlook-dod.office365.us",
        "https://l5.ps.compliance.protection.office365.us",
        "https://login.microsoftonline.us",
    ),
    "china": Cloud(
        "https://partner.outlook.cn",
        "https://ps.compliance.protection.partner.outlook.cn",
        "https://login.partner.microsoftonline.cn",
    ),
}
"""`--cloud` → its hosts (protocol.md, Endpoints and Identity). GCC is served by the worldwide cloud."""


OTHER_NAMES = frozenset({"https://outlook.office.com"})
"""Of Exchange, as tokens name it besides."""


def another_service(audience: str, endpoint: str, others: Iterable[str]) -> bool:
    """Whether a token says (`aud`) that it is for one of these other services, and not for the endpoint. One
    that says nothing, a GUID, or anything else that is not known may be for it."""
    try:
        said = origin(audience) if "://" in audience else ""
    except ValueError:
        return False
    return said != endpoint and said in others


def scope(endpoint: str) -> str:
    """What a token for a service is asked for (protocol.md, Identity)."""
    return f"{endpoint}/.default"


def loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def local_name(host: str) -> bool:
    """Whether a host name is one of this machine's own for certain (RFC 6761: `localhost` and all below)."""
    return host.lower().rstrip(".").rpartition(".")[2] == "localhost"


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
        absolute = _absolute(link, endpoint)
        if origin(absolute) != origin(endpoint):
            return None
        parts = urlsplit(absolute)
    except ValueError:
        return None
    return f"{endpoint}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def regional(label: str, endpoint: str) -> str:
    """The endpoint of a region: its label before the service's own host (protocol.md, Endpoints).

    Raises ValueError for what is no label, and for an endpoint whose host is an address.
    """
    host = urlsplit(endpoint).hostname or ""
    if not LABEL.fullmatch(label) or _address(host):
        raise ValueError(f"{label!r} is no region of {endpoint}.")
    scheme, _, rest = endpoint.partition("://")
    return f"{scheme}://{label.lower()}.{rest}"


def redirected(location: str, endpoint: str) -> str | None:
    """Where a `Location` sends a request to the service's endpoint: itself or one of its regions, else None.

    Only the region is taken of it: it may stand before another of the service's hosts, on another port
    (`eur01b.admin.protection.outlook.com:446` for ps.compliance.protection.outlook.com; protocol.md,
    second reading).
    """
    try:
        if origin(_absolute(location, endpoint)) == origin(endpoint):
            return endpoint
        there = urlsplit(origin(location) if "://" in location else "")
        label, _, rest = (there.hostname or "").partition(".")
        own = urlsplit(endpoint)
        if rest != own.hostname and not rest.endswith(f".{_domain(own.hostname or '')}"):
            return None
        return regional(label, endpoint) if there.scheme == own.scheme else None
    except ValueError:
        return None


def home(url: str, endpoints: Iterable[str]) -> str | None:
    """That of the endpoints which a URL leads to, itself or in a region, by its very letters; else None."""
    for endpoint in endpoints:
        scheme, _, rest = endpoint.partition("://")
        found, _, tail = url.partition("://")
        if found != scheme or "/" not in tail:
            continue
        host = tail.partition("/")[0]
        label, dot, parent = host.partition(".")
        if host == rest or (dot and parent == rest and LABEL.fullmatch(label) and not _address(rest)):
            return endpoint
    return None


def _absolute(link: str, endpoint: str) -> str:
    """A link joined to the endpoint. Raises ValueError for what some readers take for another host: with
    backslashes before the query, or with a scheme and no host."""
    parts = urlsplit(link)
    if "\\" in link.partition("?")[0] or (parts.scheme and not parts.netloc):
        raise ValueError(link)
    return urljoin(endpoint + "/", link)


def _domain(host: str) -> str:
    """What all hosts of a service have in common: the last two labels, or this machine's own."""
    return "localhost" if local_name(host) else ".".join(host.split(".")[-2:])


def _address(host: str) -> bool:
    """Whether a host, with a port or without, is an address and not a name."""
    return host.startswith("[") or host.count(":") > 1 or host.partition(":")[0][-1:].isdecimal()
