"""One tenant under two names in one job. Floor 4, beside tenancy.py."""

from __future__ import annotations

from collections.abc import Sequence

from bulkexo.connection import Auth
from bulkexo.model import UsageError
from bulkexo.net.identity import way
from bulkexo.tenancy import Executor, Place


def require_apart(places: Sequence[Place], tenancies: Sequence[Executor]) -> None:
    """That no two of them are one tenant under two names, signed in to as the same: each would have a pace of
    its own, and of one mailbox two items could go at once. Raises UsageError."""
    known: dict[tuple[str, ...], str] = {}
    for place, each in zip(places, tenancies, strict=True):
        who, auth = each.who, way(place.identity.connection, place.identity.secrets)
        if not who.tenant or auth in (Auth.TOKEN, Auth.MANAGED_IDENTITY):  # these name one tenant for all
            continue
        key = (each.connection.endpoint, who.tenant.lower(), who.app, who.upn)
        other = known.setdefault(key, each.name)
        if other != each.name:
            raise UsageError(
                f"{other} and {each.name} are the same tenant, {who.tenant}. Nothing was sent: give it one "
                "name in all rows."
            )
