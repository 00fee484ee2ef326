"""Where the allowance that was learned of a tenant is kept between runs: the user's cache folder."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from platformdirs import user_cache_path

from bulkexo.pace import Learned
from bulkexo.pace.memory import recall, remember


class Memory:
    """What is known of one tenant and app. key: names both, "" for one that is not worth remembering.

    Whatever goes wrong with the file, a run loses no more than a few seconds of learning.
    """

    def __init__(self, key: str, path: Path | None = None) -> None:
        self._key = key
        self._path = path or user_cache_path("bulkexo", appauthor=False) / "allowances.json"

    def recall(self) -> Learned | None:
        """What an earlier run has learned."""
        return recall(self._path, self._key, time.time()) if self._key else None

    def remember(self, learned: Learned) -> None:
        """Keep it for the next run."""
        if self._key:
            with contextlib.suppress(OSError):
                remember(self._path, self._key, learned, time.time())
