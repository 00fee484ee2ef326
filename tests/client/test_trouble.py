"""When the service fails, is out of reach, or never answers: what a program hears, and how it goes on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

import bulkexo
from tests.client.helpers import changes, options, run
from tests.e2e.pretend import Pretend, pretend

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


def test_what_fails_in_passing_is_seen_in_the_attempts_alone(tmp_path: Path) -> None:
    with pretend(tmp_path / "tenant", "--mailboxes 300 --speed 100 --faults 40 --seed 4") as tenant:
        names = sorted(str(box["UserPrincipalName"]) for box in tenant.everything())

        async def program() -> list[bulkexo.Outcome]:
            async with bulkexo.Client(**options(tenant)) as client:
                return [each async for each in client.run(changes(names, "faulty"))]

        outcomes = run(program)
        effects = Counter(str(line["identity"]) for line in tenant.journal() if line["changed"])
    assert sorted(each.item.row for each in outcomes) == list(range(1, 301))
    good = [each.item.identity for each in outcomes if each.status.good]
    assert set(good) <= set(effects)
    assert max(effects.values()) == 1


def test_out_of_reach(tmp_path: Path) -> None:
    """Whoever waits is told, and so is whoever comes later: it tries anew, and cannot sign in."""

    async def program() -> None:
        with pretend(tmp_path / "tenant", "--mailboxes 20 --speed 100") as tenant:
            async with bulkexo.Client(**options(tenant, offline="1s", drain="1s")) as client:
                assert await client.invoke("Get-Mailbox")
                tenant.process.kill()
                tenant.process.wait()
                reads = (bulkexo.call("Get-Mailbox", Identity=f"nobody{place}") for place in range(50))
                with pytest.raises(bulkexo.StoppedError, match="Nothing could be sent"):
                    async for _ in client.run(reads):
                        pass
                with pytest.raises(bulkexo.SignInError, match="was not reached"):
                    await client.invoke("Get-Mailbox")

    run(program)


def test_a_fate_that_nobody_knows(tmp_path: Path) -> None:
    """It took effect, no answer came, and it is not sent again."""
    (tmp_path / "faults.yaml").write_text("cut-after: 1000", encoding="utf-8")
    faulty = f"--mailboxes 20 --speed 100 --faults {tmp_path / 'faults.yaml'}"
    once = bulkexo.call(
        "Set-Mailbox", Identity="mailbox1@contoso.onmicrosoft.com", CustomAttribute1="once", repeat="unsafe"
    )

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            with pytest.raises(bulkexo.UnknownFateError, match="look at the object") as caught:
                await client.invoke(once)
            assert caught.value.outcome.status is bulkexo.Status.UNKNOWN

    with pretend(tmp_path / "tenant", faulty) as tenant:
        run(program)
        assert len(tenant.journal()) == 1


def test_the_items_are_made_in_the_context_of_the_program(tenant: Pretend, names: list[str]) -> None:
    def items() -> Iterator[bulkexo.Item]:
        for name in names[:3]:
            yield bulkexo.call("Get-Mailbox", Identity=name, tag=WHO.get())

    async def program() -> set[Any]:
        async with bulkexo.Client(**options(tenant)) as client:
            WHO.set("somebody")
            return {each.item.tag async for each in client.run(items())}

    assert run(program) == {"somebody"}


def test_many_runs_of_one_client_do_not_mix(tenant: Pretend, names: list[str]) -> None:
    async def one(client: bulkexo.Client, number: int) -> set[Any]:
        calls = (bulkexo.call("Get-Mailbox", Identity=name, tag=number) for name in names[:60])
        outcomes = [each async for each in client.run(calls)]
        assert sorted(each.item.row for each in outcomes) == list(range(1, 61))
        return {each.item.tag for each in outcomes}

    async def program() -> list[set[Any]]:
        async with bulkexo.Client(**options(tenant)) as client:
            return await asyncio.gather(*(one(client, number) for number in range(10)))

    assert run(program) == [{number} for number in range(10)]
