"""Where the service's public key is kept between runs, with its age: the user's cache folder. No secret."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import orjson
from platformdirs import user_cache_path

from bulkexo.whole import rewrite
from bulkexo.wire.key import public_key

VERSION = 1
MOST = 50
"""Keys kept: the newest."""


class KeyStore:
    """The key of one service and tenant. name: names both, "" for one that is not worth keeping.

    The file, `{"version": 1, "keys": {name: {"key", "at"}}}`, is harmless to delete; whatever goes wrong with
    it, a run loses no more than one request.
    """

    def __init__(self, name: str, path: Path | None = None) -> None:
        self._name = name
        self._path = path or user_cache_path("bulkexo", appauthor=False) / "keys.json"

    def recall(self) -> tuple[str, float] | None:
        """The key, and the second since the epoch at which it was fetched; None if nothing sound is there."""
        entry = self._read().get(self._name) if self._name else None
        if not isinstance(entry, dict) or not isinstance(entry.get("at"), int | float):
            return None
        key = public_key(entry.get("key"))
        return (key, float(entry["at"])) if key else None

    def remember(self, key: str, at: float) -> None:
        """Keep it for the next run."""
        if not self._name:
            return
        entries = {name: each for name, each in self._read().items() if name != self._name}
        newest = dict([(self._name, {"key": key, "at": at}), *entries.items()][:MOST])
        with contextlib.suppress(OSError):
            rewrite(self._path, orjson.dumps({"version": VERSION, "keys": newest}))

    def _read(self) -> dict[str, Any]:
        try:
            document = orjson.loads(self._path.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        if not isinstance(document, dict) or document.get("version") != VERSION:
            return {}
        keys = document.get("keys")
        return keys if isinstance(keys, dict) else {}
