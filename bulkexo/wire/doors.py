"""Through which door a cmdlet goes: which host, which kind of call, in company or alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bulkexo.model import Item


class Host(StrEnum):
    """A service of the tenant, with an endpoint and a token of its own."""

    EXCHANGE = "exchange"
    COMPLIANCE = "compliance"


@dataclass(frozen=True, slots=True)
class Door:
    """Calls of one door may share a batch; those of two never do. alone: each is a request of its own."""

    host: Host = Host.EXCHANGE
    alone: bool = False


INVOKE = Door()
"""InvokeCommand of Exchange Online, the one that nearly all take."""

COMPLIANCE = Door(Host.COMPLIANCE)
"""InvokeCommand of Security & Compliance."""


def door(item: Item) -> Door:
    """The door of an item."""
    return COMPLIANCE if item.api == "compliance" else INVOKE
