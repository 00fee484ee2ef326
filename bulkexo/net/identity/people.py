"""People who sign in, by msal: by a code on another device or in a browser, once; from then on silently."""

from __future__ import annotations

from typing import Any

from bulkexo.connection import Auth, Connection
from bulkexo.model import SignInError
from bulkexo.net.identity.apps import CAPABILITIES
from bulkexo.net.identity.cache import kept
from bulkexo.net.identity.http import client, told
from bulkexo.net.identity.remedies import refusal
from bulkexo.net.identity.secrets import Person, Secrets
from bulkexo.net.tokens import Token

PUBLIC_CLIENT = "fb78d390-0c51-40cd-8e17-fdbfab77341b"
"""The app of Microsoft's own module, known in every tenant (protocol.md, Identity)."""

ANY_TENANT = "organizations"
BROWSER_LIMIT = 300
"""Seconds that a person has to sign in in the browser."""

FIRST = "Sign in first: bulkexo login."


class People:
    """Somebody who has signed in, or does so now if they are at the terminal.

    way: by which they sign in where they must. scope: see wire.hosts.scope. cache: msal's, to keep them in;
    None for the one that has been kept, or else for the length of this process.
    """

    def __init__(
        self, connection: Connection, way: Auth, scope: str, secrets: Secrets, cache: Any = None
    ) -> None:
        self._connection = connection
        self._way = way
        self._scope = scope
        self._secrets = secrets
        self._cache = cache
        self._person = secrets.person
        self._client_id = connection.client_id or PUBLIC_CLIENT
        self._client = client(connection.authority, connection.ca_file)
        self._made: Any = None

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """A token for who has signed in; the first one may ask the person at the terminal to do so."""
        person, self._person = self._person, None  # later on the screen is the run's
        with told(self._connection.authority):
            result = self._silent(claims, anew=anew)
            if person is not None and "access_token" not in (result or {}):
                self._interactive(person)
                result = self._silent("", anew=False)
        if result is None:
            raise SignInError(f"Nobody is signed in{self._where()}. {FIRST}")
        return _token(result)

    def sign_in(self, person: Person) -> str:
        """Sign in whoever is at the terminal, whoever has done so before; their name."""
        with told(self._connection.authority):
            return self._interactive(person)

    def sign_out(self) -> list[str]:
        """Forget whom the connection names, or everybody; their names."""
        with told(self._connection.authority):
            return self._forget(self._connection.account)

    def known(self) -> bool:
        """Whether anybody is still signed in by this app."""
        return bool(self._app.get_accounts())

    @property
    def _app(self) -> Any:
        import msal  # noqa: PLC0415 (a third of a second, for those who need it)

        if self._made is None:
            connection = self._connection
            key = f"{connection.authority} {self._client_id}"
            if key not in self._secrets.sessions:
                self._secrets.sessions[key] = self._cache or kept() or msal.TokenCache()
            self._made = msal.PublicClientApplication(
                self._client_id,
                authority=f"{connection.authority}/{connection.tenant or ANY_TENANT}",
                instance_discovery=False,
                http_client=self._client,
                token_cache=self._secrets.sessions[key],
                client_capabilities=CAPABILITIES,
            )
        return self._made

    def _silent(self, claims: str, *, anew: bool) -> Any:
        """msal's answer without asking anybody; None if nobody is known."""
        accounts = self._accounts()
        if not accounts:
            return None
        if len(accounts) > 1:
            names = ", ".join(sorted(str(account["username"]) for account in accounts))
            raise SignInError(
                f"Several people are signed in{self._where()}: say with --account who ({names})."
            )
        return self._app.acquire_token_silent_with_error(
            [self._scope], accounts[0], force_refresh=anew, claims_challenge=claims or None
        )

    def _accounts(self) -> list[Any]:
        """Those known who can be meant: of the name, else of the tenant where several are known."""
        name = self._connection.account or self._secrets.answers.get(self._who)
        accounts: list[Any] = self._app.get_accounts(username=name)
        if len(accounts) < 2 or not self._connection.tenant:
            return accounts
        tenant = self._connection.tenant.lower()
        return [account for account in accounts if tenant in _tenants(account)] or accounts

    def _interactive(self, person: Person) -> str:
        """Sign in a person, who is meant from then on; their name."""
        result = self._asked(person)
        _token(result)
        name = str(result.get("id_token_claims", {}).get("preferred_username") or "")
        wanted = self._connection.account
        if wanted and name.lower() != wanted.lower():
            self._forget(name)
            raise SignInError(
                f"{name or 'Somebody else'} has signed in, and {wanted} was meant. Sign in again as them, "
                "or give another --account."
            )
        self._secrets.answers[self._who] = name
        return name

    def _forget(self, name: str | None) -> list[str]:
        accounts: list[Any] = self._app.get_accounts(username=name)
        for account in accounts:
            self._app.remove_account(account)
        return [str(account["username"]) for account in accounts]

    def _asked(self, person: Person) -> Any:
        if self._way is Auth.BROWSER:
            person.tell("Sign in in the browser window that opens now.")
            return self._app.acquire_token_interactive(
                [self._scope],
                login_hint=self._connection.account,
                timeout=BROWSER_LIMIT,
                auth_uri_callback=lambda uri: person.tell(f"If none opens, go to {uri}"),
            )
        flow = self._app.initiate_device_flow([self._scope])
        if "user_code" not in flow:
            return flow
        person.tell(str(flow["message"]))
        return self._app.acquire_token_by_device_flow(flow)

    @property
    def _who(self) -> str:
        """Under what the one who has signed in is remembered, for all services of the tenant."""
        return f"account {self._connection.authority} {self._connection.tenant} {self._client_id}"

    def _where(self) -> str:
        tenant, account = self._connection.tenant, self._connection.account
        return (f" to {tenant}" if tenant else "") + (f" as {account}" if account else "")


def _tenants(account: Any) -> set[str]:
    """The home tenant's GUID, and the domain of the name."""
    home, name = str(account.get("home_account_id", "")), str(account["username"])
    return {home.rpartition(".")[2].lower(), name.rpartition("@")[2].lower()}


def _token(result: Any) -> Token:
    if "access_token" not in result:
        raise refusal(result)
    return Token(result["access_token"], float(result.get("expires_in", 3600)))
