"""The client as programs use it, against the sandbox as a process."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import bulkexo
from tests.client.helpers import changes, options, run
from tests.e2e.command import until
from tests.e2e.pretend import Pretend, pretend


def test_two_thousand_items_of_a_tenant_that_throttles(tmp_path: Path) -> None:
    """Each has one outcome and one effect, whatever was refused on the way."""
    limits = "--mailboxes 2000 --speed 10 --allowance 30/s --burst 20"
    with pretend(tmp_path / "tenant", limits) as tenant:
        names = sorted(str(box["UserPrincipalName"]) for box in tenant.everything())

        async def program() -> list[bulkexo.Outcome]:
            async with bulkexo.Client(**options(tenant)) as client:
                return [outcome async for outcome in client.run(changes(names, "new"))]

        outcomes = run(program)
        effects = Counter(str(line["identity"]) for line in tenant.journal())
        throttled = tenant.stats()["throttled_items"]
        learned = Path(os.environ["XDG_CACHE_HOME"]) / "bulkexo" / "allowances.json"
        assert tenant.said["endpoint"] in learned.read_text(encoding="utf-8"), "the next one starts from it"
    assert Counter(outcome.status for outcome in outcomes) == {bulkexo.Status.SUCCEEDED: 2000}
    assert sorted(outcome.item.row for outcome in outcomes) == list(range(1, 2001))
    assert all(names[outcome.item.tag] == outcome.item.identity for outcome in outcomes)
    assert effects == dict.fromkeys(names, 1)
    assert throttled > 0
    assert sum(outcome.attempts for outcome in outcomes) > 2000


def test_invoke_gives_objects_or_raises_what_went_wrong(tenant: Pretend, names: list[str]) -> None:
    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            (box,) = await client.invoke("get-mailbox", Identity=names[0], select=["Alias"])
            assert set(box) == {"Alias"}
            assert await client.invoke("Set-Mailbox", Identity=names[0], CustomAttribute9="x") == []
            everybody = await client.invoke("Get-Mailbox", ResultSize="Unlimited")
            assert sorted(each["UserPrincipalName"] for each in everybody) == names
            with pytest.raises(bulkexo.NotFoundError, match=r"nobody@contoso\.com") as caught:
                await client.invoke("Get-Mailbox", Identity="nobody@contoso.com")
            assert caught.value.outcome.error is not None
            assert "ManagementObjectNotFoundException" in caught.value.outcome.error.type
            with pytest.warns(bulkexo.CallWarning, match="no parameter"), pytest.raises(bulkexo.FailedError):
                await client.invoke("Get-Mailbox", Identity=names[0], NoSuchThing="x")

    run(program)


def test_many_at_once_share_batches(tenant: Pretend, names: list[str]) -> None:
    """How many in a batch is the pace's to say."""
    before = tenant.stats().get("batches", 0)

    async def program() -> list[list[Any]]:
        async with bulkexo.Client(**options(tenant)) as client:
            return await asyncio.gather(
                *(client.invoke("Get-Mailbox", Identity=name) for name in names[:200])
            )

    found = run(program)
    assert [box["UserPrincipalName"] for (box,) in found] == names[:200]
    assert tenant.stats()["batches"] > before


def test_a_list_comes_object_by_object(tenant: Pretend, names: list[str]) -> None:
    """Of three pages; and the program can ask for more meanwhile."""

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            found: list[str] = []
            async for box in client.stream("Get-Mailbox", ResultSize="Unlimited", select="UserPrincipalName"):
                if len(found) in (0, 1500):
                    await client.invoke("Get-Mailbox", Identity=box["UserPrincipalName"])
                found.append(box["UserPrincipalName"])
            assert sorted(found) == names
            async for _ in client.stream("Get-Mailbox", ResultSize="Unlimited"):
                break
            with pytest.raises(bulkexo.NotFoundError):
                await anext(client.stream("Get-MailboxPermission", Identity="nobody@contoso.com"))

    run(program)


