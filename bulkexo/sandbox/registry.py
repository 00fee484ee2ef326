"""All cmdlets of the sandbox: name to signature and handler."""

from __future__ import annotations

from dataclasses import dataclass

from bulkexo.sandbox import groups, mailboxes, organization, permissions, users
from bulkexo.sandbox.parameters import Signature, load
from bulkexo.sandbox.tenant import Handler

IGNORES_WHAT_IF = frozenset({"Set-User"})
"""Cmdlets that carry out their change in spite of `WhatIf` (`protocol.md`: it "is not to be trusted")."""


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """A signature and what carries it out."""

    signature: Signature
    handler: Handler

    @property
    def name(self) -> str:
        """As the catalogue spells it."""
        return self.signature.cmdlet

    @property
    def writes(self) -> bool:
        """Whether it can change anything."""
        return not self.name.startswith("Get-")


def cmdlets() -> dict[str, Cmdlet]:
    """By lower-case name."""
    signatures = load()
    handlers: dict[str, Handler] = {}
    for room in (mailboxes, users, groups, permissions, organization):
        handlers.update(room.HANDLERS)
    return {name.lower(): Cmdlet(signatures[name.lower()], handler) for name, handler in handlers.items()}
