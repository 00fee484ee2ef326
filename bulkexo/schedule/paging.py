"""The pages of one item on their way: what has come, and when there must be an end. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bulkexo.model import Page

Keep = Callable[[Sequence[Page]], Awaitable[None]]
"""Takes pages on; returns when they are written down, so that the next ones are not asked for before. Raises
StoppedError if they cannot be."""

WARNINGS = 1000
"""Different warnings kept of an item's pages: most say the same on each."""


@dataclass(frozen=True, slots=True)
class PageLimits:
    """When the pages of an item are held to have no end.

    pages: 20,000 are 20 million objects at 1,000 a page, and 2 million where a service keeps to its own 100:
    more than any tenant has. empty: in a row; a list that is filtered on the way can have some.
    """

    pages: int = 20_000
    empty: int = 100


@dataclass(slots=True)
class Paging:
    """pages: that came, each with a next one. empty: of these, the last ones without an object. objects: in
    them; kept: the first of these, as far as later steps name them. seen: hashes of their links. warnings: of
    all, each once."""

    pages: int = 0
    empty: int = 0
    objects: int = 0
    kept: list[dict[str, Any]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    warnings: dict[str, None] = field(default_factory=dict)

    def turn(self, link: str, count: int, warnings: Iterable[str], came: int | None = None) -> None:
        """Take in a page of `count` objects, and the link to the next. came: objects that it had before the
        step chose among them, None for as many."""
        self.pages += 1
        self.objects += count
        self.empty = 0 if (count if came is None else came) else self.empty + 1
        self.seen.add(hash(link))
        for warning in warnings:
            if len(self.warnings) < WARNINGS:
                self.warnings[warning] = None

    def endless(self, link: str, count: int, limits: PageLimits) -> str:
        """Why a page of `count` objects with this link should be the last; "" if it need not."""
        if hash(link) in self.seen:
            return "The service named a page as the next one that had been read already."
        if not count and self.empty + 1 >= limits.empty:
            return f"The service sent {limits.empty:,} empty pages in a row, and named a next one each time."
        if self.pages + 1 >= limits.pages:
            return f"The service sent {limits.pages:,} pages, and there was no end of them."
        return ""
