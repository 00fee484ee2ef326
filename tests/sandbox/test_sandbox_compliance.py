"""Security & Compliance: sent on to a region with token and cookie, and then its own cmdlets only."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bulkexo.sandbox.sites import Service, Site
from tests.sandbox.helpers import Answer, Bench, Client, body, error_of, objects, running, warnings_of

pytestmark = pytest.mark.anyio
SCOPE = "https://ps.compliance.protection.outlook.com/.default"
HASH = "#Exchange.GenericHashTable"


def at(client: Client, region: str = "", endpoint: str = "InvokeCommand") -> str:
    """The endpoint at the compliance host, or at a region of it."""
    host = (
        client.served.compliance.replace("https://", f"https://{region}.")
        if region
        else client.served.compliance
    )
    return f"{host}/adminapi/beta/{client.served.tenant}/{endpoint}"


async def ask(
    client: Client, name: str, parameters: dict[str, Any] | None = None, region: str = "eur01b"
) -> Answer:
    return await client.send(at(client, region), body(name, parameters))


async def test_the_first_call_is_sent_on_to_a_region_with_a_cookie() -> None:
    async with running() as client:
        await client.sign_in(SCOPE)
        first = await client.send(at(client), body("Get-ComplianceCase"))
        assert first.status == 302
        path = f"/adminapi/beta/{client.served.tenant}/InvokeCommand"
        assert first.headers["Location"] == f"https://eur01b.admin.localhost:446{path}"
        assert "Domain=localhost" in first.headers["Set-Cookie"]
        assert (await ask(client, "Get-ComplianceCase")).value == []
        client.session.cookie_jar.clear()
        assert (await ask(client, "Get-ComplianceCase")).status == 302, "the cookie has to come along"
        assert (await client.stats())["redirected"] == 2


async def test_another_region_is_sent_to_the_right_one() -> None:
    async with running(region="nam02") as client:
        await client.sign_in(SCOPE)
        first = await client.send(at(client), body("Get-ComplianceCase"))
        assert first.headers["Location"].startswith("https://nam02.admin.localhost:446/adminapi/")
        assert (await ask(client, "Get-ComplianceCase", region="nam02")).status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await ask(client, "Get-ComplianceCase", region="eur01b")


async def test_each_service_has_its_own_audience() -> None:
    async with running() as client:
        exchange = client.headers
        assert (await client.send(at(client), body("Get-ComplianceCase"))).status == 401
        for scope in (SCOPE, f"{client.served.compliance}/.default"):
            await client.sign_in(scope)
            assert (await client.send(at(client), body("Get-ComplianceCase"))).status == 302
            refused = await client.cmdlet("Get-Mailbox")
            assert refused.status == 401
            assert "audience" in refused.body["error"]["message"]
        client.headers = exchange
        assert (await client.cmdlet("Get-Mailbox")).status == 200


async def test_each_service_has_its_own_cmdlets() -> None:
    async with running() as client:
        with pytest.raises(aiohttp.ClientPayloadError):
            await client.cmdlet("Get-ComplianceCase")
        await client.sign_in(SCOPE)
        await client.send(at(client), body("Get-ComplianceCase"))
        with pytest.raises(aiohttp.ClientPayloadError):
            await ask(client, "Get-Mailbox")


async def test_its_module_file_names_its_own_cmdlets_and_it_has_no_entities() -> None:
    async with running() as client:
        await client.sign_in(SCOPE)
        await client.send(at(client), body("Get-ComplianceCase"))
        url = at(client, "eur01b", "EXOModuleFile").replace("/beta/", "/v1.0/")
        exported = (await client.send(url, b"", method="GET")).value[0]["exportedCmdlets"].split(",")
        assert "Get-ComplianceCase" in exported
        assert "Get-Mailbox" not in exported
        assert (await client.send(at(client, "eur01b", "Mailbox"), b"", method="GET")).status == 404


async def test_batches_go_there_as_well() -> None:
    async with running() as client:
        await client.sign_in(SCOPE)
        items = []
        for number in range(3):
            item = client.item(str(number), "New-ComplianceCase", {"Name": f"Case {number}"})
            items.append({**item, "url": at(client, "eur01b")})
        assert (await client.send(at(client, "", "$batch"), {"requests": items})).status == 302
        answer = await client.send(at(client, "eur01b", "$batch"), {"requests": items})
        assert {response["status"] for response in answer.body["responses"]} == {200}
        assert len((await ask(client, "Get-ComplianceCase")).value) == 3


@pytest.fixture
def purview() -> Bench:
    """A tenant of 200 mailboxes."""
    return Bench()


def test_mailboxes_come_to_a_policy_and_leave_it(purview: Bench) -> None:
    (made,) = objects(purview("New-RetentionCompliancePolicy", Name="Seven years", Comment="HR"))
    assert made["ExchangeLocation"] == []
    me, you = (f"mailbox{number}@contoso.onmicrosoft.com" for number in (3, 4))
    purview("Set-RetentionCompliancePolicy", Identity=made["Guid"], AddExchangeLocation=[me, you])
    policy = purview.get("Get-RetentionCompliancePolicy", "seven years")
    assert len(policy["ExchangeLocation"]) == 2
    again = purview("Set-RetentionCompliancePolicy", Identity="Seven years", AddExchangeLocation=[me])
    assert "no settings of" in warnings_of(again)[0]
    purview("Set-RetentionCompliancePolicy", Identity="Seven years", RemoveExchangeLocation=[you])
    assert len(purview.get("Get-RetentionCompliancePolicy", "Seven years")["ExchangeLocation"]) == 1
    wrong = purview("Set-RetentionCompliancePolicy", Identity="Seven years", AddExchangeLocation=["no@x.y"])
    assert error_of(wrong)[:2] == (404, "ManagementObjectNotFoundException")


def test_what_belongs_to_another_needs_it_and_goes_with_it(purview: Bench) -> None:
    orphan = purview("New-CaseHoldPolicy", Name="Hold", Case="Case 1")
    assert error_of(orphan)[1] == "ManagementObjectNotFoundException"
    purview("New-ComplianceCase", Name="Case 1")
    purview("New-CaseHoldPolicy", Name="Hold", Case="Case 1", ExchangeLocation=["All"])
    purview("New-CaseHoldRule", Name="Rule", Policy="Hold", ContentMatchQuery="budget")
    purview("New-ComplianceSearch", Name="Search", Case="Case 1", ExchangeLocation=["All"])
    assert [rule["Name"] for rule in objects(purview("Get-CaseHoldRule", Policy="Hold"))] == ["Rule"]
    purview("Set-ComplianceCase", Identity="Case 1", Close=True)
    assert purview.get("Get-ComplianceCase", "Case 1")["Status"] == "Closed"
    purview("Start-ComplianceSearch", Identity="Search")
    assert purview.get("Get-ComplianceSearch", "Search")["Items"] == 1400
    purview("Remove-ComplianceCase", Identity="Case 1")
    assert objects(purview("Get-CaseHoldPolicy")) == objects(purview("Get-ComplianceSearch")) == []


def test_a_name_is_there_once_and_can_change(purview: Bench) -> None:
    purview("New-ComplianceCase", Name="One")
    assert error_of(purview("New-ComplianceCase", Name="one"))[1] == "ADObjectAlreadyExistsException"
    purview("Set-ComplianceCase", Identity="One", Name="Two")
    assert error_of(purview("Set-ComplianceCase", Identity="One", Name="Three"))[0] == 404
    assert purview.get("Get-ComplianceCase", "Two")["Name"] == "Two"


def test_arrays_of_hashtables_and_bytes(purview: Bench) -> None:
    """`protocol.md`, "Second reading: Values"."""
    purview("New-RetentionCompliancePolicy", Name="P")
    kinds = [{"@odata.type": HASH, "Name": "Credit Card Number", "Nested": {"@odata.type": HASH, "a": 1}}]
    note = {"ContentContainsSensitiveInformation@odata.type": f"#Collection({HASH[1:]})"}

    def rule(**given: Any) -> Any:
        return purview("New-RetentionComplianceRule", Policy="P", Name="R", **given)

    bare = [{"Name": "x"}]
    deep = [{"@odata.type": HASH, "Nested": {"a": 1}}]
    for given in (
        {"ContentContainsSensitiveInformation": kinds},
        {"ContentContainsSensitiveInformation": bare, **note},
        {"ContentContainsSensitiveInformation": deep, **note},
    ):
        assert error_of(rule(**given))[:2] == (400, "ParameterTransformationException")
    (made,) = objects(rule(ContentContainsSensitiveInformation=kinds, **note))
    assert made["ContentContainsSensitiveInformation"] == [{"Name": "Credit Card Number", "Nested": {"a": 1}}]
    data = list("chalk\r\ncheese".encode("utf-16-le"))
    for wrong in (data, "AAA=", {"Data": data}, {"@odata.type": "#Exchange.ByteArrayType", "Data": [256]}):
        refused = purview("New-DlpKeywordDictionary", Name="D", FileData=wrong)
        assert error_of(refused)[:2] == (400, "ParameterTransformationException")
    given_bytes = {"@odata.type": "#Exchange.ByteArrayType", "Data": data}
    (made,) = objects(purview("New-DlpKeywordDictionary", Name="D", FileData=given_bytes))
    assert made["KeywordDictionary"] == "chalk\r\ncheese"


@pytest.mark.parametrize(
    ("host", "cookie", "stays"),
    [
        ("localhost:5", "eur01b", False),
        ("127.0.0.1:5", "eur01b", False),
        ("eur01b.localhost:5", "eur01b", True),
        ("EUR01B.localhost:5", "eur01b", True),
        ("eur01b.localhost:5", None, False),
        ("eur01b.localhost:5", "nam02", False),
        ("nam02.localhost:5", "nam02", False),
        ("eur01b.admin.localhost:446", "eur01b", False),
    ],
)
def test_who_is_sent_on(host: str, cookie: str | None, stays: bool) -> None:
    assert (Site(Service.COMPLIANCE, "eur01b").sends_on(host, "/x?y", cookie) is None) == stays
    assert Site(Service.EXCHANGE, "eur01b").sends_on(host, "/x?y", cookie) is None
