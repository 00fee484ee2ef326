"""A worker's end of the line to its coordinator, over Dask's own connections. Floor 4.

See `messages` for what a question looks like on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import anyio

from bulkexo.cluster.messages import OP, SupersededError, packed, unpacked
from bulkexo.model import BulkexoError

if TYPE_CHECKING:
    from distributed.core import ConnectionPool

AGAIN: Final = 0.2
"""Seconds until a question is asked again whose answer did not come."""


class Line:
    """pool: of connections, in the loop that asks. address, key: see messages.Pass. host: the name of this
    process. limit: of what is asked at once by `ask`."""

    def __init__(
        self, pool: ConnectionPool, address: str, key: str, host: str, limit: anyio.CapacityLimiter
    ) -> None:
        self._limit = limit
        self._peer: Any = pool(address)
        self._key = key
        self._host = host
        self._number = 0
        self._open: set[int] = set()

    async def ask(self, question: object, going: Callable[[], bool]) -> Any:
        """The answer to what is done once, however often the connection breaks. Raises what the coordinator
        raises, or SupersededError once `going` is no longer true."""
        self._number += 1
        number = self._number
        self._open.add(number)
        try:
            async with self._limit:
                return await self._until_answered(question, going, number)
        finally:
            self._open.discard(number)

    async def ask_anew(self, question: object, going: Callable[[], bool]) -> Any:
        """The same for what may be done twice, and can take long: the coordinator keeps no answer of it."""
        return await self._until_answered(question, going, 0)

    async def ask_once(self, question: object, number: int = 0) -> Any:
        """The answer, if the connection holds. Raises what the coordinator raises, or OSError."""
        settled = min(self._open, default=self._number + 1)
        answer = unpacked(
            await getattr(self._peer, OP)(
                key=self._key, host=self._host, number=number, settled=settled, payload=packed(question)
            )
        )
        if isinstance(answer, BulkexoError):
            raise answer
        return answer

    async def _until_answered(self, question: object, going: Callable[[], bool], number: int) -> Any:
        while going():
            try:
                return await self.ask_once(question, number)
            except OSError:  # Dask's are all of this kind
                await anyio.sleep(AGAIN)
        raise SupersededError("This worker has lost the tenant.")
