"""Names of this machine, the proxies of the environment, and the cookies of each service."""

from __future__ import annotations

import base64
import socket
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import Morsel

from aiohttp import DefaultResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bulkexo.model import UsageError
from bulkexo.wire.hosts import local_name, loopback

COOKIES = 50
"""Kept of a service, the newest: the real one sets a handful."""

COOKIE_LENGTH = 4096
"""Letters of a cookie; RFC 6265 asks for as many."""

COOKIES_LENGTH = 8000
"""Letters of the header that holds them all: servers refuse one of more than 8 KB."""


class Resolver(AbstractResolver):
    """The system's resolver, except for names below `localhost`, which are this machine (RFC 6761)."""

    def __init__(self) -> None:
        self._system = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses, the best first."""
        if not local_name(host) or loopback(host):
            return await self._system.resolve(host, port, family)
        found = [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST
            )
            for address, kind in found
            if family in (kind, socket.AF_UNSPEC)
        ]

    async def close(self) -> None:
        """Close the system's."""
        await self._system.close()


@dataclass(frozen=True, slots=True)
class Proxy:
    """url: without name and password. headers: what carries these. whole: with them."""

    url: URL
    headers: Mapping[str, str] = field(repr=False)
    whole: str = field(repr=False)


def proxy_for(endpoint: str) -> Proxy | None:
    """The proxy that the environment names for an endpoint; none stands before this machine itself.

    Not the `trust_env` of aiohttp and requests, which also reads ~/.netrc: the one then refuses requests that
    carry a token, the other sends what stands there.
    Raises UsageError, without a word of what may hold a password.
    """
    url = URL(endpoint)
    host = url.host or ""
    if loopback(host) or local_name(host) or urllib.request.proxy_bypass(host):
        return None
    named = urllib.request.getproxies().get(url.scheme)
    if not named:
        return None
    proxy = _read(named if "://" in named else f"http://{named}")
    if proxy is None:
        raise UsageError(
            f"The proxy that {url.scheme.upper()}_PROXY names cannot be used: write http://host:port, or "
            "http://user:password@host:port with signs other than letters and digits as %XX."
        )
    packed = base64.b64encode(f"{proxy.user or ''}:{proxy.password or ''}".encode()).decode()
    headers = {"Proxy-Authorization": f"Basic {packed}"} if proxy.user else {}
    return Proxy(proxy.with_user(None), headers, str(proxy))


def _read(named: str) -> URL | None:
    try:
        proxy = URL(named)
    except ValueError:
        return None
    return proxy if proxy.scheme in ("http", "https") and proxy.host else None


class Cookies:
    """Those of each service, by its endpoint: they keep a run on one backend, in every region of it, and go
    nowhere else, whatever domain they name."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, str]] = {}

    def header(self, endpoint: str) -> str:
        """`Cookie` for a request to the service, "" for none."""
        return "; ".join(f"{name}={value}" for name, value in self._kept.get(endpoint, {}).items())

    def keep(self, endpoint: str, found: Iterable[Morsel[str]]) -> None:
        """Those that a reply has set, taken back, or changed; the oldest make room."""
        kept = self._kept.setdefault(endpoint, {})
        for cookie in found:
            kept.pop(cookie.key, None)
            length = len(cookie.key) + len(cookie.coded_value)
            if cookie.coded_value and cookie["max-age"] != "0" and length <= COOKIE_LENGTH:
                kept[cookie.key] = cookie.coded_value
        while len(kept) > COOKIES or len(self.header(endpoint)) > COOKIES_LENGTH:
            del kept[next(iter(kept))]
