"""A worker's side of a run, against a coordinator that does what the test says, and a sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bulkexo.cluster.messages import Given
from bulkexo.model import Item, Status
from bulkexo.net.tokens import Token
from tests.cluster.coordinating import Coordinator, hosts_end, run_share, serving, share
from tests.e2e.files import people
from tests.e2e.pretend import Pretend, pretend

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    hosts_end()


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    with pretend(tmp_path_factory.mktemp("tenant"), "--mailboxes 300 --speed 100") as running:
        yield running


@pytest.fixture(scope="module")
def token(tenant: Pretend) -> Token:
    return Token(tenant.token(), 3600.0)


@pytest.fixture(scope="module")
def names(tenant: Pretend) -> list[str]:
    return people(tenant)


def item(row: int, name: str, cmdlet: str = "Set-Mailbox") -> Item:
    return Item(row, 1, cmdlet, name, {"Identity": name, "CustomAttribute1": f"row {row}"}, {})


async def test_a_share_runs_to_its_end(tenant: Pretend, token: Token, names: list[str]) -> None:
    given = [Given(item(row, name)) for row, name in enumerate(names, 1)]
    coordinator = Coordinator(given, lambda _: token, share=share(tenant))
    async with serving(coordinator) as at:
        await run_share(at)
    assert coordinator.finished is not None
    assert (coordinator.finished.complete, coordinator.finished.error) == (True, None)
    assert sorted(each.item.row for each in coordinator.outcomes) == list(range(1, len(names) + 1))
    assert {each.status for each in coordinator.outcomes} == {Status.SUCCEEDED}
