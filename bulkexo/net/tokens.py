"""Where access tokens come from: the environment, a file, or msal; and the one place that renews them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import anyio

from bulkexo.model import SignInError, SignInUnreachableError, UsageError
from bulkexo.net.session import trust
from bulkexo.wire.hosts import loopback

RENEW_BEFORE = 300.0
"""Seconds before its end at which a token is renewed: longer than most replies take."""

RENEW_AGAIN = 60.0
"""Seconds until a renewal that was early is tried again, when the sign-in service is not reached."""

SIGN_IN_TIMEOUT = 60.0
"""Seconds without a byte from the sign-in service after which it counts as not reached."""

REMEDIES = {
    "AADSTS65001": "Nobody has consented: an administrator grants consent to the app's permissions.",
    "AADSTS7000215": "The client secret is wrong: use its value, not its id, and check its end date.",
    "AADSTS7000222": "The client secret has expired: create a new one for the app.",
    "AADSTS700027": "The certificate is not the app's: upload its public half to the app registration.",
    "AADSTS700016": "The app is not in this tenant: check the client id and the tenant.",
    "AADSTS90002": "There is no such tenant: check --tenant.",
    "AADSTS900023": "There is no such tenant: check --tenant.",
    "AADSTS53003": "Conditional Access blocks this sign-in: exclude the app, or run from an allowed place.",
}
"""What to do about a sign-in error (protocol.md, Errors)."""


@dataclass(frozen=True, slots=True)
class Token:
    """text: as it is sent. lifetime: seconds from now, None if not known."""

    text: str
    lifetime: float | None = None


class Source(Protocol):
    """One way to get tokens. Blocking: called in a thread."""

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """A token; `anew` if the last one was refused. Raises SignInError."""


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A ready-made token from `BULKEXO_TOKEN`."""

    text: str

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """The token, until it is refused."""
        if anew:
            raise SignInError(
                "The service refuses the token of BULKEXO_TOKEN; it may have expired. Put a new one "
                "there, or use --token-file, which is read again when a token ends."
            )
        if not _sendable(self.text):
            raise SignInError("BULKEXO_TOKEN does not hold a token.")
        return Token(self.text)


@dataclass(frozen=True, slots=True)
class FileToken:
    """A token that something else keeps fresh in a file."""

    path: Path

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """What the file holds now."""
        try:
            text = self.path.read_text(encoding="utf-8-sig").strip()
        except UnicodeDecodeError:
            text = ""
        except OSError as error:
            raise SignInError(f"The token file {self.path} cannot be read ({error.strerror}).") from None
        if not _sendable(text):
            raise SignInError(f"The token file {self.path} does not hold a token.")
        return Token(text)


def _sendable(token: str) -> bool:
    return bool(token) and token.isascii() and token.isprintable()


class SecretApp:
    """An app that signs in by msal with its client id and secret.

    authority: scheme and host of the sign-in service. scope: `https://<host>/.default`.
    """

    def __init__(
        self, *, authority: str, tenant: str, client_id: str, secret: str, scope: str, ca_file: Path | None
    ) -> None:
        self._authority = f"{authority}/{tenant}"
        self._host = authority
        self._client_id = client_id
        self._secret = secret
        self._scope = scope
        self._context = trust(ca_file)
        self._app: Any = None

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """A token of msal's; from its cache unless `anew`."""
        import msal  # noqa: PLC0415 (a third of a second, for those who need it)

        try:
            if self._app is None:
                self._app = msal.ConfidentialClientApplication(
                    self._client_id,
                    client_credential=self._secret,
                    authority=self._authority,
                    instance_discovery=False,
                    http_client=self._client(),
                )
            if anew:
                self._app.remove_tokens_for_client()
            result = self._app.acquire_token_for_client([self._scope], claims_challenge=claims or None)
        except (OSError, msal.exceptions.MsalServiceError) as error:  # the latter for a status of 500 and up
            raise _unreached(self._host, error) from None
        except ValueError as error:
            if "authority configuration" in str(error):  # msal's many words for a 4xx of the tenant's address
                error = ValueError(f"{self._authority} does not exist. {REMEDIES['AADSTS90002']}")
            raise SignInError(explain(str(error))) from None
        if "access_token" not in result:
            raise SignInError(explain(str(result.get("error_description") or result.get("error"))))
        return Token(result["access_token"], float(result.get("expires_in", 3600)))

    def _client(self) -> Any:
        """What msal sends with: it trusts what the session to the service trusts, and waits only so long."""
        import requests  # noqa: PLC0415
        from requests.adapters import HTTPAdapter  # noqa: PLC0415

        context = self._context

        class Adapter(HTTPAdapter):
            def init_poolmanager(self, *sizes: Any, **more: Any) -> None:
                super().init_poolmanager(*sizes, **more, ssl_context=context)

            def proxy_manager_for(self, proxy: Any, **more: Any) -> Any:
                return super().proxy_manager_for(proxy, **more, ssl_context=context)

            def cert_verify(self, conn: Any, *_: Any) -> None:
                conn.cert_reqs = "CERT_REQUIRED"  # by the context; requests would add a list of its own

            def send(self, *request: Any, **more: Any) -> Any:
                return super().send(*request, **{**more, "timeout": SIGN_IN_TIMEOUT, "verify": True})

        session = requests.Session()
        session.trust_env = not loopback(urlsplit(self._host).hostname or "")
        session.headers["Connection"] = "close"  # a token is fetched once an hour
        session.mount("https://", Adapter())
        session.mount("http://", Adapter())
        return session


