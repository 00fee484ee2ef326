"""What goes wrong, over real sockets: what was answered, and what was done all the same."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from bulkexo.sandbox.faults import parse_faults, spread
from bulkexo.sandbox.options import Budget
from bulkexo.sandbox.timing import Latency, Spread
from tests.sandbox.helpers import Client, running, seal

pytestmark = pytest.mark.anyio


def identity(number: int) -> str:
    return f"mailbox{number}@contoso.onmicrosoft.com"


def writes(client: Client, count: int = 10, mark: str = "x") -> list[dict[str, Any]]:
    return [
        client.item(str(number), "Set-Mailbox", {"Identity": identity(number), "CustomAttribute1": mark})
        for number in range(1, count + 1)
    ]


def lines(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


@pytest.mark.parametrize(("kind", "ran"), [("cut-before", 0), ("cut-after", 10)])
async def test_cut_connections(tmp_path: Path, kind: str, ran: int) -> None:
    journal, arrivals = tmp_path / "journal.ndjson", tmp_path / "arrivals.ndjson"
    faults = parse_faults({kind: 1000})
    async with running(faults=faults, journal=journal, arrivals=arrivals) as client:
        with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientOSError)):
            await client.batch(writes(client))
        assert len(lines(journal)) == ran
        assert [line["cmdlet"] for line in lines(arrivals)] == ["Set-Mailbox"] * 10
        assert (await client.stats())[f"fault_{kind}"] == 1


@pytest.mark.parametrize(
    ("kind", "status", "starts"),
    [("503", 503, b"<html>"), ("html", 200, b"<!DOCTYPE"), ("504", 504, b"<html>")],
)
async def test_answers_of_the_front_door(tmp_path: Path, kind: str, status: int, starts: bytes) -> None:
    journal = tmp_path / "journal.ndjson"
    async with running(faults=parse_faults({kind: 1000}), journal=journal) as client:
        answer = await client.cmdlet("Set-Mailbox", {"Identity": identity(1), "CustomAttribute1": "x"})
        assert answer.status == status
        assert answer.body.startswith(starts)
        if kind != "504":
            assert lines(journal) == []


async def test_a_504_ran_or_did_not(tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    async with running(faults=parse_faults({"504": 1000}), journal=journal) as client:
        for mark in "abcdefgh":
            await client.send(client.url("$batch"), {"requests": writes(client, mark=mark)})
        assert 10 < len(lines(journal)) < 70


async def test_503_and_504_strike_inside_batches_too() -> None:
    for kind in ("503", "504"):
        async with running(faults=parse_faults({kind: 1000})) as client:
            answers = [
                await client.send(client.url("$batch"), {"requests": writes(client)}) for _ in range(12)
            ]
            inside = [answer.body["responses"] for answer in answers if answer.status == 200]
            assert 0 < len(inside) < 12
            for responses in inside:
                statuses = sorted(response["status"] for response in responses)
                assert statuses == [200] * 9 + [int(kind)]


async def test_nul403_is_no_gzip(tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    async with running(faults=parse_faults({"nul403": 1000}), journal=journal) as client:
        with pytest.raises(aiohttp.ClientPayloadError):
            await client.batch(writes(client))
        assert lines(journal) == []


async def test_a_missing_response_ran(tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    async with running(faults=parse_faults({"missing": 300}), journal=journal) as client:
        responses = await client.batch(writes(client))
        assert 0 < len(responses) < 10
        assert len(lines(journal)) == 10
        assert (await client.stats())["fault_missing"] == 10 - len(responses)


async def test_passing_exceptions_did_not_run(tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    kinds = set()
    async with running(faults=parse_faults({"transient": 1000}), journal=journal) as client:
        for _ in range(5):
            for response in (await client.batch(writes(client))).values():
                assert response["status"] in {400, 500}
                kinds.add(response["headers"]["x-ExceptionType"].rpartition(".")[2])
        assert lines(journal) == []
    assert {"ADTransientException", "UnableToWriteToAadException", "StorageTransientException"} <= kinds


async def test_server_errors_ran_or_did_not(tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    async with running(faults=parse_faults({"500": 1000}), journal=journal) as client:
        for mark in "abcd":
            responses = await client.batch(writes(client, mark=mark))
            assert {response["status"] for response in responses.values()} == {500}
        assert 5 < len(lines(journal)) < 35


async def test_a_slow_reply_comes_late_but_comes() -> None:
    async with running(faults=parse_faults({"slow": 1000, "slow-seconds": 20}), speed=200) as client:
        started = anyio.current_time()
        assert len(await client.batch(writes(client))) == 10
        assert anyio.current_time() - started >= 0.1


async def test_the_journal_tells_what_took_effect_and_no_secrets(tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    async with running(journal=journal) as client:
        sealed = seal("Sesame, open!", await client.public_key())
        parameters = {"Identity": identity(1), "CustomAttribute1": "ä", "Password": sealed}
        await client.cmdlet("Set-Mailbox", parameters, headers={"client-request-id": "guid-1"})
        await client.cmdlet("Set-Mailbox", {"Identity": identity(1), "CustomAttribute1": "ä"})
        await client.cmdlet("Get-Mailbox", {"Identity": identity(1)})
        await client.cmdlet("Set-Mailbox", {"Identity": "x@y.z", "CustomAttribute1": "ä"})
        await client.cmdlet("New-Mailbox", {"Name": "Desk", "Shared": True})
        first, second, third = lines(journal)
        assert first["cmdlet"] == "Set-Mailbox"
        assert first["identity"] == identity(1)
        assert first["parameters"] == {"Identity": identity(1), "CustomAttribute1": "ä", "Password": "***"}
        assert first["client_request_id"] == "guid-1"
        assert first["tenant"] == client.served.tenant_id
        assert (first["changed"], second["changed"], third["changed"]) == (True, False, True)
        assert third["identity"] == "Desk"
        assert sealed not in journal.read_text()


async def test_a_429_for_the_whole_request_runs_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    async with running(allowance=0.01, burst=10, throttle_style="whole", journal=journal) as client:
        assert len(await client.batch(writes(client))) == 10
        answer = await client.send(client.url("$batch"), {"requests": writes(client, mark="y")})
        assert answer.status == 429
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert int(answer.headers["Retry-After"]) == 1000
        assert len(lines(journal)) == 10
        stats = await client.stats()
        assert (stats["throttled_requests"], stats["throttled_items"], stats["items"]) == (1, 10, 20)


async def test_429s_inside_a_batch_run_the_others(tmp_path: Path) -> None:
    journal = tmp_path / "journal.ndjson"
    async with running(allowance=0.01, burst=4, throttle_style="inside", journal=journal) as client:
        responses = await client.batch(writes(client))
        throttled = [response for response in responses.values() if response["status"] == 429]
        assert len(throttled) == 6
        assert all(response["headers"]["Retry-After"] == "100" for response in throttled)
        assert all(response["body"]["error"]["code"] == "TooManyRequests" for response in throttled)
        assert len(lines(journal)) == 4


@pytest.mark.parametrize("style", ["none", "date", "fraction"])
async def test_ways_to_say_how_long(style: str) -> None:
    async with running(allowance=0.01, burst=1, retry_after=style) as client:
        await client.cmdlet("Get-OrganizationConfig")
        answer = await client.cmdlet("Get-OrganizationConfig")
        said = answer.headers.get("Retry-After")
        assert answer.status == 429
        if style == "none":
            assert said is None
        elif style == "date":
            assert said is not None
            wait = parsedate_to_datetime(said) - parsedate_to_datetime(answer.headers["Date"])
            assert 90 <= wait.total_seconds() <= 102
        else:
            assert said is not None
            assert 90 < float(said) <= 100


async def test_too_many_requests_at_once() -> None:
    slow = Latency(Spread(0.15, 0.0))
    async with running(max_concurrent=1, latency=slow) as client:
        answers = []

        async def ask() -> None:
            answers.append(await client.cmdlet("Get-OrganizationConfig"))

        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(ask)
        crowded = [answer for answer in answers if answer.status != 200]
        assert len(crowded) == 5
        for answer in crowded:
            assert answer.status in {429, 500}
            assert answer.body["error"]["message"].startswith(
                "You have reached the maximum number of concurrent"
            )


async def test_a_budget_of_server_time_refuses_when_it_is_spent() -> None:
    options: dict[str, Any] = {
        "budget": Budget(3_600, -1_000, 0),
        "latency": Latency(Spread(2.0, 0.0)),
        "speed": 100,
    }
    async with running(**options) as client:
        assert (await client.cmdlet("Get-OrganizationConfig")).status == 200
        answer = await client.cmdlet("Get-OrganizationConfig")
        assert answer.status == 429
        assert float(answer.headers["Retry-After"]) < 11
        assert (await client.stats())["budget_balance_ms"] < -1_000


async def test_cmdlets_of_a_batch_overlap_as_told() -> None:
    latency = Latency(Spread(1.0, 0.0))
    took = {}
    for lanes in (10, 1):
        async with running(latency=latency, speed=50, batch_parallel=lanes) as client:
            started = anyio.current_time()
            await client.batch(writes(client))
            took[lanes] = anyio.current_time() - started
    assert took[1] >= 0.2
    assert took[10] >= 0.02


async def test_everything_at_once_and_every_row_ends(tmp_path: Path) -> None:
    """A plain client that asks again until every write is answered finds all of them done."""
    journal = tmp_path / "journal.ndjson"
    async with running(faults=spread(200), allowance=2000, burst=20, speed=10, journal=journal) as client:
        left = {item["id"]: item for item in writes(client, 100)}
        for _ in range(200):
            if not left:
                break
            try:
                answer = await client.send(client.url("$batch"), {"requests": list(left.values())[:10]})
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                continue
            if answer.status == 200 and isinstance(answer.body, dict):
                for response in answer.body["responses"]:
                    if response["status"] == 200:
                        left.pop(response["id"])
        assert left == {}
    assert {line["identity"] for line in lines(journal) if line["changed"]} == {
        identity(n) for n in range(1, 101)
    }
