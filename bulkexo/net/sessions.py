"""The sessions of a run over several tenants: connections for all that are behind the same services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from bulkexo.connection import Connection
from bulkexo.net.guard import Guard
from bulkexo.net.session import Session

TOGETHER = 200
"""Connections that several tenants may have open at once. A TLS connection takes a megabyte, and systems give
a process 256 to 1,024 open files."""
_Key: TypeAlias = tuple[str, str, Path | None]


class Sessions:
    """Sessions by connection, as an async context manager. needed: connections that may be open at once for
    each. Raises UsageError for certificates that cannot be used."""

    def __init__(self, needed: Iterable[tuple[Connection, int]]) -> None:
        places: Counter[_Key] = Counter()
        tenants: Counter[_Key] = Counter()
        for connection, count in needed:
            places[_key(connection)] += count
            tenants[_key(connection)] += 1
        self._sessions = {}
        for key, count in places.items():
            most = count if tenants[key] == 1 else min(count, TOGETHER)
            endpoints = list(dict.fromkeys(key[:2]))
            self._sessions[key] = Session(endpoints, connections=most + 1, ca_file=key[2])
        self._stack = AsyncExitStack()

    def of(self, connection: Connection) -> Session:
        """The session of one tenant to its service: it shares its connections, and has cookies of its own."""
        return self._sessions[_key(connection)].apart()

    async def __aenter__(self) -> Sessions:
        for session in self._sessions.values():
            await self._stack.enter_async_context(session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()


class GuardedSessions:
    """The same for tenants that come and go, each with a guard, as an async context manager. guard: of
    all."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._sessions: dict[_Key, Session] = {}
        self._stack = AsyncExitStack()

    async def of(self, connection: Connection, guard: Guard) -> Session:
        """The session of one tenant. Raises UsageError for certificates that cannot be used."""
        key = _key(connection)
        if key not in self._sessions:
            endpoints = list(dict.fromkeys(key[:2]))
            session = Session(endpoints, connections=TOGETHER + 1, ca_file=key[2], guard=self._guard)
            self._sessions[key] = await self._stack.enter_async_context(session)
        return self._sessions[key].apart(guard)

    async def __aenter__(self) -> GuardedSessions:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()


def _key(connection: Connection) -> _Key:
    return connection.endpoint, connection.compliance, connection.ca_file
