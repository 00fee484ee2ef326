"""`Rate-Limit-Remaining` and `Rate-Limit-Reset`: seen in 2024, not in 2026; used when there, never needed."""

from __future__ import annotations

import math
from collections.abc import Mapping


def rate_limit(headers: Mapping[str, str]) -> tuple[float | None, float | None]:
    """(remaining, seconds until the reset), each None where it is absent or makes no sense.

    headers: names in lower case. The units are not documented (protocol.md, second reading).
    """
    return _number(headers.get("rate-limit-remaining")), _number(headers.get("rate-limit-reset"))


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
