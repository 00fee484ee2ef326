"""What msal sends with, and what its failures mean: the sign-in service was not reached, or it said no."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bulkexo.model import SignInError, SignInUnreachableError
from bulkexo.net.identity.remedies import NO_TENANT, explain
from bulkexo.net.places import proxy_for
from bulkexo.net.session import silence, trust
from bulkexo.wire.hosts import CLOUDS, origin

SIGN_IN_TIMEOUT = 60.0
"""Seconds without a byte from the sign-in service after which it counts as not reached."""

WARY = "Nothing was sent there. Check --authority and --cloud, and that no proxy stands before it."

STEP = 1 << 14
REPLY_LIMIT = 1 << 20
"""Bytes of an answer: a token and its fellows are a few thousand."""

REPLY_SECONDS = 120.0
"""Seconds that an answer may take from its first byte to its last."""


def client(host: str, ca_file: Path | None, *, proxies: bool = True, timeout: float | None = None) -> Any:
    """A `requests` session that trusts what the session to the service trusts, goes to the sign-in service
    only, and reads and waits only so long. host: its scheme and host, "" for that of managed identities.
    Raises UsageError for a proxy that cannot be used."""
    import requests  # noqa: PLC0415 (slow to import, for those who need it)
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    context = trust(ca_file)
    silence("msal", "msal_extensions", "urllib3")

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *sizes: Any, **more: Any) -> None:
            super().init_poolmanager(*sizes, **more, ssl_context=context)

        def proxy_manager_for(self, proxy: Any, **more: Any) -> Any:
            return super().proxy_manager_for(proxy, **more, ssl_context=context)

        def cert_verify(self, conn: Any, *_: Any) -> None:
            conn.cert_reqs = "CERT_REQUIRED"  # by the context; requests would add a list of its own

        def send(self, *request: Any, **more: Any) -> Any:
            if host and not at_home(str(request[0].url), host):
                raise SignInError(
                    f"The sign-in service {host} names another place to send secrets to. {WARY}"
                )
            limits = {"timeout": timeout or SIGN_IN_TIMEOUT, "verify": True, "stream": True}
            response = super().send(*request, **{**more, **limits})
            if response.is_redirect:
                response.close()
                raise SignInError(f"The sign-in service {host} sends the request on elsewhere. {WARY}")
            _read(response)
            self.close()  # a connection kept for an hour is one that the other side has closed
            return response

    session = requests.Session()
    session.trust_env = False
    if host and proxies and (proxy := proxy_for(host)):
        session.proxies = {"http": proxy.whole, "https": proxy.whole}
    session.headers["Accept-Encoding"] = "identity"
    session.headers["Connection"] = "close"  # a token is fetched once an hour
    session.mount("https://", Adapter())
    session.mount("http://", Adapter())
    return session


def at_home(url: str, host: str) -> bool:
    """Whether a URL leads to the sign-in service, or to that of one of the clouds."""
    try:
        return origin(url) in {origin(host), *(cloud.authority for cloud in CLOUDS.values())}
    except ValueError:
        return False


def _read(response: Any) -> None:
    """The body of the answer, as it came. Raises OSError if it is too long, or takes too long."""
    import urllib3  # noqa: PLC0415

    body, end = bytearray(), time.monotonic() + REPLY_SECONDS
    try:
        while part := response.raw.read1(STEP, decode_content=False):
            body += part
            if len(body) > REPLY_LIMIT or time.monotonic() > end:
                response.close()
                raise OSError("its answer has no end")
    except urllib3.exceptions.HTTPError as error:
        raise OSError("its answer broke off") from error
    response._content = bytes(body)  # where requests itself puts it
    response._content_consumed = True


@contextmanager
def told(host: str, *hidden: str) -> Iterator[None]:
    """What msal raises, as SignInError. hidden: secrets that its words may repeat."""
    import msal  # noqa: PLC0415

    try:
        yield
    except (OSError, msal.exceptions.MsalServiceError) as error:  # the latter for a status of 500 and up
        raise unreached(host, error) from None
    except (json.JSONDecodeError, RecursionError):
        words = (
            f"{host} does not answer as a sign-in service does; a proxy may stand before it. "
            "Check --authority, and what this machine's proxy lets through."
        )
        raise SignInUnreachableError(words) from None
    except ValueError as error:
        if "authority configuration" in str(error):  # msal's many words for a 4xx of the tenant's address
            raise SignInError(explain(f"There is no such tenant at {host}. {NO_TENANT}")) from None
        raise SignInError(explain(str(error), *hidden)) from None


def unreached(host: str, error: BaseException) -> SignInError:
    """What the innermost of a chain of errors says; only a certificate is for a person to see to."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return SignInError(
            f"The certificate of the sign-in service {host} is not trusted ({error.verify_message}). "
            "Name its CA with --ca-file."
        )
    reason = (isinstance(error, OSError) and error.strerror) or " ".join(str(error).split())
    return SignInUnreachableError(
        f"The sign-in service {host} was not reached ({reason or type(error).__name__}). Check the "
        "network and "
        "the proxy of this machine, and --authority."
    )
