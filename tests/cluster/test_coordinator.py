"""The coordinator over real connections, asked by workers that are what a test makes of them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest

from bulkexo.cluster import distant
from bulkexo.cluster.distant import Distant
from bulkexo.cluster.messages import (
    OP,
    Announce,
    Ended,
    Finished,
    Items,
    Keep,
    More,
    Orders,
    Pass,
    SupersededError,
    WantToken,
    packed,
)
from bulkexo.model import Page, StoppedError
from bulkexo.schedule import Tally
from bulkexo.wire.doors import Host
from tests.cluster.bench import RUN, SECRET, Bench, always, beat, begin, bench, ended, items, until

pytestmark = pytest.mark.anyio

LEASE = 0.4


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # Dask's


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for workers that a test does not play to the end."""
    monkeypatch.setattr(distant, "CUT_LIMIT", 0.1)


async def test_a_share_from_its_beginning_to_its_end() -> None:
    async with bench() as here, anyio.create_task_group() as group:
        (tenant,) = here.tenants
        found: list[bool] = []

        async def run() -> None:
            found.append(await tenant.run(iter(items(3))))

        group.start_soon(run)
        at = (await here.given()).at
        line = here.worker("a")
        share = await begin(line, at, "a")
        assert (share.tenant, share.lease, share.run_id) == ("contoso", 10.0, RUN)
        given: Items = await line.ask(More(at, 10), always)
        assert [each.item.row for each in given.given] == [1, 2, 3]
        assert given.over
        three = [each.item for each in given.given]
        await line.ask(Announce(at, three[:2]), always)
        await line.ask(Announce(at, three[1:2], withdrawn=True), always)
        await line.ask(Keep(at, [Page(three[0], [1], first=True)]), always)
        assert (here.journal.announced, here.journal.withdrawn) == (three[:2], three[1:2])
        await line.ask(Ended(at, ended(*three)), always)
        assert tenant.tally.done == 3
        assert tenant.left == 2
        orders = await line.ask_once(beat(at, "a", Tally(sent=4, batches=2, rate=8.0, places=3)))
        assert orders == Orders()
        assert (tenant.tally.sent, tenant.tally.batches, tenant.tally.rate) == (4, 2, 8.0)
        assert here.coordinator.document(over=False)["cluster"]["ended"] is False
        await line.ask(Finished(at, True, None, Tally(sent=5), None), always)
        await until(lambda: bool(found))
        assert found == [True]
        assert (tenant.tally.sent, tenant.tally.batches, tenant.tally.rate) == (5, 0, None)
        assert here.coordinator.document(over=True) == {
            "cluster": {"lease": 10.0, "workers": 1, "ended": True}
        }
        assert here.engine.tasks[0].released
        with pytest.raises(SupersededError):
            await line.ask(More(at, 1), always)


async def test_a_question_asked_again_is_acted_upon_once() -> None:
    async with bench() as here, anyio.create_task_group() as group:
        group.start_soon(here.tenants[0].run, iter(items(5)))
        at = (await here.given()).at
        line = here.worker("a")
        await begin(line, at, "a")
        first: Items = await line.ask_once(More(at, 2), 50)
        again: Items = await line.ask_once(More(at, 2), 50)
        assert [each.item.row for each in first.given] == [each.item.row for each in again.given] == [1, 2]
        for _ in range(3):
            await line.ask_once(Keep(at, [Page(first.given[0].item, [1], first=True)]), 51)
        assert len(here.journal.pages) == 1
        await line.ask_once(More(at, 1), 52)
        peer: Any = here.pool(at.address)
        late = await getattr(peer, OP)(
            key=at.key, host="a", number=50, settled=53, payload=packed(More(at, 9))
        )
        assert late == packed(None)
        later: Items = await line.ask_once(More(at, 1), 54)
        assert [each.item.row for each in later.given] == [4]
        group.cancel_scope.cancel()


EXPLODED: list[str] = []


