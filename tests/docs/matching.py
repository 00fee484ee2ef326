"""Whether a command said what the page shows. `…` is anything; by itself, any number of lines. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

ANYTHING = "…"


def mismatch(expected: Sequence[str], said: str) -> str:
    """How what was said differs from what the page shows; "" if it does not."""
    actual = [line.rstrip() for line in said.splitlines()]
    if matches([line.rstrip() for line in expected], actual):
        return ""
    diff = difflib.unified_diff(list(expected), actual, "the page", "bulkexo", lineterm="")
    return "\n".join(diff)


def matches(expected: Sequence[str], actual: Sequence[str]) -> bool:
    """Line by line; empty lines around count for nothing."""
    actual = _stripped(actual)
    pieces: list[list[str]] = [[]]
    for line in _stripped(expected):
        if line.strip() == ANYTHING:
            pieces.append([])
        else:
            pieces[-1].append(line)
    first, *later = pieces
    if not later:
        return _fits(first, actual)
    if not _fits(first, actual[: len(first)]):
        return False
    at, last = len(first), later.pop()
    for piece in later:
        while not _fits(piece, actual[at : at + len(piece)]):
            at += 1
            if at > len(actual):
                return False
        at += len(piece)
    tail = actual[at:]
    return len(last) <= len(tail) and _fits(last, tail[len(tail) - len(last) :])


def _fits(expected: Sequence[str], actual: Sequence[str]) -> bool:
    return len(expected) == len(actual) and all(map(_line_fits, expected, actual))


def _line_fits(expected: str, actual: str) -> bool:
    if ANYTHING not in expected:
        return expected == actual
    return re.fullmatch(".*?".join(map(re.escape, expected.split(ANYTHING))), actual) is not None


def _stripped(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    for end in (0, -1):
        while kept and not kept[end].strip():
            kept.pop(end)
    return kept
