"""The authority, as Microsoft's own msal sees it."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

import msal
import pytest
from anyio import to_thread

from bulkexo.sandbox.aadsts import Answer
from bulkexo.sandbox.authority import Authority, TokenRequest
from bulkexo.sandbox.options import SandboxOptions
from tests.sandbox.helpers import Client, running


@pytest.fixture(autouse=True)
def _no_other_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    """requests prefers these to the file that it is given."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


def _sign_in(client: Client, **changes: str) -> dict[str, Any]:
    served = client.served
    app = msal.ConfidentialClientApplication(
        changes.get("client_id", served.client_id),
        authority=f"{served.authority}/{changes.get('tenant', served.tenant)}",
        client_credential=changes.get("secret", served.client_secret),
        instance_discovery=False,
        verify=served.ca_file,
    )
    found: dict[str, Any] = app.acquire_token_for_client(["https://outlook.office365.com/.default"])
    app.http_client.http_client.close()
    return found


@pytest.mark.anyio
async def test_msal_gets_a_token_that_the_service_accepts() -> None:
    async with running() as client:
        for tenant in (client.served.tenant, client.served.tenant_id):
            answer = await to_thread.run_sync(partial(_sign_in, client, tenant=tenant))
            assert answer["expires_in"] == 3600
            client.headers["Authorization"] = f"Bearer {answer['access_token']}"
            assert (await client.cmdlet("Get-OrganizationConfig")).status == 200
        payload = answer["access_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert claims["tid"] == client.served.tenant_id
        assert claims["aud"] == "https://outlook.office365.com"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("changes", "number", "error"),
    [
        ({"secret": "wrong"}, 7000215, "invalid_client"),
        ({"client_id": "00000000-0000-0000-0000-000000000001"}, 700016, "unauthorized_client"),
    ],
)
async def test_msal_reads_the_refusals(changes: dict[str, str], number: int, error: str) -> None:
    async with running() as client:
        answer = await to_thread.run_sync(lambda: _sign_in(client, **changes))
        assert answer["error"] == error
        assert answer["error_codes"] == [number]
        assert answer["error_description"].startswith(f"AADSTS{number}: ")


@pytest.mark.anyio
async def test_an_unknown_tenant_has_no_discovery() -> None:
    async with running() as client:
        with pytest.raises(ValueError, match="Unable to get authority configuration"):
            await to_thread.run_sync(lambda: _sign_in(client, tenant="fabrikam.onmicrosoft.com"))
        url = f"{client.served.authority}/fabrikam.onmicrosoft.com/v2.0/.well-known/openid-configuration"
        answer = await client.send(url, b"", method="GET")
        assert (answer.status, answer.body["error_codes"]) == (400, [90002])


FORM = {"grant_type": "client_credentials", "scope": "https://x/.default"}
APP = "b01cec0d-5a9d-4b0c-8e10-7e57000000c5"


def _ask(authority: Authority, form: dict[str, str], basic: str = "", now: float = 0.0) -> Answer:
    tenant, origin = "contoso.onmicrosoft.com", "https://localhost"
    return authority.token(TokenRequest(tenant=tenant, form=form, origin=origin, basic=basic, now=now))


@pytest.mark.parametrize(
    ("change", "status", "number"),
    [
        ({"grant_type": "password"}, 400, 70003),
        ({"scope": "https://x/Mail.Read"}, 400, 1002012),
        ({"client_assertion": "x"}, 400, 90014),
        ({"client_secret": ""}, 401, 7000218),
        ({"client_secret": "S"}, 401, 7000215),
        ({"claims": "{"}, 400, 70000),
        ({}, 200, None),
    ],
)
def test_refusals(change: dict[str, str], status: int, number: int | None) -> None:
    authority = Authority(SandboxOptions(secret="s"))
    answer = _ask(authority, {**FORM, "client_id": APP, "client_secret": "s", **change})
    assert answer[0] == status
    assert answer[1].get("error_codes", [None]) == [number]


def test_the_secret_can_come_as_basic_authorization() -> None:
    authority = Authority(SandboxOptions(secret="s+ %"))
    basic = "Basic " + base64.b64encode(f"{APP}:s%2B+%25".encode()).decode()
    assert _ask(authority, FORM, basic)[0] == 200
    assert _ask(authority, FORM, "Basic ?")[0] == 400


def test_tokens_expire() -> None:
    authority = Authority(SandboxOptions(secret="s", token_lifetime=60))
    form = {**FORM, "client_id": APP, "client_secret": "s"}
    token = _ask(authority, form, now=1000.0)[1]["access_token"]
    holder = authority.tokens.holder(f"Bearer {token}", 1059.0)
    assert holder is not None
    assert (holder.tenant_id, holder.audience) == (SandboxOptions().tenant_id, "https://x")
    assert authority.tokens.holder(f"Bearer {token}", 1060.0) is None
    assert authority.tokens.holder(f"Digest {token}", 1000.0) is None
    assert authority.tokens.holder(None, 1000.0) is None
