"""What tenants grant, as `bulkexo catalogue refresh` has found it, in the user's cache folder. No secret."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import orjson
from platformdirs import user_cache_path

from bulkexo.connection import Connection
from bulkexo.facts.granted import Granted, read
from bulkexo.model import UsageError
from bulkexo.whole import rewrite


def recall(connection: Connection, folder: Path | None = None) -> Granted | None:
    """What the tenant of a connection grants to who signs in there; None if it was never asked."""
    if connection.tenant is None:
        return None
    try:
        return read(orjson.loads(_file(connection, connection.tenant, folder).read_bytes()))
    except (OSError, orjson.JSONDecodeError):
        return None


def remember(
    granted: Granted, connection: Connection, tenants: Iterable[str], folder: Path | None = None
) -> None:
    """Keep it for the tenant by each of these names. Raises UsageError if it cannot be written."""
    content = orjson.dumps(granted.document())
    for tenant in tenants:
        file = _file(connection, tenant, folder)
        try:
            rewrite(file, content)
        except OSError as error:
            raise UsageError(
                f"{file} cannot be written ({error.strerror}). Make room there, or give yourself the "
                "right to write."
            ) from None


def _file(connection: Connection, tenant: str, folder: Path | None) -> Path:
    """One for each service, tenant, and app or person that is named: each has roles of its own."""
    who = connection.client_id or connection.account or ""
    name = sha256(f"{connection.endpoint} {tenant} {who}".lower().encode()).hexdigest()[:32]
    return (folder or user_cache_path("bulkexo", appauthor=False) / "catalogues") / f"{name}.json"
