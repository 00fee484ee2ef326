"""The shape of `causes`: what a cause is, and how a row of its table matches a failure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mends(StrEnum):
    """What puts it right."""

    RETRY = "retry"
    """Running the row again as it is, later: `bulkexo retry`."""
    PERSON = "person"
    """Somebody has to change or decide something first."""
    NOTHING = "nothing"
    """Nothing is wrong, or another item's failure has it in its wake."""


@dataclass(frozen=True, slots=True)
class Cause:
    """kind: a stable id. words: what went wrong, as half a sentence. remedy: what to do now, as sentences."""

    kind: str
    words: str
    remedy: str
    mends: Mends = Mends.PERSON


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: matches if every part that is given matches, or if the message says one of
    `spoken`. codes: whole. types: the last dotted part of each; "" stands for an error without one. texts,
    spoken: any of them anywhere in the message, lower case. statuses: of HTTP."""

    cause: Cause
    codes: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    statuses: frozenset[int] = frozenset()
    spoken: tuple[str, ...] = ()

    def matches(self, code: str, kind: str, text: str, status: int | None) -> bool:
        """Whether a failure of this code, type (last part), text (lower case) and status is meant."""
        return any(part in text for part in self.spoken) or (
            (not self.codes or code in self.codes)
            and (not self.types or kind in self.types)
            and (not self.texts or any(part in text for part in self.texts))
            and (not self.statuses or status in self.statuses)
        )


def rule(
    kind: str,
    words: str,
    remedy: str,
    mends: Mends = Mends.PERSON,
    *,
    codes: str = "",
    types: str = "",
    texts: tuple[str, ...] = (),
    statuses: tuple[int, ...] = (),
    spoken: tuple[str, ...] = (),
    untyped: bool = False,
) -> Rule:
    """A row of the table. codes (without their `bulkexo:`), types: joined by spaces. untyped: of errors
    without a type."""
    return Rule(
        Cause(kind, words, remedy, mends),
        frozenset(f"bulkexo:{code}" for code in codes.split()),
        frozenset({""} if untyped else types.split()),
        texts,
        frozenset(statuses),
        spoken,
    )
