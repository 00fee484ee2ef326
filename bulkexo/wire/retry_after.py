"""`Retry-After` in all the forms that it comes in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, or None where the header is absent or makes no sense.

    headers: names in lower case. Seconds may be a fraction (protocol.md, Status). An HTTP date is counted
    from the reply's own `Date`, so that this machine's clock does not matter; without one it is None.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            due = parsedate_to_datetime(text)
            said = parsedate_to_datetime(headers.get("date", ""))
            seconds = (due - said).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
