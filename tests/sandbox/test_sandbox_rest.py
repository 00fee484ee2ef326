"""The REST-only cmdlets: InvokeCommand refuses them, GETs answer them."""

from __future__ import annotations

import base64
import json
from importlib import resources
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from bulkexo.sandbox.faults import parse_faults
from bulkexo.sandbox.odata import opath, parse_question
from tests.sandbox.helpers import Answer, Bench, Client, error_of, objects, running

pytestmark = pytest.mark.anyio
ME = "mailbox3@contoso.onmicrosoft.com"
YOU = "mailbox4@contoso.onmicrosoft.com"


async def get(
    client: Client, path: str, headers: dict[str, str | None] | None = None, version: str = "beta"
) -> Answer:
    """A GET below the tenant, or of a link."""
    url = path if path.startswith("https:") else client.url(path, version)
    return await client.send(url, b"", method="GET", headers=headers)


def coded(text: str) -> str:
    """An identity in base64, as it stands in a path."""
    return quote(base64.b64encode(text.encode()).decode(), safe="")


async def test_invoke_command_does_not_run_them() -> None:
    async with running() as client:
        for name in ("Get-EXOMailbox", "Get-EXOMailboxStatistics", "Get-EXORecipientPermission"):
            with pytest.raises(aiohttp.ClientPayloadError):
                await client.cmdlet(name, {"Identity": ME})


async def test_one_object_by_a_plain_name_or_in_base64() -> None:
    async with running() as client:
        plain = await get(client, f"Mailbox('{ME}')", version="v1.0")
        assert plain.body["@odata.context"].endswith(f"$metadata#Mailbox('{ME}')/$entity")
        assert "value" not in plain.body
        guid = plain.body["Guid"]
        for path in (f"Mailbox('{coded(guid)}')?IsEncoded=True", f"mailbox('{coded(ME)}')?isencoded=true"):
            assert (await get(client, path)).body["Guid"] == guid
        headers: dict[str, str | None] = {"XParameter-Identity": base64.b64encode(ME.encode()).decode()}
        found = await get(client, "Recipient?$select=Guid&ReadIdsAndParamsFromHeaders=True", headers)
        assert found.value == [{"Guid": guid}]
        missing = await get(client, "Mailbox('no@x.y')")
        assert missing.status == 404
        assert missing.error_type == "ManagementObjectNotFoundException"
        assert (await get(client, "Mailbox('%21%21')?IsEncoded=True")).status == 404


async def test_property_sets_and_select() -> None:
    text = resources.files("bulkexo.sandbox").joinpath("propertysets.json").read_text(encoding="utf-8")
    sets = json.loads(text)
    async with running() as client:
        minimum = (await get(client, f"Mailbox('{ME}')")).body
        assert minimum.keys() - {"@odata.context"} == set(sets["Get-EXOMailbox"]["Minimum"].split(" "))
        both = (await get(client, f"Mailbox('{ME}')?PropertySet=Minimum,Archive")).body
        assert set(sets["Get-EXOMailbox"]["Archive"].split(" ")) <= both.keys()
        everything = (await get(client, f"CasMailbox('{ME}')?PropertySet=All")).body
        assert {"PopEnabled", "EwsEnabled", "ExternalImapSettings"} <= everything.keys()
        some = (await get(client, f"Mailbox('{ME}')?$select=displayname,Guid")).body
        assert some.keys() == {"@odata.context", "DisplayName", "Guid"}
        wrong = await get(client, f"Mailbox('{ME}')?PropertySet=Maximum")
        assert wrong.error_type == "ParameterTransformationException"
        statistics = (await get(client, f"Mailbox('{ME}')/Exchange.GetMailboxStatistics()")).body
        assert statistics.keys() - {"@odata.context"} == set(
            sets["Get-EXOMailboxStatistics"]["Minimum"].split(" ")
        )


