"""What goes wrong at the sign-in: by what is asked of it, by options, and on demand."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msal
import pytest
import requests

from bulkexo.sandbox.authority import Authority, TokenRequest
from bulkexo.sandbox.options import CLIENT_ID, SandboxOptions
from tests.sandbox.helpers import Answer, Client, running
from tests.sandbox.signing_in import (
    accepted,
    claims_of,
    codes,
    confidential,
    for_client,
    in_thread,
    options,
    scope,
    steer,
)


def _claims(refused: Answer) -> str:
    """The claims (JSON) of a challenge."""
    challenge = refused.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'error="insufficient_claims"' in challenge
    found = re.search(r'claims="([^"]+)"', challenge)
    assert found is not None
    return base64.b64decode(found[1]).decode()


async def _answered(client: Client, token: dict[str, Any]) -> Answer:
    client.headers["Authorization"] = f"Bearer {token['access_token']}"
    return await client.cmdlet("Get-OrganizationConfig")


Ask = Callable[[str | None], dict[str, Any]]


async def _honoured(client: Client, ask: Ask, revoke: Callable[[], Any]) -> None:
    """A token, its revocation, and the one that takes its place."""
    first = await in_thread(lambda: ask(None))
    assert await accepted(client, first) == 200
    await revoke()
    refused = await _answered(client, first)
    assert refused.status == 401
    assert refused.body["error"]["code"] == "Unauthorized"
    claims = _claims(refused)
    assert json.loads(claims)["access_token"]["nbf"]["essential"] is True
    again = await in_thread(lambda: ask(claims))
    assert again["access_token"] != first["access_token"]
    assert await accepted(client, again) == 200


@pytest.mark.anyio
@pytest.mark.parametrize("capabilities", [None, ["CP1"]])
async def test_a_revoked_token_is_renewed_with_the_claims(
    capabilities: list[str] | None,
) -> None:
    async with running(signin=options()) as client:
        served = client.served
        async with confidential(served, served.client_secret, client_capabilities=capabilities) as app:

            def ask(claims: str | None) -> dict[str, Any]:
                found: dict[str, Any] = app.acquire_token_for_client(scope(served), claims_challenge=claims)
                return found

            await _honoured(client, ask, lambda: steer(client, "tokens/revoke", tenant=served.tenant))
            plain = await for_client(served, served.client_secret)
            assert (await _answered(client, plain)).status == 401


@pytest.mark.anyio
async def test_a_challenge_can_be_due() -> None:
    async with running(signin=options(claims_challenge_after=0.0)) as client:
        refused = await client.cmdlet("Get-OrganizationConfig")
        claims = _claims(refused)
        async with confidential(client.served, client.served.client_secret) as app:
            token = await in_thread(
                lambda: app.acquire_token_for_client(scope(client.served), claims_challenge=claims)
            )
        for _ in range(3):
            assert await accepted(client, token) == 200
        stats = await client.stats()
        assert stats["unauthorized"] == 1


@pytest.mark.anyio
async def test_other_tenants_keep_their_tokens() -> None:
    async with running(signin=options()) as client:
        nobody = await steer(client, "tokens/revoke", tenant="fabrikam.onmicrosoft.com")
        assert (nobody.status, nobody.body["error"]) == (400, "There is no tenant fabrikam.onmicrosoft.com.")
        assert (await client.cmdlet("Get-OrganizationConfig")).status == 200
        await steer(client, "tokens/expire")
        expired = await client.cmdlet("Get-OrganizationConfig")
        assert expired.status == 401
        assert 'error="invalid_token"' in expired.headers["WWW-Authenticate"]


@pytest.mark.anyio
async def test_credentials_are_revoked(tmp_path: Path) -> None:
    async with running(signin=options(tmp_path)) as client:
        served = client.served
        files = served.credentials
        assert files is not None
        federated = (tmp_path / "federated-token.jwt").read_text()
        given: dict[str, Any] = {
            "secret": served.client_secret,
            "certificate": {"private_key_pfx_path": files["open_pfx"]},
            "federated": {"client_assertion": lambda: federated},
        }
        expected = {
            "removed": {"secret": 7000215, "certificate": 700027, "federated": 700211},
            "expired": {"secret": 7000222, "certificate": 700027, "federated": 700024},
        }
        for state, numbers in expected.items():
            for way, number in numbers.items():
                assert (await steer(client, "credentials", **{way: state})).body[way] == state
                assert codes(await for_client(served, given[way])) == [number], way
                assert (await client.cmdlet("Get-OrganizationConfig")).status == 200, "tokens outlive it"
        await steer(client, "sign-in/mend")
        for credential in given.values():
            assert await accepted(client, await for_client(served, credential)) == 200
        assert (await steer(client, "credentials", password="removed")).status == 400
        assert (await steer(client, "credentials", secret="lost")).status == 400


@pytest.mark.anyio
async def test_the_federated_token_on_request(tmp_path: Path) -> None:
    async with running(signin=options(tmp_path)) as client:
        for change, number in (({"subject": "another"}, 700213), ({"lifetime": -3600}, 700024)):
            await steer(client, "federated-token", **change)
            text = (tmp_path / "federated-token.jwt").read_text()
            assert codes(await for_client(client.served, {"client_assertion": lambda: text})) == [number]  # noqa: B023
    async with running() as client:
        assert "--credentials" in (await steer(client, "federated-token")).body["error"]


@pytest.mark.anyio
async def test_credentials_can_end_by_themselves() -> None:
    async with running(signin=options(credentials_revoked_after=0.0)) as client:
        assert (await client.cmdlet("Get-OrganizationConfig")).status == 200
        assert codes(await for_client(client.served, client.served.client_secret)) == [7000215]


@pytest.mark.anyio
async def test_an_outage() -> None:
    async with running() as client:
        served = client.served
        async with confidential(served, served.client_secret) as app:
            await steer(client, "sign-in/down", seconds=600)
            with pytest.raises(msal.exceptions.MsalServiceError, match="503"):
                await in_thread(lambda: app.acquire_token_for_client(scope(served)))
        with pytest.raises(msal.exceptions.MsalServiceError, match="503"):
            await for_client(served, served.client_secret)
        assert (await client.cmdlet("Get-OrganizationConfig")).status == 200
        await steer(client, "sign-in/mend")
        assert "access_token" in await for_client(served, served.client_secret)
        assert (await steer(client, "sign-in/down")).body["error"] == "seconds is missing."


@pytest.mark.parametrize(
    ("moment", "status"), [(0.0, 200), (59.9, 200), (60.0, 503), (89.9, 503), (90.0, 200)]
)
def test_an_outage_can_be_due(moment: float, status: int) -> None:
    authority = Authority(SandboxOptions(secret="s", mailboxes=1, signin=options(down=(60.0, 30.0))))
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": "s"}
    form["scope"] = "https://outlook.office365.com/.default"

    def ask(now: float) -> int:
        origin = "https://localhost"
        request = TokenRequest(tenant="contoso.onmicrosoft.com", form=form, origin=origin, now=now)
        return authority.token(request)[0]

    assert ask(1e9) == 200
    assert ask(1e9 + moment) == status


@pytest.mark.anyio
async def test_refusals_on_demand() -> None:
    async with running() as client:
        served = client.served
        for number, error in (
            (53003, "interaction_required"),
            (50076, "interaction_required"),
            (50126, "invalid_grant"),
        ):
            await steer(client, "sign-in/fail", number=number, times=2)
            for _ in range(2):
                answer = await for_client(served, served.client_secret)
                assert (codes(answer), answer["error"]) == ([number], error)
        assert "access_token" in await for_client(served, served.client_secret)
        assert (await steer(client, "sign-in/fail", number=1)).status == 400
        assert (await client.send(f"{served.endpoint}/sandbox/sign-in/fail", b"[]")).status == 400


@pytest.mark.anyio
async def test_nobody_has_consented() -> None:
    async with running(signed_in=False, signin=options(consent=False)) as client:
        assert codes(await for_client(client.served, client.served.client_secret)) == [65001]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"missing": ("app-role", "directory-role")}, 401),
        ({"missing": ("app-role",)}, 401),
        ({"missing": ("directory-role",)}, 403),
        ({"app_roles": ("Exchange.ManageAsAppV2",)}, 403),
        ({"app_roles": ("Exchange.ManageAsApp",)}, 200),
    ],
)
async def test_what_an_application_lacks(settings: dict[str, Any], status: int) -> None:
    async with running(signin=options(**settings)) as client:
        assert (await client.cmdlet("Get-OrganizationConfig")).status == status
        said = claims_of(client.headers["Authorization"])
        assert ("roles" in said) == ("app-role" not in settings.get("missing", ()))


@pytest.mark.anyio
async def test_a_token_for_another_service_is_refused() -> None:
    async with running() as client:
        async with confidential(client.served, client.served.client_secret) as app:
            token = await in_thread(
                lambda: app.acquire_token_for_client([f"{client.served.compliance}/.default"])
            )
        assert claims_of(token["access_token"])["aud"] == client.served.compliance
        assert await accepted(client, token) == 401


def _managed(client: Client, identity: msal.ManagedIdentity, claims: str | None = None) -> dict[str, Any]:
    with requests.Session() as session:
        session.trust_env = False
        app = msal.ManagedIdentityClient(identity, http_client=session)
        found: dict[str, Any] = app.acquire_token_for_client(
            resource=client.served.endpoint, claims_challenge=claims
        )
        return found


SYSTEM = msal.SystemAssignedManagedIdentity()
STRANGE = msal.UserAssignedManagedIdentity(client_id="00000000-0000-0000-0000-000000000001")


@pytest.mark.anyio
async def test_a_machine_has_identities(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(signin=options(managed_identity=True)) as client:
        places = client.served.managed_identity
        assert places is not None
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", places["imds"])
        own = msal.UserAssignedManagedIdentity(client_id=places["client_id"])
        seen = set()
        for identity in (SYSTEM, own):
            answer = await in_thread(lambda: _managed(client, identity))  # noqa: B023
            assert await accepted(client, answer) == 200
            said = claims_of(answer["access_token"])
            assert said["idtyp"] == "app"
            seen.add(said["appid"])
        assert len(seen) == 2
        assert places["client_id"] in seen
        assert await in_thread(lambda: _managed(client, STRANGE)) == {
            "error": "invalid_request",
            "error_description": "Identity not found",
        }
        await _honoured(
            client, lambda claims: _managed(client, SYSTEM, claims), lambda: steer(client, "tokens/revoke")
        )
        await steer(client, "sign-in/fail", number=53003)
        assert codes(await in_thread(lambda: _managed(client, SYSTEM))) == [53003]
        url = f"{places['imds']}/metadata/identity/oauth2/token"
        async with client.session.get(url, params={"resource": "https://x"}) as bare:
            assert (bare.status, "Required metadata" in await bare.text()) == (400, True)
        async with client.session.get(
            url, params={"resource": "https://x"}, headers={"Metadata": "true"}
        ) as old:
            assert (old.status, "api-version" in await old.text()) == (400, True)
        assert (await client.stats())["tokens_by_managed_identity"] == 4


@pytest.mark.anyio
async def test_an_app_service_has_identities(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(signin=options(managed_identity=True)) as client:
        places = client.served.managed_identity
        assert places is not None
        monkeypatch.setenv("IDENTITY_ENDPOINT", places["app_service"])
        monkeypatch.setenv("IDENTITY_HEADER", places["identity_header"])
        assert await accepted(client, await in_thread(lambda: _managed(client, SYSTEM))) == 200
        answer = await in_thread(lambda: _managed(client, STRANGE))
        assert "No User Assigned" in answer["error_description"]
        await steer(client, "sign-in/fail", number=53003)
        assert "AADSTS53003" in (await in_thread(lambda: _managed(client, SYSTEM)))["error_description"]
        monkeypatch.setenv("IDENTITY_HEADER", "wrong")
        assert "401" in (await in_thread(lambda: _managed(client, SYSTEM)))["error_description"]


@pytest.mark.anyio
async def test_managed_identities_are_not_there_unless_asked_for() -> None:
    async with running() as client:
        assert client.served.managed_identity is None
        url = f"{client.served.endpoint}/metadata/identity/oauth2/token"
        assert (await client.send(url, b"", method="GET", headers={"Metadata": "true"})).status == 404
