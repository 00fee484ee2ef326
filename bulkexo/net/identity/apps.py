"""Apps that sign in for themselves, by msal: with a secret, a certificate, or an assertion from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bulkexo.model import SignInError
from bulkexo.net.identity.http import client, told
from bulkexo.net.identity.remedies import refusal
from bulkexo.net.identity.secrets import read
from bulkexo.net.tokens import Token

CAPABILITIES = ["CP1"]
"""We honour claims challenges, and so may be given tokens that last a day (continuous access evaluation)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What an app proves itself with. for_msal: as msal takes it. hidden: what no message may repeat."""

    for_msal: Any = field(repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Assertion:
    """As msal wants it, something to call: it warns of a bare text, as of one that never changes."""

    text: str = field(repr=False)

    def __call__(self) -> str:
        """The assertion."""
        return self.text


class App:
    """An app and its credential, asked for anew at each sign-in: who renews the file need not stop the run.

    authority: scheme and host of the sign-in service. scope: see wire.hosts.scope.
    """

    def __init__(
        self,
        *,
        authority: str,
        tenant: str,
        client_id: str,
        credential: Callable[[], Credential],
        scope: str,
        ca_file: Path | None,
    ) -> None:
        self._host = authority
        self._authority = f"{authority}/{tenant}"
        self._client_id = client_id
        self._credential = credential
        self._scope = scope
        self._client = client(authority, ca_file)
        self._proof: Credential | None = None
        self._app: Any = None

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """A token of msal's; from its cache unless `anew`, or if little of it is left."""
        import msal  # noqa: PLC0415 (a third of a second, for those who need it)

        proof = self._credential()
        with told(self._host, *proof.hidden):
            if self._app is None or self._proof != proof:
                self._app = msal.ConfidentialClientApplication(
                    self._client_id,
                    client_credential=proof.for_msal,
                    authority=self._authority,
                    instance_discovery=False,
                    http_client=self._client,
                    client_capabilities=CAPABILITIES,
                )
                self._proof = proof
            elif anew:
                self._app.remove_tokens_for_client()
            result = self._app.acquire_token_for_client([self._scope], claims_challenge=claims or None)
        if "access_token" not in result:
            raise refusal(result, *proof.hidden)
        return Token(result["access_token"], float(result.get("expires_in", 3600)))


def secret(text: Callable[[], str | None]) -> Callable[[], Credential]:
    """A secret as credential; `text` reads it."""

    def credential() -> Credential:
        found = text()
        if not found:
            raise SignInError(
                "There is no client secret: set BULKEXO_CLIENT_SECRET, or give --client-secret-file."
            )
        return Credential(found, (found,))

    return credential


def assertion(path: Path) -> Callable[[], Credential]:
    """An assertion that something else keeps fresh in a file, as workload identity does."""

    def credential() -> Credential:
        text = read(path, "an assertion")
        return Credential({"client_assertion": Assertion(text)}, (text,))

    return credential
