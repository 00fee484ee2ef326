"""A run in a folder: like one of the command line, gone on with after a crash, by either."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

import bulkexo
from tests.client.helpers import changes, options, run
from tests.e2e.command import LIMIT, document, environment, lines, until
from tests.e2e.command import bulkexo as command
from tests.e2e.pretend import Pretend

PROGRAM = """
import asyncio, os, signal, sys
import bulkexo

async def main(die_after):
    names = [f"made{place}" for place in range(120)]
    calls = (
        bulkexo.call("New-Mailbox", Name=name, Shared=True, tag={"place": place})
        for place, name in enumerate(names)
    )
    seen = []
    async with bulkexo.Client.from_environment(rate=400.0) as client:
        async for outcome in client.run(calls, journal="out"):
            seen.append(outcome)
            if len(seen) == die_after:
                os.kill(os.getpid(), signal.SIGKILL)
    assert sorted(each.item.row for each in seen) == list(range(1, 121))
    assert all(each.item.tag == {"place": each.item.row - 1} for each in seen)
    assert {each.status for each in seen} == {"succeeded"}, {each.error for each in seen}

asyncio.run(main(int(sys.argv[1])))
"""


def program(folder: Path, tenant: Pretend, die_after: int) -> int:
    """The exit code of the program, which kills itself after so many outcomes."""
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    arguments = [sys.executable, str(folder / "program.py"), str(die_after)]
    return subprocess.run(
        arguments, cwd=folder, env=environment(tenant.env), check=False, timeout=LIMIT
    ).returncode


@pytest.fixture
def made(tenant: Pretend) -> Iterator[Counter[str]]:
    """What the tenant has made, by name, once the test has run; it is taken away again."""
    tenant.journal()
    found: Counter[str] = Counter()
    yield found

    async def away() -> None:
        async with bulkexo.Client(**options(tenant, yes=True)) as client:
            calls = [bulkexo.call("Remove-Mailbox", Identity=name) for name in found]
            assert all([each.status.good async for each in client.run(calls)])

    run(away)


def count(tenant: Pretend, made: Counter[str]) -> None:
    made.update(
        str(line["parameters"]["Name"]) for line in tenant.journal() if line["cmdlet"] == "New-Mailbox"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL.")
def test_a_program_that_was_killed_goes_on(tmp_path: Path, tenant: Pretend, made: Counter[str]) -> None:
    assert program(tmp_path, tenant, 30) == -9
    assert 0 < len(lines(tmp_path / "out")) < 120
    assert program(tmp_path, tenant, 0) == 0
    assert document(tmp_path / "out")["state"] == "complete"
    requests = tenant.stats()["requests"]
    assert program(tmp_path, tenant, 0) == 0
    count(tenant, made)
    assert sorted(made.values()) == [1] * 120
    assert tenant.stats()["requests"] == requests


@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL.")
def test_the_command_line_goes_on_with_it_and_the_program_reads_it(
    tmp_path: Path, tenant: Pretend, made: Counter[str]
) -> None:
    assert program(tmp_path, tenant, 30) == -9
    command("resume", "out", cwd=tmp_path, env=tenant.env).check(0)
    assert {line["tag"]["place"] + 1 for line in lines(tmp_path / "out")} == set(range(1, 121))

    async def reads() -> list[bulkexo.Outcome]:
        async with bulkexo.Client(**options(tenant)) as client:
            return [each async for each in client.resume(tmp_path / "out")]

    found = run(reads)
    count(tenant, made)
    assert [each.item.row for each in found] == list(range(1, 121))
    assert {each.status.value for each in found} == {"succeeded"}
    assert sorted(made.values()) == [1] * 120


def test_what_the_folder_holds(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    """failed.csv, the job as NDJSON, the counts: all that the commands of a run need; and no secret."""
    wanted = [*names[:30], "nobody@contoso.com"]

    async def program() -> list[bulkexo.Outcome]:
        async with bulkexo.Client(**options(tenant)) as client:
            return [each async for each in client.run(changes(wanted, "kept"), journal=tmp_path / "out")]

    outcomes = run(program)
    assert Counter(each.status.value for each in outcomes) == {"succeeded": 30, "failed": 1}
    counts = document(tmp_path / "out")["counts"]
    assert (counts["items"], counts["succeeded"], counts["failed"]) == (31, 30, 1)
    items = [json.loads(line) for line in (tmp_path / "out" / "items.ndjson").read_bytes().splitlines()]
    assert [item["tag"] for item in items] == list(range(31))
    assert b"nobody@contoso.com" in (tmp_path / "out" / "failed.csv").read_bytes()
    secret = tenant.said["client_secret"].encode()
    assert not [path for path in (tmp_path / "out").iterdir() if secret in path.read_bytes()]
    command("retry", "out", "--out", "again", cwd=tmp_path, env=tenant.env).check(1)


def test_steps_and_lists_in_a_folder(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    rows = [
        [bulkexo.call("Get-Mailbox", ResultSize="Unlimited"), bulkexo.call("Get-Mailbox", Identity=name)]
        for name in names[:3]
    ]

    async def program() -> list[bulkexo.Outcome]:
        async with bulkexo.Client(**options(tenant)) as client:
            assert len([each async for each in client.run(rows, journal=tmp_path / "out")]) == 6
            return [each async for each in client.run(rows, journal=tmp_path / "out")]

    outcomes = run(program)
    assert [(each.item.row, each.item.step) for each in outcomes] == [
        (row, step) for row in (1, 2, 3) for step in (1, 2)
    ]
    assert [each.paged for each in outcomes] == [True, False] * 3
    assert (tmp_path / "out" / "pages" / "1-1.ndjson").exists()


def test_leaving_keeps_what_has_ended_for_later(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    async def program() -> int:
        async with bulkexo.Client(**options(tenant, rate=300.0)) as client:
            async for _ in client.run(changes(names[:600], "later"), journal=tmp_path / "out"):
                break
        assert document(tmp_path / "out")["state"] == "stopped"
        async with bulkexo.Client(**options(tenant)) as client:
            again = client.run(changes(names[:600], "later"), journal=tmp_path / "out")
            return len({each.item.row async for each in again})

    tenant.journal()
    assert run(program) == 600
    assert len(tenant.journal()) == 600


def test_a_slow_program_holds_a_run_with_a_journal_back(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    """Many replies wait for room at the same time, and each of them gets it."""
    wanted = names[:1500]

    async def program() -> int:
        taken = 0
        async with bulkexo.Client(**options(tenant)) as client:
            async for _ in client.run(changes(wanted, "slow"), journal=tmp_path / "out"):
                taken += 1
                if taken == 1:
                    await anyio.to_thread.run_sync(until, lambda: len(lines(tmp_path / "out")) > 1050)
        return taken

    assert run(program) == 1500


async def first(client: bulkexo.Client, items: list[bulkexo.Item], folder: Path) -> bulkexo.Outcome | None:
    return await anext(client.run(items, journal=folder), None)


def test_what_a_folder_is_not_for(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    items = list(changes(names[:5], "x"))
    secret = bulkexo.call("Set-Mailbox", Identity=names[0], Password="hunter2-hunter2")

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            assert await first(client, [], tmp_path / "none") is None
            assert not (tmp_path / "none").exists()
            for wrong, words in (
                ([secret], "kept in no folder"),
                ([bulkexo.call("Get-Mailbox", tag=object())], "cannot be kept as JSON"),
                ([items[0], [items[1], items[2]]], "2 steps"),
            ):
                with pytest.raises(bulkexo.UsageError, match=words):
                    await first(client, wrong, tmp_path / "wrong")  # type: ignore[arg-type]
                assert not (tmp_path / "wrong").exists()
            async for _ in client.run(items, journal=tmp_path / "out"):
                pass
            shutil.copytree(tmp_path / "out", tmp_path / "moved")
            with pytest.raises(bulkexo.UsageError, match="put the folder back"):
                await first(client, items, tmp_path / "moved")
            with pytest.raises(bulkexo.UsageError, match="other items than these"):
                await first(client, items[1:], tmp_path / "out")
            with pytest.raises(bulkexo.UsageError, match="not the folder of a run"):
                await anext(client.resume(tmp_path / "nowhere"))
            with pytest.raises(bulkexo.UsageError, match="give the run a journal"):
                bulkexo.Client(**options(tenant, keep_before=True))
                async with bulkexo.Client(**options(tenant, keep_before=True)) as keeping:
                    keeping.run(items)

    run(program)
    assert {path.name for path in (tmp_path / "out").glob("items*")} == {"items.ndjson"}


def test_a_run_of_the_command_line_stays_its_own(tmp_path: Path, tenant: Pretend, names: list[str]) -> None:
    (tmp_path / "job.csv").write_text(f"Identity,CustomAttribute1\n{names[0]},x\n", encoding="utf-8")
    arguments = ("job.csv", "--cmdlet", "Set-Mailbox", "--out", "out")
    command("run", *arguments, cwd=tmp_path, env=tenant.env).check(0)

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            with pytest.raises(bulkexo.UsageError, match="bulkexo resume"):
                await anext(client.resume(tmp_path / "out"))

    run(program)


def test_what_stops_a_run_is_raised_after_what_has_ended(
    tmp_path: Path, tenant: Pretend, names: list[str]
) -> None:
    async def program() -> int:
        found = 0
        async with bulkexo.Client(**options(tenant, max_failures="5")) as client:
            wrong = [bulkexo.call("Get-Mailbox", Identity=f"nobody{number}") for number in range(100)]
            with pytest.raises(bulkexo.StoppedError, match="max-failures"):
                async for outcome in client.run(wrong, journal=tmp_path / "out"):
                    assert outcome.status is bulkexo.Status.FAILED
                    found += 1
        return found

    assert run(program) == len(lines(tmp_path / "out")) >= 5
