"""Lengths of time as people write them."""

from __future__ import annotations

import re
from typing import Any, Final

_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d+)?)\s*([smhd]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(value: Any) -> float:
    """`30s`, `10m`, `2h`, `1d`, `90` as seconds. Raises ValueError with a sentence."""
    match = _DURATION.fullmatch(str(value).strip().lower())
    if match is None or isinstance(value, bool):
        raise ValueError("Give a duration such as 30s, 10m or 2h.")
    return float(match[1]) * _SECONDS[match[2]]
