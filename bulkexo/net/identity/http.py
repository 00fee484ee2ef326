"""What msal sends with, and what its failures mean: the sign-in service was not reached, or it said no."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bulkexo.model import SignInError, SignInUnreachableError
from bulkexo.net.identity.remedies import NO_TENANT, explain
from bulkexo.net.session import trust
from bulkexo.wire.hosts import loopback

SIGN_IN_TIMEOUT = 60.0
"""Seconds without a byte from the sign-in service after which it counts as not reached."""


def client(host: str, ca_file: Path | None, *, proxies: bool = True, timeout: float | None = None) -> Any:
    """A `requests` session that trusts what the session to the service trusts, and waits only so long.
    host: scheme and host of the sign-in service; one on this machine has no proxy before it."""
    import requests  # noqa: PLC0415 (slow to import, for those who need it)
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    context = trust(ca_file)

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *sizes: Any, **more: Any) -> None:
            super().init_poolmanager(*sizes, **more, ssl_context=context)

        def proxy_manager_for(self, proxy: Any, **more: Any) -> Any:
            return super().proxy_manager_for(proxy, **more, ssl_context=context)

        def cert_verify(self, conn: Any, *_: Any) -> None:
            conn.cert_reqs = "CERT_REQUIRED"  # by the context; requests would add a list of its own

        def send(self, *request: Any, **more: Any) -> Any:
            limits = {"timeout": timeout or SIGN_IN_TIMEOUT, "verify": True}
            return super().send(*request, **{**more, **limits})

    session = requests.Session()
    session.trust_env = proxies and not loopback(urlsplit(host).hostname or "")
    session.headers["Connection"] = "close"  # a token is fetched once an hour
    session.mount("https://", Adapter())
    session.mount("http://", Adapter())
    return session


@contextmanager
def told(host: str, *hidden: str) -> Iterator[None]:
    """What msal raises, as SignInError. hidden: secrets that its words may repeat."""
    import msal  # noqa: PLC0415

    try:
        yield
    except (OSError, msal.exceptions.MsalServiceError) as error:  # the latter for a status of 500 and up
        raise unreached(host, error) from None
    except json.JSONDecodeError:
        words = f"{host} does not answer as a sign-in service does; a proxy may stand before it."
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
        f"The sign-in service {host} was not reached ({reason or type(error).__name__})."
    )
