"""What a scheduler is given: its settings, and whom it asks and tells."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bulkexo.choices import Order
from bulkexo.model import Earlier, Item
from bulkexo.schedule.settle import Rules

if TYPE_CHECKING:
    from bulkexo.pace.hours import Hours

Announce = Callable[[Sequence[Item]], Awaitable[None]]
"""Returns when it is on disk that these items are about to be sent (there may be none), and how the announced
ones have ended whose outcomes were taken before. Raises StoppedError if it cannot be."""

Decide = Callable[[Item, str], Awaitable[bool]]
"""Asks a person whether an item of unknown fate is sent again; the text says why it is asked."""


class Past(Protocol):
    """What an earlier process of the same run has left."""

    def unsettled(self, item: Item) -> bool:
        """Whether the item was announced and has no line: it may have been sent."""

    def earlier(self, item: Item) -> Earlier:
        """The earlier steps of the item's row that have ended, with what its rule needs of them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """batch_size: items a request, 1 to 10. rules: what becomes of an item. window: items open at once, which
    bounds memory. enough: items that may go, from which on no more are read, so that who comes later does not
    wait behind them. offline: seconds without reaching the service, or the one for signing in, after which
    the run stops. run_id: the first 24 characters of a GUID, from which each item's client-request-id is
    made. hours: in which something may be sent."""

    batch_size: int = 10
    order: Order = Order.IDENTITY
    rules: Rules = field(default_factory=Rules)
    window: int = 1000
    enough: float = math.inf
    offline: float = 600.0
    run_id: str = "00000000-0000-4000-8000-"
    hours: Hours | None = None
