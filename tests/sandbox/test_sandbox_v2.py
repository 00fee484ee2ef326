"""`adminapi/v2.0`: six endpoints, their cmdlets, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from bulkexo.sandbox.accounts import User
from bulkexo.sandbox.gate import Api, Gate
from bulkexo.sandbox.options import CLIENT_ID, PUBLIC_CLIENT
from bulkexo.sandbox.signin_options import SignInOptions
from bulkexo.sandbox.tokens import Holder
from tests.sandbox.helpers import Answer, Client, body, running

pytestmark = pytest.mark.anyio
ME = "mailbox3@contoso.onmicrosoft.com"


async def ask(
    client: Client, endpoint: str, name: str, parameters: dict[str, Any] | None = None, query: str = ""
) -> Answer:
    return await client.send(client.url(endpoint, "v2.0") + query, body(name, parameters))


@pytest.mark.parametrize(
    ("endpoint", "name", "parameters"),
    [
        ("OrganizationConfig", "Get-OrganizationConfig", {}),
        ("AcceptedDomain", "Get-AcceptedDomain", {}),
        ("mailbox", "get-mailbox", {"Identity": ME}),
        (
            "Mailbox",
            "Set-Mailbox",
            {"Identity": ME, "GrantSendOnBehalfTo": ["mailbox4@contoso.onmicrosoft.com"]},
        ),
        ("MailboxFolderPermission", "Get-MailboxFolderPermission", {"Identity": ME + ":\\Calendar"}),
        (
            "DistributionGroupMember",
            "Get-DistributionGroupMember",
            {"Identity": "group1@contoso.onmicrosoft.com"},
        ),
        ("DynamicDistributionGroupMember", "Get-DynamicDistributionGroupMember", {"Identity": "all-sales"}),
    ],
)
async def test_each_endpoint_runs_its_own(endpoint: str, name: str, parameters: dict[str, Any]) -> None:
    async with running() as client:
        answer = await ask(client, endpoint, name, parameters)
        assert answer.status == 200, answer.body
        assert "/adminapi/v2.0/" in answer.body["@odata.context"]
        assert (await client.send(client.url(endpoint, "v2.0"), b"", method="GET")).status == 405


async def test_what_is_not_its_own_is_refused() -> None:
    async with running() as client:
        for endpoint, name in (
            ("Mailbox", "Get-User"),
            ("AcceptedDomain", "Get-Mailbox"),
            ("Mailbox", "Get-EXOMailbox"),
        ):
            refused = await ask(client, endpoint, name)
            assert refused.status == 400
            assert "isn't supported by the endpoint" in refused.body["error"]["message"]
        narrow = await ask(client, "Mailbox", "Set-Mailbox", {"Identity": ME, "CustomAttribute1": "x"})
        assert (narrow.status, narrow.error_type) == (400, "ParameterBindingException")
        for endpoint in ("InvokeCommand", "$batch", "User", "Mailbox/x"):
            assert (await ask(client, endpoint, "Get-Mailbox")).status == 404
        assert (await ask(client, "Mailbox", "Get-Mailbox", {"Identity": "no@x.y"})).status == 404


async def test_pages_of_a_thousand() -> None:
    async with running(mailboxes=2300) as client:
        client.headers.pop("Prefer")
        sizes, link = [], client.url("Mailbox", "v2.0") + "?$select=Alias"
        while link:
            answer = await client.send(link, body("Get-Mailbox", {"ResultSize": "Unlimited"}))
            sizes.append(len(answer.value))
            assert answer.value[0].keys() == {"Alias"}
            link = answer.body.get("@odata.nextLink", "")
            assert not link or "/adminapi/v2.0/" in link
        assert sizes == [1000, 1000, 300]
        few = await ask(client, "Mailbox", "Get-Mailbox", {"ResultSize": 7})
        assert len(few.value) == 7


async def test_an_app_for_v2_alone_gets_nothing_else() -> None:
    async with running(signin=SignInOptions(app_roles=("Exchange.ManageAsAppV2",))) as client:
        assert (await ask(client, "AcceptedDomain", "Get-AcceptedDomain")).status == 200
        assert (await client.cmdlet("Get-AcceptedDomain")).status == 403
        assert (await client.send(client.url("Mailbox"), b"", method="GET")).status == 403
    async with running(signin=SignInOptions(app_roles=("Exchange.ManageAsApp",))) as client:
        assert (await ask(client, "AcceptedDomain", "Get-AcceptedDomain")).status == 403
        assert (await client.cmdlet("Get-AcceptedDomain")).status == 200


ADA = User("ada@contoso.com", "tenant")


@pytest.mark.parametrize(
    ("holder", "cmdlets", "v2"),
    [
        ({"roles": ("Exchange.ManageAsApp",)}, True, False),
        ({"roles": ("Exchange.ManageAsAppV2",)}, False, True),
        ({"roles": ("Exchange.ManageAsApp", "Exchange.ManageAsAppV2")}, True, True),
        ({"roles": ("Mail.Read",)}, False, False),
        ({"user": ADA}, True, True),
        ({"user": ADA, "client": PUBLIC_CLIENT}, True, False),
        ({"user": ADA, "directory_role": False}, False, False),
        ({}, False, False),
    ],
)
def test_a_token_for_one_api_does_not_open_the_other(holder: dict[str, Any], cmdlets: bool, v2: bool) -> None:
    shown = Holder(**{"tenant_id": "tenant", "audience": "https://x", "client": CLIENT_ID, **holder})
    assert [Gate.refused(shown, api) is None for api in (Api.CMDLETS, Api.V2)] == [cmdlets, v2]
