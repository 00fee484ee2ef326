"""What is read of an object before an item changes it: for whoever wants to know it, or to decide by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bulkexo.model import Failure, Item, Status


@dataclass(frozen=True, slots=True)
class Found:
    """What a read has shown. there: whether the service knows the object. value: the objects, of the first
    page alone; whole: whether that was all."""

    there: bool
    value: Sequence[Any] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Ending:
    """How an item ends that is not sent. error: why, of one that failed; warnings: of any other."""

    status: Status
    error: Failure | None = None
    warnings: Sequence[str] = ()


class Before(Protocol):
    """Asked about every item when its turn has come, and no second time in one process. An item that an
    earlier process may have sent is not asked about: it is settled."""

    def question(self, item: Item) -> Item | Ending | None:
        """The read that comes first, a Get- for the same tenant; None if the item may go as it is, and how it
        ends if it is not to be sent at all."""

    def answer(self, item: Item, found: Found) -> Ending | None:
        """Take in what was found. None if the item is to be sent now, else how it ends."""