def test_a_call_does_not_wait_behind_a_run(tenant: Pretend, names: list[str]) -> None:
    """The run has thousands of items ready; the call goes with the next few batches. Counted: a tenant that
    takes two batches at once and 100 items a second has run a handful of them meanwhile."""

    async def program() -> list[int]:
        async with bulkexo.Client(**options(tenant, rate=100.0, concurrency=2)) as client:
            between: list[int] = []
            endless = (bulkexo.call("Get-Mailbox", Identity=names[each % 500]) for each in itertools.count())
            async for outcome in client.run(endless):
                if outcome.item.row % 20 == 0:
                    before = (await anyio.to_thread.run_sync(tenant.stats))["items_run"]
                    await client.invoke("Get-Mailbox", Identity=names[600])
                    after = (await anyio.to_thread.run_sync(tenant.stats))["items_run"]
                    between.append(after - before)
                if len(between) == 3:
                    return between
        return []

    assert max(run(program)) < 300


def test_steps_of_a_row_go_in_order_and_stop_at_a_failure(tenant: Pretend, names: list[str]) -> None:
    good, bad = names[0], "nobody@contoso.com"

    def rows() -> Iterator[list[bulkexo.Item]]:
        for name in (good, bad):
            read = bulkexo.call("Get-Mailbox", Identity=name)
            yield [read, bulkexo.call("Set-Mailbox", Identity=good, CustomAttribute5=name)]

    async def program() -> dict[tuple[int, int], str]:
        async with bulkexo.Client(**options(tenant)) as client:
            return {(each.item.row, each.item.step): each.status.value async for each in client.run(rows())}

    assert run(program) == {
        (1, 1): "succeeded",
        (1, 2): "succeeded",
        (2, 1): "failed",
        (2, 2): "skipped",
    }


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_slow_program_holds_the_reader_back(
    tenant: Pretend, names: list[str], *, asynchronous: bool
) -> None:
    """While the program takes no outcomes, no more is read than the limit; counted when all that was read has
    ended and the engine has nothing to do but to read on."""
    read = taken = 0
    total, limit = 2200, 1000

    def items() -> Iterator[bulkexo.Item]:
        nonlocal read
        for place in range(total):
            read += 1
            assert read - taken <= limit + 1
            yield bulkexo.call("Get-Mailbox", Identity=names[place % len(names)], select=["Alias"])

    async def slowly() -> AsyncIterator[bulkexo.Item]:
        for item in items():
            yield item

    async def program() -> None:
        nonlocal taken
        async with bulkexo.Client(**options(tenant, concurrency=20)) as client:
            before = (await anyio.to_thread.run_sync(tenant.stats))["items_run"]
            async for _ in client.run(slowly() if asynchronous else items()):
                taken += 1
                if taken in (1, 1100):

                    def ended(so_far: int = taken) -> bool:
                        return bool(tenant.stats()["items_run"] - before >= so_far - 1 + limit)

                    await anyio.to_thread.run_sync(until, ended)
                    assert limit - 1 <= read - taken <= limit + 1
        assert (read, taken) == (total, total)

    run(program)


def test_what_the_items_raise_comes_after_the_outcomes_of_what_was_sent(
    tenant: Pretend, names: list[str]
) -> None:
    def items() -> Iterator[bulkexo.Item]:
        yield from changes(names[:5], "raised")
        raise LookupError("the database has gone")

    async def asynchronous() -> AsyncIterator[bulkexo.Item]:
        for item in items():
            yield item

    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            for source in (items(), asynchronous()):
                found: list[bulkexo.Outcome] = []
                with pytest.raises(LookupError):
                    async for outcome in client.run(source):
                        found.append(outcome)
                assert len(found) == 5
            with pytest.raises(bulkexo.UsageError, match="is a str"):
                await anext(client.run(["Get-Mailbox"]))  # type: ignore[list-item]

    run(program)