async def test_lists_come_in_pages_by_get() -> None:
    async with running(mailboxes=250) as client:
        names: list[str] = []
        path = "Mailbox?PropertySet=Minimum&$filter=" + quote("RecipientTypeDetails eq 'UserMailbox'")
        links = 0
        while path:
            answer = await get(client, path)
            names += [row["Name"] for row in answer.value]
            assert all(row["RecipientTypeDetails"] == "UserMailbox" for row in answer.value)
            path = answer.body.get("@odata.nextLink", "")
            links += 1
        (everyone, *_) = [await client.cmdlet("Get-Mailbox", {"RecipientTypeDetails": "UserMailbox",
                                                               "ResultSize": "Unlimited"})]  # fmt: skip
        assert names == [row["Name"] for row in everyone.value]
        assert links == len(names) // 100 + 1
        top = await get(client, "Recipient?$top=7")
        assert len(top.value) == 7
        assert "@odata.nextLink" not in top.body
        link = (await get(client, "Recipient")).body["@odata.nextLink"]
        other = await get(client, link, {"connection-id": "another"})
        assert (other.status, other.body["error"]["message"]) == (
            400,
            "Expired or Invalid pagination request",
        )
        assert (await get(client, link.replace("Recipient", "Mailbox"))).status == 400
        assert (await get(client, link)).status == 200


async def test_what_hangs_on_a_mailbox() -> None:
    async with running() as client:
        await client.cmdlet(
            "Add-MailboxPermission", {"Identity": ME, "User": YOU, "AccessRights": "FullAccess"}
        )
        permissions = (await get(client, f"Mailbox('{ME}')/MailboxPermission")).value
        assert permissions[-1]["PermissionList"][0]["AccessRights"] == ["FullAccess"]
        assert permissions[-1]["PermissionList"][0]["Deny"] == "False"
        sendas = (await get(client, f"Recipient('{ME}')/RecipientPermission")).value
        assert sendas[0]["AccessRights"] == "SendAs"
        expanded = await get(
            client, f"Recipient('{ME}')?$expand=RecipientPermission&$select=Guid,RecipientPermission"
        )
        assert expanded.body["RecipientPermission"] == sendas
        scope = "(folderscope=Exchange.ElcFolderType'All')"
        everything = (
            await get(client, f"Mailbox('{ME}')/MailboxFolder/Exchange.GetMailboxFolderStatistics{scope}")
        ).value
        assert {"/Inbox", "/Calendar"} <= {folder["FolderPath"] for folder in everything}
        calendar = (await get(client, f"Mailbox('{ME}')/Exchange.GetMailboxFolderStatistics"
                                      "(folderscope=Exchange.ElcFolderType'Calendar')")).value  # fmt: skip
        assert [folder["FolderType"] for folder in calendar] == ["Calendar"]
        folder = f"MailboxFolder('{coded(calendar[0]['FolderId'])}')"
        flags = "IsUsingMailboxFolderId=True&isEncoded=true"
        path = f"Mailbox('{coded(ME)}')/{folder}/MailboxFolderPermission?{flags}"
        entries = (await get(client, path)).value
        assert [(entry["User"], entry["AccessRights"]) for entry in entries] == [
            ("Default", "AvailabilityOnly"), ("Anonymous", "None"),
        ]  # fmt: skip
        devices = [
            len((await get(client, f"Mailbox('mailbox{number}@contoso.onmicrosoft.com')/MobileDevice/"
                                   "Exchange.GetMobileDeviceStatistics()")).value)
            for number in range(1, 20)
        ]  # fmt: skip
        assert set(devices) == {0, 1, 2}


async def test_the_tenant_lists_its_entity_sets() -> None:
    async with running() as client:
        answer = await get(client, "")
        assert {entry["name"] for entry in answer.value} == {"Mailbox", "CasMailbox", "Recipient"}
        assert (await get(client, "", {"Authorization": None})).status == 401


