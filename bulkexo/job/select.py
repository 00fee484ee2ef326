"""`select`: the properties wanted of what a cmdlet returns (protocol.md, Request: `?$select=A,B`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bulkexo.job.problems import Problems, printable

_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,200}", re.ASCII)
"""What stands in a URL as it is; no property is called otherwise."""


def names_in(text: str) -> list[str]:
    """The names of a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def selected(names: Iterable[str], where: str, problems: Problems) -> tuple[str, ...]:
    """The properties, each once whatever its case; one that cannot be is told."""
    found: dict[str, str] = {}
    for name in names:
        if _NAME.fullmatch(name):
            found.setdefault(name.lower(), name)
        else:
            problems.add(
                where,
                f"{printable(name)!r} cannot be the name of a property.",
                "Write names such as UserPrincipalName, with commas between them.",
            )
    return tuple(found.values())
