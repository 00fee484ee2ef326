"""Microsoft's own msal at the sandbox's door."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msal
import requests
from anyio import to_thread
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from bulkexo.sandbox import Announcement, jws
from bulkexo.sandbox.signin_options import SignInOptions
from tests.sandbox.helpers import Client

ADA = "ada@contoso.com"


def options(folder: Path | None = None, **more: Any) -> SignInOptions:
    """Sign-in with files in `folder`, and polls without a pause (0 makes msal ask for ever)."""
    return SignInOptions(credentials=folder, **{"device_interval": 1, **more})


@asynccontextmanager
async def confidential(
    served: Announcement, credential: Any, tenant: str | None = None, **more: Any
) -> AsyncIterator[msal.ConfidentialClientApplication]:
    """The app, by msal."""
    with _session(served) as session:
        yield await to_thread.run_sync(  # it asks for the authority's configuration at once
            lambda: msal.ConfidentialClientApplication(
                served.client_id,
                authority=f"{served.authority}/{tenant or served.tenant}",
                client_credential=credential,
                instance_discovery=False,
                http_client=session,
                **more,
            )
        )


@asynccontextmanager
async def public(
    served: Announcement, tenant: str | None = None, **more: Any
) -> AsyncIterator[msal.PublicClientApplication]:
    """The client of people, by msal."""
    with _session(served) as session:
        yield await to_thread.run_sync(
            lambda: msal.PublicClientApplication(
                served.public_client_id,
                authority=f"{served.authority}/{tenant or served.tenant}",
                instance_discovery=False,
                http_client=session,
                **more,
            )
        )


@contextmanager
def _session(served: Announcement) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = served.ca_file
        yield session


def scope(served: Announcement) -> list[str]:
    """Of the Exchange endpoint."""
    return [f"{served.endpoint}/.default"]


async def for_client(served: Announcement, credential: Any, **more: Any) -> dict[str, Any]:
    """What the app gets with this credential."""
    async with confidential(served, credential, **more) as app:
        found: dict[str, Any] = await in_thread(lambda: app.acquire_token_for_client(scope(served)))
        return found


async def accepted(client: Client, answer: dict[str, Any]) -> int:
    """The status of a cmdlet with this token."""
    client.headers["Authorization"] = f"Bearer {answer['access_token']}"
    return (await client.cmdlet("Get-OrganizationConfig")).status


async def steer(client: Client, path: str, **body: Any) -> Any:
    """POST to `/sandbox/…`."""
    return await client.send(f"{client.served.endpoint}/sandbox/{path}", body)


def claims_of(token: str) -> dict[str, Any]:
    """What a token says."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def codes(answer: dict[str, Any]) -> list[int]:
    """The AADSTS numbers of a refusal."""
    found: list[int] = answer.get("error_codes", [])
    assert all(answer["error_description"].startswith(f"AADSTS{number}: ") for number in found)
    return found


def in_thread(ask: Callable[[], dict[str, Any]]) -> Any:
    """msal blocks: away from the loop of the sandbox."""
    return to_thread.run_sync(ask)


def assertion(key: rsa.RSAPrivateKey, certificate: x509.Certificate, claims: dict[str, Any]) -> str:
    """A client assertion as somebody else would make it."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    return jws.sign(key, {"x5t": jws.encode(certificate.fingerprint(hashes.SHA1()))}, claims)
