"""What several tenants share: the batches in flight."""

from __future__ import annotations

from dataclasses import replace

from bulkexo.net.identity import Identity, Secrets
from bulkexo.net.sessions import TOGETHER
from bulkexo.options import Options
from bulkexo.tenancy import Place, shared

HERE = Options(concurrency=100)


def places(*names: str) -> list[Place]:
    return [Place(name, HERE, Identity(HERE.connection, Secrets())) for name in names]


def in_flight(found: list[Place]) -> list[int]:
    return [place.options.concurrency for place in found]


def test_one_tenant_has_all_that_was_asked_for() -> None:
    (only,) = places("")
    many = replace(only, options=Options(concurrency=1000))
    assert in_flight(shared([many], {})) == [1000]


def test_several_share_by_their_items_and_none_has_more_than_was_asked_for() -> None:
    assert in_flight(shared(places("a", "b"), {"a": 50, "b": 50})) == [100, 100]
    assert in_flight(shared(places("a", "b", "c"), {"a": 9900, "b": 99, "c": 1})) == [100, 2, 1]
    quarters = places("a", "b", "c", "d")
    quarters[0] = replace(quarters[0], options=Options(concurrency=3))
    assert in_flight(shared(quarters, dict.fromkeys("abcd", 7))) == [3, 50, 50, 50]


def test_together_they_stay_near_what_a_process_may_open() -> None:
    names = [f"t{number}" for number in range(1000)]
    assert in_flight(shared(places(*names), dict.fromkeys(names, 1000))) == [1] * 1000
    some = names[:130]
    assert sum(in_flight(shared(places(*some), dict.fromkeys(some, 10)))) <= 1.5 * TOGETHER