async def test_gets_are_throttled_counted_and_struck_like_all_else() -> None:
    async with running(allowance=1.0, burst=2.0, throttle_style="whole") as client:
        statuses = [(await get(client, f"Mailbox('{ME}')")).status for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        figures = await client.stats()
        assert (figures["items"], figures["items_run"], figures["throttled_items"]) == (4, 2, 2)
    async with running(faults=parse_faults({"transient": 1000})) as client:
        assert (await get(client, f"Mailbox('{ME}')")).status in {400, 500}


@pytest.mark.parametrize(
    ("path", "query"),
    [("Mailbox('a'b')", ""), ("Mailbox(", ""), ("Mailbox('x')'", ""), ("7", ""), ("Mailbox('x')//y", ""),
     ("Mailbox('é')", "IsEncoded=True")],
)  # fmt: skip
def test_paths_that_are_none(path: str, query: str) -> None:
    assert parse_question("b", path, query, {}) is None


def test_a_key_keeps_its_quotes_and_slashes() -> None:
    question = parse_question("b", "Mailbox('o''neil/x)(')/MailboxPermission", "a=1&$skiptoken=t&B=2", {})
    assert question is not None
    assert [(step.name, step.key) for step in question.steps] == [
        ("mailbox", "o'neil/x)("), ("mailboxpermission", None),
    ]  # fmt: skip
    assert (question.query, question.cursor) == ("a=1&B=2", "t")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (
            "Department eq 'Sales' and not (Office ne null)",
            "Department -eq 'Sales' -and -not (Office -ne $null)",
        ),
        ("Department -eq 'eq and or'", "Department -eq 'eq and or'"),
        (
            "startswith(DisplayName,'O''N') or IsDirSynced eq true",
            "DisplayName -like 'O''N*' -or IsDirSynced -eq $true",
        ),
        ("contains(Alias, 'x')", "Alias -like '*x*'"),
        ("Name -eq 'a' -and Office -ne $null", "Name -eq 'a' -and Office -ne $null"),
    ],
)
def test_filters_of_odata(text: str, same: str) -> None:
    assert opath(text) == same


CALENDAR = rf"{ME}:\Calendar"


def rights(bench: Bench, **parameters: Any) -> dict[str, list[str]]:
    """Who may do what in the calendar."""
    rows = objects(bench("Get-MailboxFolderPermission", Identity=CALENDAR, **parameters))
    return {row["User"]: row["AccessRights"] for row in rows}


def test_folder_permissions_come_change_and_go(bench: Bench) -> None:
    you = bench.get("Get-Mailbox", YOU)["DisplayName"]
    user = {"Identity": CALENDAR, "User": YOU}
    assert rights(bench) == {"Default": ["AvailabilityOnly"], "Anonymous": ["None"]}
    for name in ("Set", "Remove"):
        given = {"AccessRights": ["Editor"]} if name == "Set" else {}
        nobody = bench(f"{name}-MailboxFolderPermission", **user, **given)
        assert error_of(nobody)[:2] == (400, "UserNotFoundInPermissionEntryException")
    assert bench("Add-MailboxFolderPermission", **user, AccessRights=["Editor"]).status == 200
    again = bench("Add-MailboxFolderPermission", **user, AccessRights=["Reviewer"])
    assert error_of(again)[1] == "UserAlreadyExistsInPermissionEntryException"
    assert f"found for user: {you}" in error_of(again)[2]
    bench("Set-MailboxFolderPermission", **user, AccessRights=["reviewer"])
    assert rights(bench)[you] == ["Reviewer"]
    assert rights(bench, User=you) == {you: ["Reviewer"]}
    wrong = bench("Set-MailboxFolderPermission", **user, AccessRights=["King"])
    assert error_of(wrong)[1] == "ParameterTransformationException"
    bench("Remove-MailboxFolderPermission", **user)
    assert you not in rights(bench)
    for identity in (rf"{ME}:\Nowhere", r"no@x.y:\Calendar"):
        assert error_of(bench("Get-MailboxFolderPermission", Identity=identity))[0] == 404


def test_dynamic_groups_find_their_members(bench: Bench) -> None:
    assert "All Sales" in {row["Name"] for row in objects(bench("Get-DynamicDistributionGroup"))}
    found = objects(bench("Get-DynamicDistributionGroupMember", Identity="all-sales@contoso.com"))
    assert found
    assert {row["Department"] for row in found} == {"Sales"}
    assert error_of(bench("Get-DynamicDistributionGroupMember", Identity="x"))[0] == 404


def test_classic_twins_of_folders_and_devices(bench: Bench) -> None:
    assert len(objects(bench("Get-MailboxFolderStatistics", Identity=ME))) == 12
    assert [
        row["Name"] for row in objects(bench("Get-MailboxFolderStatistics", Identity=ME, FolderScope="Inbox"))
    ] == ["Inbox"]
    counts = {
        len(objects(bench("Get-MobileDeviceStatistics", Mailbox=f"mailbox{number}@contoso.onmicrosoft.com")))
        for number in range(1, 20)
    }
    assert counts == {0, 1, 2}
