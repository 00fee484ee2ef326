"""The only sockets: one aiohttp session for a run."""

from __future__ import annotations

import contextlib
import copy
import logging
import re
import ssl
from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path
from types import TracebackType

import aiohttp
import anyio
from aiohttp import hdrs
from yarl import URL

from bulkexo.model import UsageError
from bulkexo.net.guard import Guard, GuardedBody, OverError, headers_guarded, sockets
from bulkexo.net.places import Cookies, Resolver, proxy_for
from bulkexo.wire import Lost, Reply, Request
from bulkexo.wire.bodies import ERROR_LIMIT, REPLY_LIMIT, TOO_LARGE
from bulkexo.wire.hosts import home

CONNECT_TIMEOUT = 30.0
PLAIN = re.compile(r"[!-~]+")
"""A URL that needs no escapes."""

KEEP_ALIVE = 15.0
"""Seconds that an idle connection is kept: short, since a request on one that the service has just closed is
a request whose fate is unknown."""

HEADER_LIMIT = 32 << 10
"""Bytes of a header or of the status line: warnings can be long. More than aiohttp's own 8 KB."""

LARGE = 4 << 20
"""Bytes from which on a reply is a large one."""

LARGE_AT_ONCE = 2
"""Large replies read at the same time; the others wait unread, so that all together hold only so much."""

OVER = "It was no longer to be sent by this process."

SILENT = logging.NullHandler()


def silence(*loggers: str) -> None:
    """What libraries would say on stderr by themselves, with tracebacks and with what the service sent, is
    told in our own words."""
    for name in loggers:
        logger = logging.getLogger(name)
        if SILENT not in logger.handlers:
            logger.addHandler(SILENT)


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
    """An aiohttp session to the services of a run, as an async context manager.

    endpoints: scheme, host and port of each; they and their regions are the only places that a request, and
    so the token, is sent to. connections: open at once. guard: says for all of them whether anything may be
    sent, None if it always may; then `apart` can be given others. Proxies come from the environment, except
    to this machine itself. Raises UsageError for a CA file or a proxy that cannot be used.
    """

    def __init__(
        self,
        endpoints: Collection[str],
        *,
        connections: int,
        ca_file: Path | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._connections = connections
        self._traces = [headers_guarded()] if guard else []
        self._sockets = sockets(guard) if guard else None
        self._guard = guard
        # Without a file, aiohttp's own context serves: it has read the system's certificates already.
        self._context = trust(ca_file) if ca_file else True
        self._proxies = {endpoint: proxy_for(endpoint) for endpoint in self._endpoints}
        self._cookies = Cookies()
        self._large = anyio.Semaphore(LARGE_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        silence("aiohttp", "asyncio")

    async def __aenter__(self) -> Session:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections,
                ssl=self._context,
                keepalive_timeout=KEEP_ALIVE,
                resolver=Resolver(),
                socket_factory=self._sockets,
            ),
            auto_decompress=False,
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=self._traces,
        )
        return self

    def apart(self, guard: Guard | None = None) -> Session:
        """The same connections with cookies of its own, for one of several tenants: what keeps one on its
        backend is not another's. To be taken once this one is open; it ends with this one. guard: of what it
        sends, where there is one for all."""
        other = copy.copy(self)
        other._cookies = Cookies()
        other._guard = guard or self._guard
        return other

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, request: Request) -> Reply | Lost:
        """Send it; what did not come back is a Lost that says whether it may have arrived."""
        endpoint, url = _place(request.url, self._endpoints)
        if self._session is None or endpoint is None:
            raise ValueError(f"no session for {request.url}")
        proxy = self._proxies[endpoint]
        cookies = self._cookies.header(endpoint)
        body: bytes | GuardedBody | None = request.body if request.method == "POST" else None
        if self._guard is not None and body:
            body = GuardedBody(request.body, self._guard)
        try:
            async with self._session.request(
                request.method,
                url,
                data=body,
                headers={**request.headers, "Cookie": cookies} if cookies else request.headers,
                timeout=_timeout(request.timeout),
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
                proxy_headers=proxy.headers if proxy else None,
                trace_request_ctx=self._guard,
            ) as response:
                if hdrs.SET_COOKIE in response.headers:
                    self._cookies.keep(endpoint, response.cookies.values())
                read = await self._read(response, request.timeout)
                if read is None:
                    return Lost(TOO_LARGE.reason, sent=True)
                return Reply(response.status, _headers(response.raw_headers), read)
        except OverError:
            return Lost(OVER, sent=False)
        except aiohttp.ClientConnectorCertificateError as error:
            reason = f"Its certificate is not trusted ({_words(error)}). Name its CA with --ca-file."
            return Lost(reason, sent=False, final=True)
        except aiohttp.ClientHttpProxyError as error:
            return Lost(f"The proxy let nothing through (status {error.status}).", sent=False)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Lost(f"The service could not be reached ({_words(error)}).", sent=False)
        except TimeoutError:
            return Lost(f"No reply came within {request.timeout:.0f} s.", sent=True)
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(body, GuardedBody) and body.over:
                return Lost(OVER, sent=False)
            return Lost(_broken(error), sent=True)

    async def _read(self, response: aiohttp.ClientResponse, timeout: float) -> bytes | None:
        """The body, still packed; of an error no more than its beginning; None if it is too large. timeout:
        seconds for which it waits for its turn."""
        good = 200 <= response.status < 300
        limit = REPLY_LIMIT if good else ERROR_LIMIT
        length = response.content_length
        if length is not None and length <= min(limit, LARGE):  # and more than that is never read
            return await response.read()
        if good and (length or 0) > limit:
            return None
        body = bytearray()
        async with contextlib.AsyncExitStack() as turn:
            waited = False
            async for part in response.content.iter_any():
                body += part
                if len(body) > limit:
                    response.close()
                    return None if good else bytes(body[:limit])
                if len(body) > LARGE and not waited:
                    waited = True
                    with anyio.fail_after(timeout):
                        await turn.enter_async_context(self._large)
        return bytes(body)


@lru_cache(64)
def _place(url: str, endpoints: tuple[str, ...]) -> tuple[str | None, URL]:
    """The endpoint that a URL leads to, None if it leads to none of them; and the URL. A link of the service
    goes as it is: the text of its cursor is its own."""
    return home(url, endpoints), URL(url, encoded=PLAIN.fullmatch(url) is not None)


@lru_cache(64)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_TIMEOUT)


def _broken(error: BaseException) -> str:
    """What became of the reply, without a word of it: it may repeat what it was sent."""
    if isinstance(error, aiohttp.ClientResponseError):
        limit = HEADER_LIMIT >> 10
        return f"What came back cannot be read as HTTP, or has too many headers, or one of over {limit} KB."
    if isinstance(error, aiohttp.ClientPayloadError):
        return "The connection was lost in the middle of the reply, or its parts do not fit together."
    if isinstance(error, OSError) and error.errno is not None:
        reason = _words(error)
    else:
        reason = "the service hung up"
    return f"The connection was lost before the reply ({reason})."


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
