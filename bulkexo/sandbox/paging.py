"""Cursors of long lists (`protocol.md`, "Paging"): opaque, tied to one backend, and short-lived.

A cursor is refused when the body, the `connection-id`, the `X-AnchorMailbox` or the cookie is another than
that of the first request, when there was no usable anchor, and when it has expired; it may be used again
until then. Who asks by GET has no body: the cursor knows it.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_ANCHOR = re.compile(r"(UPN|APP|MBX|SMTP|OID|PUID):.+", re.IGNORECASE)
_MOST = 20_000
"""Cursors kept at once; the oldest go first."""

EXPIRED = "Expired or Invalid pagination request"


@dataclass(frozen=True, slots=True)
class Backend:
    """What has to stay the same from page to page. body: a fingerprint of the CmdletInput."""

    connection: str
    anchor: str
    body: bytes
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list goes on. after: the last position that was given. given: how many objects were. cmdlet,
    parameters: what was asked for."""

    backend: Backend
    cmdlet: str
    parameters: Mapping[str, Any]
    after: int
    given: int
    select: tuple[str, ...] | None
    expires: float = 0.0


class Cursors:
    """All cursors that were given out. lifetime: seconds."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()

    def give(self, cursor: Cursor, now: float) -> str:
        """A new cursor's token; when it expires is set here."""
        token = secrets.token_urlsafe(24)
        self._cursors[token] = replace(cursor, expires=now + self._lifetime)
        if len(self._cursors) > _MOST:
            self._cursors.popitem(last=False)
        return token

    def asked(self, token: str, now: float) -> Cursor | None:
        """What a cursor is of, whoever asks; None if there is none, or none any more."""
        cursor = self._cursors.get(token)
        return None if cursor is None or now >= cursor.expires else cursor

    def take(self, token: str, backend: Backend, now: float) -> Cursor | None:
        """Where to go on, or None if the cursor is not good for this request."""
        cursor = self.asked(token, now)
        if cursor is None:
            return None
        return cursor if cursor.backend == backend and _ANCHOR.fullmatch(backend.anchor) else None
