"""The other shapes in which answers come, on demand: `protocol.md`, "Reply", "Errors", "Second reading"."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from bulkexo.sandbox import mishaps
from bulkexo.sandbox.engine import Call
from bulkexo.sandbox.faults import parse_faults
from bulkexo.sandbox.reply import Reply
from tests.sandbox.helpers import Bench, Client, running

pytestmark = pytest.mark.anyio
ME = {"Identity": "mailbox3@contoso.onmicrosoft.com"}
SET = {**ME, "CustomAttribute1": "x"}
WRITE = Call("", "Set-Mailbox", SET, "https://h/adminapi/beta/t/InvokeCommand")


async def struck(
    client: Client, name: str, parameters: dict[str, Any]
) -> list[tuple[int, dict[str, Any], Any]]:
    """The same cmdlet, alone and in a batch: status, headers, body."""
    alone = await client.cmdlet(name, parameters)
    (item,) = (await client.batch([client.item("1", name, parameters)])).values()
    return [(alone.status, dict(alone.headers), alone.body), (item["status"], item["headers"], item["body"])]


async def test_a_refusal_can_come_with_a_200() -> None:
    async with running(faults=parse_faults({"errors-200": 1000})) as client:
        for status, _, body in await struck(client, "Set-Mailbox", SET):
            assert (status, body["value"]) == (200, [])
            assert body["@adminapi.errors"][0].startswith("Ex")
    async with running(faults=parse_faults({"error-200": 1000})) as client:
        for status, _, body in await struck(client, "Set-Mailbox", SET):
            assert status == 200
            assert body["error"]["details"]
        assert (await client.stats()).get("writes_changed", 0) == 0


async def test_a_write_can_succeed_without_a_word() -> None:
    async with running(faults=parse_faults({"empty": 1000})) as client:
        seen = set()
        for number in range(12):
            answer = await client.cmdlet("Set-Mailbox", {**SET, "CustomAttribute1": str(number)})
            assert answer.body == b""
            seen.add(answer.status)
        assert seen == {200, 204}
        assert (await client.stats())["writes_changed"] == 12
        assert (await client.cmdlet("Get-Mailbox", ME)).value[0]["CustomAttribute1"] == "11"


async def test_warnings_can_come_in_a_header() -> None:
    async with running(faults=parse_faults({"x-warnings": 1000})) as client:
        await client.cmdlet("Set-Mailbox", SET)
        for _, headers, body in await struck(client, "Set-Mailbox", SET):
            assert "no settings of" in json.loads(headers["X-Warnings"])[0]
            assert body["@adminapi.warnings"] == []


async def test_a_cursor_can_be_gone_at_any_time() -> None:
    async with running(faults=parse_faults({"expired-page": 1000})) as client:
        first = await client.cmdlet("Get-Mailbox")
        again = await client.send(first.body["@odata.nextLink"], b"", method="GET")
        assert (again.status, again.body["error"]["message"]) == (
            400,
            "Expired or Invalid pagination request",
        )


async def test_a_request_can_time_out_at_the_door() -> None:
    async with running(faults=parse_faults({"408": 1000})) as client:
        assert (await client.cmdlet("Set-Mailbox", SET)).status == 408
        assert (await client.stats()).get("items_run", 0) == 0


def forms(bench: Bench, cmdlet: str, parameters: dict[str, Any]) -> dict[str, Reply]:
    """Kind of form to a reply that has it."""
    random = Random(1)
    found: dict[str, Reply] = {}
    call = Call("", cmdlet, parameters, "https://h/adminapi/beta/t/InvokeCommand")
    for _ in range(200):
        answer = bench.engine.run(call, now=0.0, stamp="")
        changed = mishaps.made_of("other-form", random, call, answer)
        kind = (
            "plain" if isinstance(changed.body, str) else changed.body["error"]["details"][0]["message"][:12]
        )
        found.setdefault(f"{changed.status} {kind}", changed)
    return found


def test_an_error_has_many_forms_and_one_type(bench: Bench) -> None:
    found = forms(bench, "Get-Mailbox", {"Identity": "no@x.y"})
    assert {key[:3] for key in found} == {"404", "400", "500"}
    assert len({key[4:] for key in found}) == 6
    for answer in found.values():
        if isinstance(answer.body, str):
            kind, text = answer.headers["X-ExceptionType"], answer.body
        else:
            message = answer.body["error"]["details"][0]["message"]
            kind = text = message
            if "CmdletProxyException" in message:
                text = json.loads(message.split("|", 2)[2])["Message"]
        assert "ManagementObjectNotFoundException" in kind
        assert "couldn't be found" in text


def test_what_succeeds_has_no_error_form(bench: Bench) -> None:
    answer = bench("Get-Mailbox", **ME)
    assert mishaps.made_of("other-form", Random(1), WRITE, answer) is answer


def test_complaints_name_the_object_and_passing_errors_pass() -> None:
    random = Random(2)
    texts = set()
    for _ in range(60):
        refused = mishaps.instead("complaint", random, WRITE)
        assert refused is not None
        texts.add(refused.body["error"]["details"][0]["message"])
    assert len(texts) == 4
    assert any("with license" in text and ME["Identity"] in text for text in texts)
    kinds = {mishaps.passing(random).type.rpartition(".")[2] for _ in range(300)}
    assert {
        "SuitabilityDirectoryException",
        "ServerInMMException",
        "InsufficientPermissionsException",
    } <= kinds
    odd = Call("", "Set-Mailbox", {"Identity": "{0} {who}"}, "https://h/x")
    assert mishaps.instead("complaint", random, odd) is not None


def test_reads_can_lag_writes() -> None:
    bench = Bench(read_lag=60.0)

    def at(now: float, name: str, **parameters: Any) -> Reply:
        call = Call("", name, parameters, "https://h/adminapi/beta/t/InvokeCommand", anchor="APP:x")
        return bench.engine.run(call, now=now, stamp="2026-01-01T00:00:00Z")

    def attribute(now: float) -> str:
        return str(at(now, "Get-Mailbox", **ME).body["value"][0]["CustomAttribute1"])

    assert at(0.0, "New-Mailbox", Name="Desk", Shared=True).status == 200
    assert at(1.0, "Set-Mailbox", **SET).body["@adminapi.warnings"] == []
    assert at(2.0, "Set-Mailbox", **SET).body["@adminapi.warnings"] != []
    assert at(3.0, "Set-Mailbox", Identity="Desk", CustomAttribute1="y").status == 200
    assert at(59.0, "Get-Mailbox", Identity="Desk").status == 404
    assert attribute(60.5) == ""
    (desk,) = at(60.5, "Get-Mailbox", Identity="Desk").body["value"]
    assert desk["CustomAttribute1"] == ""
    assert attribute(61.0) == "x"
    assert at(63.0, "Get-Mailbox", Identity="Desk").body["value"][0]["CustomAttribute1"] == "y"
    assert desk["Guid"] == at(99.0, "Get-Recipient", Identity="Desk").body["value"][0]["Guid"]


async def test_answers_can_tell_what_is_left_of_the_allowance() -> None:
    async with running(allowance=0.001, burst=4.0, rate_limit_headers=True, throttle_style="whole") as client:
        left = [
            int((await client.cmdlet("Get-Mailbox", ME)).headers["Rate-Limit-Remaining"]) for _ in range(5)
        ]
        assert left == sorted(left, reverse=True)
        assert left[0] < 23_500
        assert left[-1] < 7_500
        batch = await client.send(client.url("$batch"), {"requests": [client.item("1", "Get-Mailbox", ME)]})
        assert {"Rate-Limit-Limit", "Rate-Limit-Reset", "X-ConcurrencyCount"} <= batch.headers.keys()
    async with running() as client:
        assert "Rate-Limit-Remaining" not in (await client.cmdlet("Get-Mailbox", ME)).headers


async def test_messages_come_in_the_language_of_the_tenant_unless_english_is_asked_for() -> None:
    async with running(language="de") as client:
        kept = dict(client.headers)
        await client.cmdlet("Set-Mailbox", SET)
        for wanted, sentence, unchanged in (
            (None, "nicht gefunden", "keine Einstellungen"),
            ("fr-FR", "nicht gefunden", "keine Einstellungen"),
            ("en-US", "couldn't be found", "no settings of"),
        ):
            client.headers = {**kept, **({"Accept-Language": wanted} if wanted else {})}
            for status, _, failed in await struck(client, "Get-Mailbox", {"Identity": "no@x.y"}):
                assert status == 404
                assert "ManagementObjectNotFoundException" in failed["error"]["details"][0]["message"]
                assert sentence in failed["error"]["details"][0]["message"]
            assert unchanged in (await client.cmdlet("Set-Mailbox", SET)).body["@adminapi.warnings"][0]


async def test_an_entry_that_is_there_can_be_an_error() -> None:
    grant = {**ME, "User": "mailbox4@contoso.onmicrosoft.com", "AccessRights": "FullAccess"}
    async with running(faults=parse_faults({"entry-error": 1000})) as client:
        assert (await client.cmdlet("Add-MailboxPermission", grant)).status == 200
        again = await client.cmdlet("Add-MailboxPermission", grant)
        assert again.status == 400
        assert "already present" in again.body["error"]["details"][0]["message"]
