"""The only sockets: one aiohttp session for a run."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import aiohttp
from yarl import URL

from bulkexo.model import UsageError
from bulkexo.wire import Lost, Reply, Request
from bulkexo.wire.hosts import loopback

CONNECT_TIMEOUT = 30.0
PLAIN = re.compile(r"[!-~]+")
"""A URL that needs no escapes."""

KEEP_ALIVE = 15.0
"""Seconds that an idle connection is kept: short, since a request on one that the service has just closed is
a request whose fate is unknown."""


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """The system's certificates, and those of `ca_file` besides. Raises UsageError."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            reason = "no certificate is in it" if isinstance(error, ssl.SSLError) else error.strerror
            raise UsageError(
                f"The CA file {ca_file} cannot be used ({reason}). Give a file in PEM form."
            ) from None
    return context


class Session:
    """An aiohttp session to one endpoint, as an async context manager.

    endpoint: scheme, host and port; the only place that a request, and so the token, is sent to.
    connections: open at once. Proxies come from the environment, except to this machine itself.
    """

    def __init__(self, endpoint: str, *, connections: int, ca_file: Path | None = None) -> None:
        self._endpoint = endpoint
        self._connections = connections
        self._context = trust(ca_file)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Session:
        host = URL(self._endpoint).host or ""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections, ssl=self._context, keepalive_timeout=KEEP_ALIVE
            ),
            auto_decompress=False,
            trust_env=not loopback(host),
            cookie_jar=aiohttp.CookieJar(unsafe=loopback(host)),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, request: Request) -> Reply | Lost:
        """POST it; what did not come back is a Lost that says whether it may have arrived."""
        if self._session is None or not request.url.startswith(self._endpoint + "/"):
            raise ValueError(f"no session for {request.url}")
        # A link of the service goes as it is: the text of its cursor is its own.
        url = URL(request.url, encoded=PLAIN.fullmatch(request.url) is not None)
        limits = aiohttp.ClientTimeout(total=request.timeout, sock_connect=CONNECT_TIMEOUT)
        try:
            async with self._session.post(
                url,
                data=request.body,
                headers=request.headers,
                timeout=limits,
                allow_redirects=False,
            ) as response:
                body = await response.read()
                return Reply(response.status, _headers(response.raw_headers), body)
        except aiohttp.ClientConnectorCertificateError as error:
            reason = f"Its certificate is not trusted ({_words(error)}). Name its CA with --ca-file."
            return Lost(reason, sent=False, final=True)
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ClientHttpProxyError,
            aiohttp.ConnectionTimeoutError,
        ) as error:
            return Lost(f"The service could not be reached ({_words(error)}).", sent=False)
        except TimeoutError:
            return Lost(f"No reply came within {request.timeout:.0f} s.", sent=True)
        except (aiohttp.ClientError, OSError) as error:
            return Lost(f"The connection was lost before the reply ({_words(error)}).", sent=True)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case; what comes more than once is joined, as HTTP has it. Whatever bytes they are."""
    found: dict[str, str] = {}
    for name, value in raw:
        lowered, text = name.decode("ascii", "replace").lower(), value.decode("utf-8", "replace")
        earlier = found.setdefault(lowered, text)
        if earlier != text:
            found[lowered] = f"{earlier}, {text}"
    return found


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
