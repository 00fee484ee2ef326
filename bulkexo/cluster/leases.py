"""Which worker processes live, which tenants each has, and who gets the next. Pure. Floor 4.

A worker process (a host) may go on for the lease from a Beat that it sent and that was answered. It is given
up `SLACK` seconds after its last Beat arrived and the lease has passed, whatever Dask says of it: that a
connection was lost is no proof that nothing is sent any more. Times in seconds, of a clock that never goes
back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bulkexo.spread import SLACK

UNBEGUN = 30.0
"""Seconds that a worker may take at the least to begin with what it was given: it may have to start first."""


@dataclass(slots=True)
class _Host:
    """A worker process. worker: its address, as Dask knows it. last: when its last Beat arrived. lost: it was
    given up, and has not been heard of since."""

    worker: str
    last: float
    lost: bool = False


@dataclass(slots=True)
class Lot:
    """A tenant that is at a worker. since: when it was given, or begun with. host: the process that has begun
    with it, "" while none has. left: items that are not done."""

    number: int
    generation: int
    worker: str
    since: float
    host: str = ""
    left: int = 0


@dataclass(slots=True)
class _Load:
    tenants: int = 0
    left: int = 0


@dataclass(slots=True)
class Leases:
    """lease: seconds. room: tenants at one worker at the most."""

    lease: float
    room: int
    lots: dict[int, Lot] = field(default_factory=dict)
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _mute: dict[str, float] = field(default_factory=dict)  # workers that gave no sign of life, and since when

    def choose(
        self, waiting: Mapping[int, int], workers: Collection[str], now: float
    ) -> Iterator[tuple[int, str]]:
        """Which tenant goes to which worker: the largest first, each to the worker with the fewest items left
        that has room. waiting: items left, by the tenant's number. workers: those that Dask knows; one that
        was given up is tried again after a while, if it is not heard of before."""
        loads = {worker: _Load() for worker in sorted(workers) if not self._is_mute(worker, now)}
        for lot in self.lots.values():
            if load := loads.get(lot.worker):
                load.tenants += 1
                load.left += lot.left
        for number, left in sorted(waiting.items(), key=lambda each: (-each[1], each[0])):
            free = [worker for worker, load in loads.items() if load.tenants < self.room]
            if not free:
                return
            best = min(free, key=lambda worker: (loads[worker].left, loads[worker].tenants))
            loads[best].tenants += 1
            loads[best].left += left
            yield number, best

    def give(self, number: int, generation: int, worker: str, left: int, now: float) -> None:
        """A tenant was given to a worker."""
        self.lots[number] = Lot(number, generation, worker, now, left=left)

    def begin(self, number: int, host: str, worker: str, now: float) -> None:
        """A worker process has begun with a tenant."""
        lot = self.lots[number]
        lot.host, lot.worker, lot.since = host, worker, now
        self.heard(host, worker, now)

    def done(self, number: int) -> None:
        """A tenant is no longer at a worker."""
        self.lots.pop(number, None)

    def heard(self, host: str, worker: str, now: float) -> None:
        """A worker process gives a sign of life. worker: its address."""
        self._hosts[host] = _Host(worker, now)
        self._mute.pop(worker, None)

    def beat(self, host: str, has: Mapping[int, int], now: float) -> frozenset[tuple[int, int]]:
        """A Beat has arrived. has: the generations of the tenants that the process has, by their numbers.
        Number and generation of those that are not its own any more."""
        if known := self._hosts.get(host):
            self.heard(host, known.worker, now)
        return frozenset(
            (number, generation)
            for number, generation in has.items()
            if (lot := self.lots.get(number)) is None or (lot.generation, lot.host) != (generation, host)
        )

    def missing(self, host: str, has: Collection[int], now: float) -> list[int]:
        """The tenants that a process has begun with and does not have any more, by what it says itself: it
        had to give them up, since it could not be answered for a while."""
        return [
            lot.number
            for lot in self.lots.values()
            if lot.host == host and lot.number not in has and now - lot.since > self.lease + SLACK
        ]

    def overdue(self, workers: Collection[str], now: float) -> list[int]:
        """The tenants that go to others now: of processes that are given up here, and of workers that did not
        begin with them. workers: those that Dask knows."""
        busy = {lot.host for lot in self.lots.values()}
        for name, host in self._hosts.items():
            if name in busy and not host.lost and now - host.last > self.lease + SLACK:
                host.lost = True
                self._mute[host.worker] = now
        found = [lot for lot in self.lots.values() if self._over(lot, workers, now)]
        for lot in found:
            if not lot.host and lot.worker in workers:
                self._mute[lot.worker] = now
        self._forget(workers)
        return [lot.number for lot in found]

    def unreached(self, number: int, now: float) -> bool:
        """Whether the worker has ended with a tenant without having begun; then it is given no other until
        it is heard of."""
        lot = self.lots[number]
        if not lot.host:
            self._mute[lot.worker] = now
        return not lot.host

    @property
    def begun(self) -> bool:
        """Whether a process may still go on with something."""
        return any(lot.host for lot in self.lots.values())

    def _is_mute(self, worker: str, now: float) -> bool:
        since = self._mute.get(worker)
        return since is not None and now - since < self._patience

    @property
    def _patience(self) -> float:
        return max(UNBEGUN, 3 * self.lease)

    def _over(self, lot: Lot, workers: Collection[str], now: float) -> bool:
        if lot.host:
            return self._hosts[lot.host].lost
        return lot.worker not in workers or now - lot.since > self._patience

    def _forget(self, workers: Collection[str]) -> None:
        """Those that are gone, and of which nothing is left."""
        busy = {lot.host for lot in self.lots.values()}
        gone: Iterable[str] = [
            name
            for name, host in self._hosts.items()
            if host.lost and name not in busy and host.worker not in workers
        ]
        for name in gone:
            del self._hosts[name]
        self._mute = {worker: since for worker, since in self._mute.items() if worker in workers}
