"""Several tenants behind one door: their words by tables, their walls over real TLS."""

from __future__ import annotations

import base64
import csv
import io
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msal
import pytest
from anyio import to_thread
from click.testing import CliRunner

from bulkexo.cli.sandbox import sandbox
from bulkexo.sandbox.authority import Authority, TokenRequest
from bulkexo.sandbox.options import CLIENT_ID, Announcement, Budget, OptionError, SandboxOptions, parse_tenant
from tests.sandbox.helpers import AT_ONCE, Client, body, running
from tests.sandbox.test_sandbox_process import process

CONTOSO, FABRIKAM = "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"
FIRST = SandboxOptions(mailboxes=200, latency=AT_ONCE, allowance=40.0, speed=2.0)
ME = {"Identity": "zlovelace3"}
"""An alias that both have: the same seed makes the same people."""
SCOPE = "https://outlook.office365.com/.default"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("", {}),
        (",mailboxes=5", {"mailboxes": 5}),
        (",seed=-7, burst = 2", {"seed": -7, "burst": 2.0}),
        (",allowance=90/min", {"allowance": 1.5}),
        (",allowance=none", {"allowance": None}),
        (",max-concurrent=3", {"max_concurrent": 3}),
        (",budget=2160000,3000000,seed=2", {"budget": Budget(2_160_000, -3_000_000, 300_000), "seed": 2}),
        (",seed=2,budget=1,2,3", {"budget": Budget(1, -2, 3), "seed": 2}),
    ],
)
def test_a_tenant_is_as_the_first_but_for_what_it_says(text: str, changes: dict[str, Any]) -> None:
    assert parse_tenant(FABRIKAM + text, FIRST) == replace(FIRST, domain=FABRIKAM, **changes)
    assert parse_tenant(FABRIKAM.upper() + text, FIRST).domain == FABRIKAM


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' is not a domain"),
        ("mailboxes=5", "'mailboxes=5' is not a domain"),
        ("fabrikam.com,", "'fabrikam.com,' is not a domain"),
        ("fabrikam.com,5", "'fabrikam.com,5' is not a domain"),
        (
            "fabrikam.com,speed=5",
            "Tenant fabrikam.com: there is no key 'speed'. There are: mailboxes, allowance",
        ),
        ("fabrikam.com,domain=x.y", "there is no key 'domain'"),
        ("fabrikam.com,max_concurrent=5", "there is no key 'max_concurrent'"),
        ("fabrikam.com,=5", "there is no key ''"),
        ("fabrikam.com,seed=1,seed=1", "Tenant fabrikam.com: the key seed is there twice."),
        (
            "fabrikam.com,mailboxes=many",
            "Tenant fabrikam.com, mailboxes: 'many' is not understood: write a whole",
        ),
        ("fabrikam.com,mailboxes=0", "'0' is not understood: write a whole number, 1 or more."),
        ("fabrikam.com,mailboxes=none", "'none' is not understood"),
        ("fabrikam.com,mailboxes=5,7", "'5,7' is not understood"),
        ("fabrikam.com,max-concurrent=1.5", "max-concurrent: '1.5' is not understood"),
        ("fabrikam.com,burst=0.5", "burst: '0.5' is not understood: write a number, 1 or more."),
        ("fabrikam.com,burst=nan", "'nan' is not understood"),
        ("fabrikam.com,burst=inf", "'inf' is not understood"),
        ("fabrikam.com,seed=", "seed: '' is not understood: write a whole number."),
        (
            "fabrikam.com,allowance=fast",
            "Tenant fabrikam.com, allowance: The allowance 'fast' is not understood",
        ),
        ("fabrikam.com,budget=1", "budget: The budget '1' is not understood"),
    ],
)
def test_a_tenant_that_is_none_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_tenant(text, FIRST)
    assert sentence in str(caught.value)
    result = CliRunner().invoke(sandbox, ["--tenant", text])
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


@pytest.mark.parametrize("domains", [[CONTOSO], [FABRIKAM, "x.example", FABRIKAM.upper()]])
def test_no_tenant_is_there_twice(domains: list[str]) -> None:
    words = [word for domain in domains for word in ("--tenant", domain)]
    result = CliRunner().invoke(sandbox, words)
    assert result.exit_code == 2
    assert f"The tenant {domains[0]} is there twice" in " ".join(result.output.split())


