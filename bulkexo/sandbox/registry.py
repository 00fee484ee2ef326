"""All cmdlets of the sandbox: name to signature and handler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from bulkexo.sandbox import (
    compliance,
    contacts,
    devices,
    dynamic,
    folders,
    groups,
    mailboxes,
    organization,
    owners,
    permissions,
    rules,
    users,
)
from bulkexo.sandbox.parameters import Signature, load
from bulkexo.sandbox.sites import Service
from bulkexo.sandbox.tenant import Handler

_ROOMS = {
    Service.EXCHANGE: (
        mailboxes,
        users,
        groups,
        permissions,
        organization,
        folders,
        devices,
        dynamic,
        rules,
        owners,
        contacts,
    ),
    Service.COMPLIANCE: (compliance,),
}
IGNORES_WHAT_IF = frozenset({"Set-User"})
"""Cmdlets that carry out their change in spite of `WhatIf` (`protocol.md`: it "is not to be trusted")."""


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """A signature and what carries it out. services: where it is known."""

    signature: Signature
    handler: Handler
    services: frozenset[Service]

    @property
    def name(self) -> str:
        """As the catalogue spells it."""
        return self.signature.cmdlet

    @property
    def writes(self) -> bool:
        """Whether it can change anything."""
        return not self.name.startswith("Get-")


@cache
def cmdlets() -> Mapping[str, Cmdlet]:
    """By lower-case name; one table for all tenants."""
    signatures = load()
    return {
        name.lower(): Cmdlet(signatures[name.lower()], handler, frozenset({service}))
        for service, rooms in _ROOMS.items()
        for room in rooms
        for name, handler in room.HANDLERS.items()
    }