def _unreached(host: str, error: BaseException) -> SignInError:
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


class Keeper:
    """Holds the token of a run and renews it, once for all who ask. clock: seconds, monotonic."""

    def __init__(self, source: Source, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._lock = anyio.Lock()
        self._text = ""
        self._renew_at = 0.0
        self._ends_at = 0.0

    async def current(self) -> str:
        """The token to send now. Raises SignInError."""
        if self._text and self._clock() < self._renew_at:
            return self._text
        async with self._lock:
            if not self._text or self._clock() >= self._renew_at:
                try:
                    await self._fetch("", anew=False)
                except SignInUnreachableError:
                    if self._clock() >= self._ends_at:
                        raise
                    self._renew_at = self._clock() + RENEW_AGAIN  # this one serves until its end
            return self._text

    async def renew(self, refused: str, claims: str) -> str:
        """A token other than the one refused: fetched, unless another has done so. Raises SignInError."""
        async with self._lock:
            if self._text == refused:
                await self._fetch(claims, anew=True)
                if self._text == refused:
                    raise SignInError("The service refuses the token, and no other is to be had.")
            return self._text

    async def _fetch(self, claims: str, *, anew: bool) -> None:
        token = await anyio.to_thread.run_sync(
            lambda: self._source.fetch(claims, anew=anew), abandon_on_cancel=True
        )
        self._text = token.text
        lifetime = float("inf") if token.lifetime is None else token.lifetime
        now = self._clock()
        self._ends_at = now + lifetime
        # A short life (the sandbox's, say) is not worth more than its half.
        self._renew_at = now + max(lifetime - RENEW_BEFORE, lifetime / 2)


def explain(text: str) -> str:
    """An error of the sign-in service as a sentence: its code, its words, the remedy."""
    code = re.search(r"AADSTS\d+", text)
    words = " ".join(text.partition("Trace ID")[0].split())
    remedy = REMEDIES.get(code.group(), "") if code else ""
    return f"Signing in failed. {words} {remedy}".strip()


def source(
    *,
    token: str | None,
    token_file: Path | None,
    client_id: str | None,
    secret: str | None,
    tenant: str | None,
    authority: str,
    endpoint: str,
    ca_file: Path | None,
) -> Source:
    """The way to sign in that the options ask for. Raises UsageError where they ask for none."""
    if token_file is not None:
        return FileToken(token_file)
    if token:
        return FixedToken(token.strip())
    missing = [
        name
        for name, given in (
            ("--tenant", tenant),
            ("--client-id", client_id),
            ("BULKEXO_CLIENT_SECRET in the environment", secret),
        )
        if not given
    ]
    if not client_id or not secret or not tenant:
        raise UsageError(
            f"There is no way to sign in: give {', '.join(missing)}. Or give a token in BULKEXO_TOKEN or "
            "by --token-file; or add --sandbox to run the job on a pretend tenant."
        )
    return SecretApp(
        authority=authority,
        tenant=tenant,
        client_id=client_id,
        secret=secret,
        scope=f"{endpoint}/.default",
        ca_file=ca_file,
    )