@pytest.mark.parametrize("by_guid", [False, True])
@pytest.mark.parametrize("number", [0, 1])
def test_a_token_names_its_tenant(number: int, *, by_guid: bool) -> None:
    options = replace(FIRST, secret="s", others=(parse_tenant(FABRIKAM, FIRST),))
    authority, tenant = Authority(options), options.tenants[number]
    form = {
        "grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": "s", "scope": SCOPE,
    }  # fmt: skip
    name = tenant.tenant_id.upper() if by_guid else tenant.domain.title()
    status, answer = authority.token(TokenRequest(tenant=name, form=form, origin="https://h", now=1000.0))
    assert status == 200
    holder = authority.tokens.holder(f"Bearer {answer['access_token']}", 1000.0)
    assert holder is not None
    assert holder.tenant_id == tenant.tenant_id
    assert _claims(answer)["tid"] == tenant.tenant_id
    assert authority.tokens.issued == {tenant.tenant_id: 1}
    issuer = authority.configuration("https://h", name)[1]["issuer"]
    assert issuer == f"https://h/{tenant.tenant_id}/v2.0"


def _claims(answer: dict[str, Any]) -> dict[str, Any]:
    payload = answer["access_token"].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def _two(**changes: Any) -> dict[str, Any]:
    """Options of two tenants, the second with `changes`."""
    common = SandboxOptions(mailboxes=200, latency=AT_ONCE)
    return {"others": (replace(common, domain=FABRIKAM, **changes),)}


async def _second(client: Client) -> Client:
    """The second tenant's client, signed in."""
    served = client.served.tenants[1]
    announced = replace(client.served, tenant=served.tenant, tenant_id=served.tenant_id)
    second = Client(announced, client.session)
    await second.sign_in()
    return second


@pytest.mark.anyio
async def test_what_is_written_in_one_is_not_seen_in_the_other(tmp_path: Path) -> None:
    journal, arrivals = tmp_path / "journal.ndjson", tmp_path / "arrivals.ndjson"
    async with running(journal=journal, arrivals=arrivals, **_two(mailboxes=150)) as client:
        second = await _second(client)
        for each, city in ((client, "Bonn"), (second, "Turin")):
            responses = await each.batch([each.item("1", "Set-User", {**ME, "City": city})])
            assert responses["1"]["status"] == 200
        for each, city in ((client, "Bonn"), (second, "Turin")):
            for name in (each.served.tenant.upper(), each.served.tenant_id.upper()):
                url = each.url("InvokeCommand", tenant=name)
                (user,) = (await each.send(url, body("Get-User", ME))).value
                assert user["City"] == city
                assert user["UserPrincipalName"].endswith(f"@{each.served.tenant.split('.')[0]}.com")
            mailboxes = (await each.cmdlet("Get-Mailbox", {"ResultSize": "Unlimited"})).value
            assert len(mailboxes) == (200 if each is client else 150)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["tenant"] for line in lines] == [each.tenant_id for each in client.served.tenants]
    assert [line["parameters"]["City"] for line in lines] == ["Bonn", "Turin"]
    came = [json.loads(line) for line in arrivals.read_text().splitlines()]
    first, other = (each.tenant_id for each in client.served.tenants)
    assert [line["tenant"] for line in came if line["cmdlet"] == "Set-User"] == [first, other]


