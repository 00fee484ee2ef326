"""Texts of others made fit to be shown: what cannot be seen, or turns the line around, is spelled out."""

from __future__ import annotations

import re
from typing import Any

UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
SPACE = re.compile(r"[\t\n\r\u2028\u2029]+")


def shown(value: Any, limit: int = 300) -> str:
    r"""A text of one line and of `limit` letters at the most; `\u202e` for a mark that turns it around."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    text = UNSEEN.sub(_spelled, SPACE.sub(" ", text[: 4 * limit]))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _spelled(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
