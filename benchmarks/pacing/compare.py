"""Every client against every tenant, over many seeds: the worst of each ratio, and what misses its target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from itertools import islice
from random import Random

from bulkexo.pace import Backoff, Pacer

from .drive import Client, Trace, run, workers
from .measure import Result, measure
from .rivals import LAWS, Module, Oracle
from .tenants import Tenant, tenants

PACER, MODULE, WORKERS, ORACLE = "bulkexo", "(a) one after another", "(b) 20 workers", "(c) oracle"
PLACES = 64
"""Batches in flight allowed to every client: enough for 400 items a second at half a second a batch."""


def trace(tenant: Tenant, client: str, seed: int, seconds: float = 600.0) -> Trace:
    """One run of `client` against a tenant of its own, of `seconds` at the allowance. The same seed is the
    same service."""
    random, service, items = Random(seed), tenant.make(Random(seed + 1_000_000)), tenant.items(seconds)
    if client == WORKERS:
        return workers(service, random, items)
    return run(_client(tenant, client, random), service, random, items)


def _client(tenant: Tenant, client: str, random: Random) -> Client:
    if client == PACER:
        return Pacer(rate=None, concurrency=PLACES, backoff=Backoff(random.random))
    if client == MODULE:
        return Module(random)
    return Oracle(random, tenant) if client == ORACLE else LAWS[client](random)


@dataclass(frozen=True, slots=True)
class Row:
    """The worst over the seeds. share: total ÷ the oracle's. missed: in how many seeds each target was
    missed. at_all: seeds in which it ended later than (a) or (b) by the clock; "later" counts those in which
    it also ended more than 1 % after the earlier of them, or after the oracle where even that, which knows
    every limit, ends later than they do: what (b) gains by having a quarter of its items refused is forbidden
    to whoever may have 1 % refused."""

    tenant: Tenant
    client: str
    seeds: int
    goodput: float
    refused: float
    settle: float
    regain: float | None
    swing: float
    share: float
    at_all: int
    missed: dict[str, int]


def rows(chosen: Sequence[Tenant], clients: Sequence[str], seeds: range, jobs: int = 1) -> Iterator[Row]:
    """Row by row, tenant by tenant. The oracle, (a) and (b) always run: the others are held against them.
    jobs: processes; the numbers do not depend on it."""
    with ProcessPoolExecutor(jobs) if jobs > 1 else nullcontext() as pool:
        for tenant in chosen:
            met = list(dict.fromkeys((ORACLE, MODULE, WORKERS, *clients)))
            runs = [(tenant.name, client, seed) for client in met for seed in seeds]
            found = iter(pool.map(_result, runs, chunksize=4) if pool else map(_result, runs))
            results = {client: list(islice(found, len(seeds))) for client in met}
            for client in clients:
                yield _row(tenant, client, results)


@cache
def _named() -> dict[str, Tenant]:
    return {tenant.name: tenant for tenant in tenants()}


def _result(run: tuple[str, str, int]) -> Result:
    name, client, seed = run
    return measure(_named()[name], trace(_named()[name], client, seed))


def permitted(tenant: Tenant) -> float:
    """Share of the items sent that may be refused."""
    return 0.03 if min(tenant.profile.rates) < 20 else 0.01


def missed(tenant: Tenant, mine: Result, oracle: Result, earlier: float) -> dict[str, bool]:
    """The targets by name, and whether one run missed them. earlier: seconds of (a) or (b),
    whichever ended first."""
    return {
        "goodput": mine.goodput < 0.97,
        "refused": mine.refused > permitted(tenant),
        "regain": (mine.regain or 0.0) > 1,
        "swing": mine.swing > 0.15,
        "total": mine.total > 1.05 * oracle.total,
        "later": mine.total > 1.01 * max(earlier, oracle.total),
        "stalled": mine.stalled,
    }


def _row(tenant: Tenant, client: str, results: dict[str, list[Result]]) -> Row:
    mine, oracle = results[client], results[ORACLE]
    earlier = [min(a.total, b.total) for a, b in zip(results[MODULE], results[WORKERS], strict=True)]
    misses = [missed(tenant, *run) for run in zip(mine, oracle, earlier, strict=True)]
    regains = [result.regain for result in mine if result.regain is not None]
    return Row(
        tenant=tenant,
        client=client,
        seeds=len(mine),
        goodput=min(result.goodput for result in mine),
        refused=max(result.refused for result in mine),
        settle=max(result.settle for result in mine),
        regain=max(regains) if regains else None,
        swing=max(result.swing for result in mine),
        share=max(m.total / o.total for m, o in zip(mine, oracle, strict=True)),
        at_all=sum(m.total > soonest for m, soonest in zip(mine, earlier, strict=True)),
        missed={name: sum(miss[name] for miss in misses) for name in misses[0]},
    )