def test_a_mistake_in_every_item_ends_the_run_early(tenant: Pretend, names: list[str]) -> None:
    async def program() -> Counter[str]:
        found: Counter[str] = Counter()
        async with bulkexo.Client(**options(tenant)) as client:
            wrong = (bulkexo.call("Get-Mailbox", Identity=name, NoSuch="x") for name in names)
            with pytest.raises(bulkexo.StoppedError, match="fails for every row"):
                async for outcome in client.run(wrong):
                    found[outcome.status.value] += 1
        return found

    with pytest.warns(bulkexo.CallWarning):
        found = run(program)
    assert found.keys() == {"failed", "skipped"}
    assert found["failed"] >= 20


def test_two_clients_on_two_tenants(tmp_path: Path) -> None:
    other = "fabrikam.onmicrosoft.com"
    with pretend(tmp_path / "tenants", f"--mailboxes 100 --speed 100 --tenant {other},seed=2") as both:

        async def everybody(tenant: str) -> set[str]:
            names = []
            async with bulkexo.Client(**options(both, tenant=tenant)) as client:
                boxes = [box async for box in client.stream("Get-Mailbox", ResultSize="Unlimited")]
                names = [str(box["UserPrincipalName"]) for box in boxes]
                assert len([each async for each in client.run(changes(names, "two"))]) == 100
            return {name.partition("@")[2] for name in names}

        async def program() -> tuple[set[str], set[str]]:
            return await asyncio.gather(everybody("contoso.onmicrosoft.com"), everybody(other))

        assert list(run(program)) == [{"contoso.com"}, {"fabrikam.com"}]
        effects = Counter(line["tenant"] for line in both.journal())
    assert sorted(effects.values()) == [100, 100]


def test_what_destroys_needs_a_word(tenant: Pretend, names: list[str]) -> None:
    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            with pytest.raises(bulkexo.UsageError, match="yes=True"):
                await client.invoke("Remove-Mailbox", Identity=names[-1])
        assert not [line for line in tenant.journal() if line["cmdlet"] == "Remove-Mailbox"]
        async with bulkexo.Client(**options(tenant, yes=True)) as client:
            await client.invoke("Remove-Mailbox", Identity="nobody@contoso.com")

    tenant.journal()
    with pytest.raises(bulkexo.NotFoundError):
        run(program)


def test_what_is_there_already_is_left_alone(tenant: Pretend, names: list[str]) -> None:
    async def program() -> list[bulkexo.Outcome]:
        async with bulkexo.Client(**options(tenant, skip_unchanged=True)) as client:
            assert len([each async for each in client.run(changes(names[:20], "same"))]) == 20
            return [each async for each in client.run(changes(names[:20], "same"))]

    assert {(each.status.value, each.attempts) for each in run(program)} == {("unchanged", 0)}


def test_compliance_is_signed_in_to_when_it_is_needed(tenant: Pretend, names: list[str]) -> None:
    def mixed() -> Iterator[bulkexo.Item]:
        for name in names[:10]:
            yield bulkexo.call("Get-Mailbox", Identity=name)
            yield bulkexo.call("Get-ComplianceCase")

    async def program() -> list[bulkexo.Outcome]:
        async with bulkexo.Client(**options(tenant)) as client:
            return [each async for each in client.run(mixed())]

    outcomes = run(program)
    assert [each.status.value for each in outcomes] == ["succeeded"] * 20
    assert sorted(each.item.row for each in outcomes) == list(range(1, 21))


def test_a_password_goes_encrypted(tenant: Pretend) -> None:
    async def program() -> None:
        async with bulkexo.Client(**options(tenant)) as client:
            new = bulkexo.call(
                "New-Mailbox",
                Name="Secret Bearer",
                MicrosoftOnlineServicesID="bearer@contoso.com",
                Password="hunter2-hunter2",
            )
            assert "hunter2" not in repr(new)
            (outcome,) = [each async for each in client.run([new])]
            assert outcome.status is bulkexo.Status.SUCCEEDED, outcome.error

    run(program)
