"""What goes wrong, and how often: drawn from seeded random numbers, so that a run can be repeated.

Of requests: `cut-before` (the connection is cut before anything ran), `cut-after` (after all of it ran),
`503` and `408` (not run), `504` (each cmdlet ran or not, by coin), `html` (a proxy's page, not run), `nul403`
(403 with NUL bytes declared as gzip, not run) and `slow` (the reply comes `slow-seconds` later). For a batch,
half of the 503, 504 and 408 strike one item inside it, the others the whole.

Of cmdlets: `500` (an error body; ran or not, by coin), `transient` (a passing exception, not run) and
`missing` (ran, but its response is missing from the batch; it strikes batches only).

By name only, since nobody has to overcome them: `complaint` (a refusal that stays one: a licence, a scope;
not run), `errors-200` and `error-200` (the same within a 200, as `@adminapi.errors` or as `error`), `empty`
(a write ran, and its success has no body: 204 or 200), `x-warnings` (warnings come in the header),
`other-form` (an error that the cmdlet ends with comes in another of its forms), `expired-page` (a nextLink is
no longer good) and `entry-error` (that an access entry is there already is an error instead of a warning).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bulkexo.sandbox.errors import CmdletError

_MIXED_REQUESTS = ("cut-before", "cut-after", "503", "504", "html", "nul403", "slow")
_MIXED_ITEMS = ("500", "transient", "missing")
REQUEST_KINDS = (*_MIXED_REQUESTS, "408")
ITEM_KINDS = (*_MIXED_ITEMS, "complaint", "errors-200", "error-200", "empty", "x-warnings", "other-form",
              "expired-page", "entry-error")  # fmt: skip
KINDS = REQUEST_KINDS + ITEM_KINDS
MIXED = _MIXED_REQUESTS + _MIXED_ITEMS
"""What `--faults N` is a mixture of."""


@dataclass(frozen=True, slots=True)
class Faults:
    """per_mille: kind to how many of 1,000. slow_seconds: how much later a slow reply comes."""

    per_mille: Mapping[str, float] = field(default_factory=dict)
    slow_seconds: float = 30.0

    def request(self, random: Random) -> str | None:
        """The fault that strikes this request, if any."""
        return self._draw(REQUEST_KINDS, random)

    def item(self, random: Random) -> str | None:
        """The fault that strikes this cmdlet, if any."""
        return self._draw(ITEM_KINDS, random)

    def _draw(self, kinds: tuple[str, ...], random: Random) -> str | None:
        if not self.per_mille:
            return None
        left = random.random() * 1000
        for kind in kinds:
            left -= self.per_mille.get(kind, 0.0)
            if left < 0:
                return kind
        return None


def spread(per_mille: float) -> Faults:
    """The short form: this many of 1,000 altogether, every kind of the mixture as often as the others."""
    return parse_faults(dict.fromkeys(MIXED, per_mille / len(MIXED)) if per_mille else {})


def parse_faults(content: object) -> Faults:
    """The content of a faults file: a mapping of kinds to per mille, and `slow-seconds`.

    Raises ValueError with a sentence.
    """
    if content is None:
        return Faults()
    if not isinstance(content, dict):
        raise ValueError(  # noqa: TRY004  (a file's mistake, not a programmer's)
            "The faults are not a mapping: write lines such as `cut-after: 5` (per mille)."
        )
    rates: dict[str, float] = {}
    slow = Faults().slow_seconds
    for key, value in content.items():
        number = _number(key, value)
        if str(key) == "slow-seconds":
            slow = number
        elif str(key) in KINDS:
            rates[str(key)] = number
        else:
            raise ValueError(f"There is no fault '{key}'. There are: {', '.join(KINDS)}; and slow-seconds.")
    for kinds, what in ((REQUEST_KINDS, "requests"), (ITEM_KINDS, "cmdlets")):
        if sum(rates.get(kind, 0.0) for kind in kinds) > 1000:
            raise ValueError(
                f"The faults of {what} ({', '.join(kinds)}) add up to more than 1,000 per mille."
            )
    return Faults(rates, slow)


def _number(key: object, value: Any) -> float:
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"The fault '{key}' needs a number that is not negative, not '{value}'.")
    return number


SERVER_ERROR = CmdletError(
    "System.NullReferenceException",
    "Object reference not set to an instance of an object.",
    status=500,
    code="InternalServerError",
)
