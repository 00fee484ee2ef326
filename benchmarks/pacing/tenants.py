"""The tenants that the targets name, and further ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from .services import Latency, Profile, Queue, ServerTime, Service, Slots, TokenBucket

CHANGES = (200.0, 400.0)
"""Seconds at which an allowance that changes is halved, and doubled again."""
TRIP = 0.05
"""Seconds to the service and back, on top of its own time; varies by half either way."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """profile: what a client is allowed, net of others. slots: the oracle's batches in flight.
    make: a service of its own for every run. further: none that the targets name."""

    name: str
    profile: Profile
    make: Callable[[Random], Service]
    slots: int = 64
    further: bool = False

    @property
    def changes(self) -> tuple[float, ...]:
        """Seconds at which the allowance changes."""
        return tuple(self.profile.starts[1:])

    def items(self, seconds: float = 600.0) -> int:
        """A job that takes `seconds` at the allowance."""
        return round(self.profile.until(seconds))


def bucket(
    name: str,
    rate: float,
    burst: float,
    *,
    inside: float = 0.0,
    retry_after: str = "exact",
    other: float = 0.0,
    changing: bool = False,
    latency: Latency | None = None,
) -> Tenant:
    """A tenant with an allowance of `rate` items per second, of which `other` is another client's."""
    halved, doubled = CHANGES
    steps = [(0.0, rate), (halved, rate / 2), (doubled, rate)] if changing else [(0.0, rate)]

    def make(random: Random) -> Service:
        return TokenBucket(
            random,
            Profile(steps),
            burst,
            latency=latency or Latency(),
            inside=inside,
            retry_after=retry_after,
            other=other,
        )

    return Tenant(name, Profile([(start, value * (1 - other)) for start, value in steps]), make)


def slots(name: str, count: int, latency: Latency | None = None, trip: float = TRIP) -> Tenant:
    """A tenant that limits batches in flight only. trip: seconds there and back."""
    latency = latency or Latency()
    rate = count * 10 / (latency.mean(10) + trip)
    return Tenant(name, Profile([(0.0, rate)]), lambda random: Slots(random, count, latency), count)


def server_time(name: str, recharge: float, cutoff: float) -> Tenant:
    """A tenant with a budget of server time; one cmdlet in five is ten times as heavy as the others."""
    light, heavy, share = 0.1, 1.0, 0.2
    mean = light * (1 - share) + heavy * share

    def make(random: Random) -> Service:
        return ServerTime(random, recharge, cutoff, light=light, heavy=heavy, share=share)

    return Tenant(name, Profile([(0.0, recharge / mean)]), make)


def queue(name: str, rate: float) -> Tenant:
    """A tenant that never refuses and grows slow."""
    return Tenant(name, Profile([(0.0, rate)]), lambda random: Queue(random, rate, Latency()))


def tenants() -> list[Tenant]:
    """Those that the targets name, then further ones. Small burst: two batches, or a quarter of a second;
    large: ten seconds."""
    found = [
        bucket(f"{rate}/s, {word} burst", rate, burst)
        for rate in (5, 40, 400)
        for word, burst in (("small", max(20, rate / 4)), ("large", rate * 10))
    ]
    found += [
        bucket(f"{rate}/s, halved, doubled", rate, max(20, rate / 4), changing=True) for rate in (5, 40, 400)
    ]
    return [
        *found,
        bucket("40/s, refused inside batches", 40, 20, inside=1.0),
        bucket("40/s, Retry-After too short", 40, 20, retry_after="short"),
        bucket("40/s, Retry-After absent", 40, 20, retry_after="none"),
        bucket("80/s, half of it another's", 80, 40, other=0.5),
        slots("8 batches in flight, no rate", 8),
        server_time("server time, light and heavy", 6.0, 600.0),
        queue("40/s, silent delays", 40),
        *(replace(tenant, further=True) for tenant in _further()),
    ]


def _further() -> list[Tenant]:
    return [
        bucket("100/s, refused inside, slow replies", 100, 100, inside=1.0, latency=Latency(0.5, 0.5)),
        bucket("40/s, Retry-After in whole seconds", 40, 40, retry_after="second"),
        bucket("40/s, the same, small burst", 40, 20, retry_after="second"),
    ]
