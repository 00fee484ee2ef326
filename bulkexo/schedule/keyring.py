"""The service's key for secrets, as a gate uses it: one at a time, not too old, and another when refused."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio

from bulkexo.wire.key import sealing
from bulkexo.wire.values import Seal

DAY = 86400.0
"""Seconds after which a key is fetched anew: it is rotated, and only one version back still works."""


PAUSE = 60.0
"""Seconds until it is fetched again after a time that gave no other key: the module is large, and whoever
waits for it sends nothing."""


class Store(Protocol):
    """Where a key is kept between runs, with its age."""

    def recall(self) -> tuple[str, float] | None:
        """The key, and the second since the epoch at which it was fetched."""

    def remember(self, key: str, at: float) -> None:
        """Keep it; never raises."""


class Keyring:
    """fetch: gets the key from the service, "" if it is not to be had. wall: seconds since the epoch."""

    def __init__(self, fetch: Callable[[], Awaitable[str]], store: Store, wall: Callable[[], float]) -> None:
        self._fetch = fetch
        self._store = store
        self._wall = wall
        self._lock = anyio.Lock()
        self._key = ""
        self._at = 0.0
        self._in_vain = -math.inf  # when there was last no other key to be had
        self._seal: Seal | None = None
        if (known := store.recall()) is not None:
            self._take(*known)

    async def current(self) -> Seal | None:
        """What encrypts now; None if no key is to be had. An old one serves where no other is."""
        if self._seal is None or not 0 <= self._wall() - self._at <= DAY:
            await self.renew(self._seal)
        return self._seal

    async def renew(self, refused: Seal | None) -> bool:
        """Fetch the key, unless another has done so since this one was refused, or a moment ago in vain;
        whether it is another."""
        async with self._lock:
            if self._seal is not refused:
                return True
            if 0 <= self._wall() - self._in_vain < PAUSE:
                return False
            key = await self._fetch()
            changed = key not in ("", self._key)
            self._in_vain = -math.inf if changed else self._wall()
            if key:
                self._take(key, self._wall())
                self._store.remember(key, self._at)
            return changed

    def _take(self, key: str, at: float) -> None:
        self._at = at
        if key != self._key:
            self._key, self._seal = key, sealing(key)