@pytest.mark.anyio
async def test_a_token_is_good_for_its_own_tenant_only(tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    async with running(journal=journal, **_two()) as client:
        second = await _second(client)
        write = {**ME, "City": "Bonn"}
        for mine, other in ((client, second), (second, client)):
            for name in (other.served.tenant, other.served.tenant_id):
                url = mine.url("InvokeCommand", tenant=name)
                answer = await mine.send(url, body("Set-User", write))
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"].startswith("Bearer client_id=")
                assert (await mine.send(mine.url("$batch", tenant=name), {"requests": []})).status == 401
                item = {**mine.item("1", "Set-User", write), "url": url}
                assert (await mine.batch([item]))["1"]["status"] == 401
            foreign = other.item("1", "Set-User", write)
            assert (await mine.batch([foreign]))["1"]["status"] == 403
            unknown = mine.url("InvokeCommand", tenant="adatum.onmicrosoft.com")
            assert (await mine.send(unknown, body("Set-User", write))).status == 403
        assert not journal.read_text()
        stats = await client.stats()
        assert [stats["tenants"][name]["unauthorized"] for name in (CONTOSO, FABRIKAM)] == [6, 6]


@pytest.mark.anyio
async def test_one_that_is_throttled_does_not_throttle_the_other() -> None:
    async with running(**_two(allowance=0.01, burst=2, throttle_style="whole")) as client:
        second = await _second(client)
        for each, statuses in ((second, [200, 200, 429, 429]), (client, [200] * 4), (second, [429])):
            assert [(await each.cmdlet("Get-Mailbox", ME)).status for _ in statuses] == statuses
        stats = await client.stats()
        free, throttled = stats["tenants"][CONTOSO], stats["tenants"][FABRIKAM]
        assert (free["requests"], throttled["requests"], stats["requests"]) == (4, 5, 9)
        assert (free["items_run"], throttled["items_run"], stats["items_run"]) == (4, 2, 6)
        assert throttled["throttled_items"] == stats["throttled_items"] == 3
        assert "throttled_items" not in free


@pytest.mark.anyio
async def test_totals_are_of_all_tenants_and_of_requests_to_none() -> None:
    async with running(budget=Budget(1, -9_000, 500), **_two(budget=Budget(1, -9_000, 200))) as client:
        await _second(client)
        nowhere = client.url("InvokeCommand", tenant="adatum.onmicrosoft.com")
        await client.send(nowhere, body("Get-Mailbox", ME))
        stats = await client.stats()
        assert list(stats["tenants"]) == [CONTOSO, FABRIKAM]
        assert (stats["requests"], stats["tokens_issued"], stats["in_flight"]) == (1, 2, 0)
        balances = [each["budget_balance_ms"] for each in stats["tenants"].values()]
        assert (balances, stats["budget_balance_ms"]) == ([500, 200], 200)
        assert [each["tokens_issued"] for each in stats["tenants"].values()] == [1, 1]


@pytest.mark.anyio
async def test_a_cursor_belongs_to_its_tenant() -> None:
    async with running(**_two()) as client:
        second = await _second(client)
        link = (await client.cmdlet("Get-Mailbox")).body["@odata.nextLink"]
        there = link.replace(CONTOSO, FABRIKAM)
        answer = await second.send(there, body("Get-Mailbox"))
        assert answer.status == 400
        assert answer.body["error"]["message"] == "Expired or Invalid pagination request"
        assert (await client.send(link, body("Get-Mailbox"))).status == 200


def _msal(served: Announcement, tenant: str) -> dict[str, Any]:
    app = msal.ConfidentialClientApplication(
        served.client_id,
        authority=f"{served.authority}/{tenant}",
        client_credential=served.client_secret,
        instance_discovery=False,
        verify=served.ca_file,
    )
    found: dict[str, Any] = app.acquire_token_for_client([SCOPE])
    app.http_client.http_client.close()
    return found


@pytest.mark.anyio
async def test_msal_signs_in_to_both_with_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    async with running(**_two()) as client:
        for served in client.served.tenants:
            for name in (served.tenant, served.tenant_id):
                answer = await to_thread.run_sync(partial(_msal, client.served, name))
                assert _claims(answer)["tid"] == served.tenant_id
                client.headers["Authorization"] = f"Bearer {answer['access_token']}"
                for each in client.served.tenants:
                    url = client.url("InvokeCommand", tenant=each.tenant)
                    status = (await client.send(url, body("Get-OrganizationConfig"))).status
                    assert status == (200 if each is served else 401)


def test_the_line_and_the_words_name_all_tenants(tmp_path: Path) -> None:
    further = ("--tenant", f"{FABRIKAM},mailboxes=1500", "--tenant", "adatum.example")
    with process(tmp_path, "--json", "--stop-with-stdin", *further) as started:
        assert started.stdout is not None
        said = json.loads(started.stdout.readline())
        _, words = started.communicate("", timeout=10)
    domains = (CONTOSO, FABRIKAM, "adatum.example")
    assert said["tenants"] == [
        {"tenant": domain, "tenant_id": SandboxOptions(domain=domain).tenant_id} for domain in domains
    ]
    assert {"tenant": said["tenant"], "tenant_id": said["tenant_id"]} == said["tenants"][0]
    assert f"A pretend tenant, {CONTOSO}, with 50 mailboxes and 10 groups, is served at" in words
    assert f"Beside it, with the same client: {FABRIKAM}, with 1,500 mailboxes and 60 groups.\n" in words
    assert "Beside it, with the same client: adatum.example, with 50 mailboxes and 10 groups.\n" in words
    assert f"BULKEXO_TENANT='{CONTOSO}'" in words or f'BULKEXO_TENANT = "{CONTOSO}"' in words


def test_a_list_of_several_tenants_says_whose_each_mailbox_is() -> None:
    words = ["--mailboxes", "3", "--list-mailboxes", "-"]
    alone = CliRunner().invoke(sandbox, words).output.splitlines()
    output = CliRunner().invoke(sandbox, [*words, "--tenant", f"{FABRIKAM},mailboxes=2,seed=5"]).output
    rows = list(csv.DictReader(io.StringIO(output)))
    assert [row["Tenant"] for row in rows] == [CONTOSO] * 3 + [FABRIKAM] * 2
    domains = [row["UserPrincipalName"].partition("@")[2] for row in rows]
    assert domains == ["contoso.com"] * 3 + ["fabrikam.com"] * 2
    assert output.splitlines()[:4] == [f"Tenant,{alone[0]}"] + [f"{CONTOSO},{line}" for line in alone[1:]]
