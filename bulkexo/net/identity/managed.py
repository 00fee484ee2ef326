"""The identity that Azure gives to the machine itself, by msal: system- or user-assigned."""

from __future__ import annotations

from typing import Any

from bulkexo.model import SignInError, SignInUnreachableError
from bulkexo.net.identity.apps import CAPABILITIES
from bulkexo.net.identity.http import client, told
from bulkexo.net.identity.remedies import refusal
from bulkexo.net.tokens import Token

TIMEOUT = 10.0
"""Seconds to wait for the address that answers on such machines alone, and there at once."""

PLACE = "of managed identities"


class ManagedIdentity:
    """client_id: of the user-assigned identity, None for that of the system. resource: scheme and host."""

    def __init__(self, client_id: str | None, resource: str) -> None:
        self._client_id = client_id
        self._resource = resource
        self._client: Any = None

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """A token; from msal's cache unless `anew`."""
        import msal  # noqa: PLC0415 (a third of a second, for those who need it)

        try:
            with told(PLACE):
                if self._client is None or (anew and not claims):
                    self._client = self._made(msal)
                result = self._client.acquire_token_for_client(
                    resource=self._resource, claims_challenge=claims or None
                )
        except SignInUnreachableError as error:
            raise SignInUnreachableError(
                f"{error} Is this an Azure machine, and does it have a managed identity?"
            ) from None
        if not result or "access_token" not in result:
            raise refusal(result or {})
        try:
            lifetime = float(result.get("expires_in", 3600))
        except ValueError:
            raise SignInError(
                "The managed identity's answer makes no sense. Try again; else restart the machine's agent."
            ) from None
        return Token(result["access_token"], lifetime)

    def _made(self, msal: Any) -> Any:
        chosen = (
            msal.UserAssignedManagedIdentity(client_id=self._client_id)
            if self._client_id
            else msal.SystemAssignedManagedIdentity()
        )
        session = client("", None, proxies=False, timeout=TIMEOUT)
        return msal.ManagedIdentityClient(chosen, http_client=session, client_capabilities=CAPABILITIES)