class Bomb:
    """What nobody may unpickle."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return EXPLODED.append, ("bang",)


BOMB = pickle.dumps(Bomb())


async def test_who_does_not_know_the_key_is_not_heard() -> None:
    async with bench() as here, anyio.create_task_group() as group:
        group.start_soon(here.tenants[0].run, iter(items(1)))
        at = (await here.given()).at
        for key in ("", at.key[:-1], "ключ"):
            with pytest.raises(SupersededError):
                await begin(here.worker("a", key=key), at, "a")
        peer: Any = here.pool(at.address)
        ask = getattr(peer, OP)
        await ask(key="no", host="a", number=1, settled=1, payload=BOMB)
        assert not EXPLODED
        await ask(key=at.key, host="a", number=1, settled=1, payload=b"no pickle")  # of another version, say
        await begin(here.worker("b"), at, "b")
        group.cancel_scope.cancel()


async def test_a_generation_begins_once() -> None:
    async with bench() as here, anyio.create_task_group() as group:
        group.start_soon(here.tenants[0].run, iter(items(1)))
        at = (await here.given()).at
        line = here.worker("a")
        await begin(line, at, "a")
        for other, host in ((line, "a"), (here.worker("b"), "b")):
            with pytest.raises(SupersededError):
                await begin(other, at, host)
        with pytest.raises(SupersededError):
            await begin(here.worker("c"), replace(at, generation=at.generation + 1), "c")
        group.cancel_scope.cancel()


async def test_who_is_silent_loses_its_tenant_and_is_not_heard_any_more() -> None:
    async with bench(lease=LEASE) as here, anyio.create_task_group() as group:
        here.engine.names = frozenset({"w1", "w2"})
        group.start_soon(here.tenants[0].run, iter(items(3)))
        at = (await here.given()).at
        line = here.worker("a")
        await begin(line, at, "a", "w1")
        given: Items = await line.ask(More(at, 2), always)
        one, two = (each.item for each in given.given)
        await line.ask(Announce(at, [one, two]), always)
        await line.ask(Ended(at, ended(one)), always)
        other = (await here.given(2)).at
        assert other.generation > at.generation
        assert here.engine.tasks[1].worker == "w2"
        for said in (More(at, 1), Announce(at, [two]), Ended(at, ended(two)), Keep(at, [])):
            with pytest.raises(SupersededError):
                await line.ask(said, always)
        assert (await line.ask_once(beat(at, "a"))).gone == {(at.number, at.generation)}
        second = here.worker("b")
        await begin(second, other, "b", "w2")
        taken: Items = await second.ask(More(other, 5), always)
        assert [(each.item.row, each.recovered) for each in taken.given] == [(2, True), (3, False)]
        assert [each.item.row for each in here.journal.ended] == [1]
        assert here.journal.notes == [
            "A worker gave no sign of life for too long: a tenant goes on at another."
        ]
        group.cancel_scope.cancel()


async def test_who_loses_its_tenant_while_the_disk_is_slow_does_not_send() -> None:
    async with bench() as here:
        (tenant,) = here.tenants
        tenant.ledger.load(iter(items(1)))
        at = Pass("", RUN, 0, tenant.ledger.give(), "")
        tenant.ledger.begin(at.generation, "a")
        (given,) = tenant.more(More(at, 1)).given
        here.journal.slow = anyio.Event()
        lost: list[SupersededError] = []

        async def announce() -> None:
            try:
                await tenant.announce(Announce(at, [given.item]))
            except SupersededError as error:
                lost.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(announce)
            await anyio.wait_all_tasks_blocked()
            again = tenant.ledger.give()
            here.journal.slow.set()
        assert lost
        tenant.ledger.begin(again, "b")
        (other,) = tenant.more(More(replace(at, generation=again), 1)).given
        assert other.recovered


async def test_a_worker_is_told_nothing_of_how_to_sign_in() -> None:
    async with bench() as here, anyio.create_task_group() as group:
        group.start_soon(here.tenants[0].run, iter(items(1)))
        at = (await here.given()).at
        line = here.worker("a")
        share = await begin(line, at, "a")
        assert SECRET.encode() not in pickle.dumps(share)
        assert SECRET not in repr(share)
        assert share.options.rate == 7.0
        assert share.connection.tenant == "contoso.onmicrosoft.com"
        token = await line.ask(WantToken(at, Host.EXCHANGE, "", ""), always)
        assert token.text == "a token for https://outlook.office365.com/.default"
        assert token.text not in repr(token)
        assert at.key not in repr(at)
        group.cancel_scope.cancel()


async def test_a_run_that_is_stopped_lets_its_workers_end() -> None:
    async with bench(tenants=2) as here, anyio.create_task_group() as group:
        found: list[bool] = []

        async def run(tenant: Distant) -> None:
            found.append(await tenant.run(iter(items(5))))

        here.coordinator._leases.room = 1  # the second waits
        group.start_soon(run, here.tenants[0])
        at = (await here.given()).at
        line = here.worker("a")
        await begin(line, at, "a")
        group.start_soon(run, here.tenants[1])
        await anyio.wait_all_tasks_blocked()
        here.tenants[0].stop()
        await until(lambda: bool(found))
        assert found == [False], "who waits for a worker ends at once"
        assert await line.ask(More(at, 1), always) == Items((), over=False)
        assert await line.ask_once(beat(at, "a")) == Orders(stop=True)
        await line.ask(Finished(at, False, None, Tally(), None), always)
        await until(lambda: len(found) == 2)
        assert found == [False, False]


async def test_a_run_that_is_cut_off_waits_for_its_workers_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distant, "CUT_LIMIT", 20.0)
    async with bench() as here, anyio.create_task_group() as group:
        group.start_soon(here.tenants[0].run, iter(items(5)))
        at = (await here.given()).at
        line = here.worker("a")
        await begin(line, at, "a")
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.wait_all_tasks_blocked()
            assert (await line.ask_once(beat(at, "a"))).cut
            assert here.coordinator.document(over=True)["cluster"]["ended"] is False
            await line.ask(Finished(at, False, None, Tally(), None), always)
    assert here.coordinator.document(over=True)["cluster"]["ended"] is True


async def stopping(here: Bench, error: list[StoppedError]) -> None:
    """Run the first tenant, which is to be stopped."""
    try:
        await here.tenants[0].run(iter(items(1)))
    except StoppedError as caught:
        error.append(caught)


async def test_what_dask_says_of_a_program_that_fails_ends_the_tenant() -> None:
    async with bench() as here:
        error: list[StoppedError] = []
        async with anyio.create_task_group() as group:
            group.start_soon(stopping, here, error)
            (await here.given()).why = "A worker could not begin."
        assert str(error[0]) == "A worker could not begin."


async def test_a_worker_of_another_version_ends_the_tenant() -> None:
    async with bench() as here, anyio.create_task_group() as group:
        error: list[StoppedError] = []
        group.start_soon(stopping, here, error)
        at = (await here.given()).at
        with pytest.raises(StoppedError, match="same version"):
            await begin(here.worker("a"), at, "a", version="0.0.1")
        await until(lambda: bool(error))
        assert "bulkexo 0.0.1" in str(error[0])


async def test_a_worker_that_cannot_reach_us_is_told_of() -> None:
    async with bench() as here, anyio.create_task_group() as group:
        here.engine.names = frozenset({"w1", "w2"})
        group.start_soon(here.tenants[0].run, iter(items(1)))
        (await here.given()).ended = True
        assert (await here.given(2)).worker == "w2"
        assert "--cluster-listen" in here.journal.notes[0]
        group.cancel_scope.cancel()


async def test_without_workers_and_scheduler_a_run_stops() -> None:
    async with bench() as here:
        here.engine.names = frozenset()
        here.engine.down = True
        with pytest.raises(StoppedError, match="scheduler is not reached"):
            await here.tenants[0].run(iter(items(1)))
        assert here.journal.notes == ["Dask's scheduler is not reached. It is waited for."]
