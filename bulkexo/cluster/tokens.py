"""Tokens that a worker gets from its coordinator, which alone has the credentials. Floor 4."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from anyio import from_thread

from bulkexo.cluster.messages import SupersededError
from bulkexo.model import SignInUnreachableError
from bulkexo.net.tokens import Token
from bulkexo.wire.doors import Host

Want: TypeAlias = Callable[[Host, str, str], Coroutine[Any, Any, Token]]
"""Asks for a token: for a host, in place of the one that was refused ("" if none was), with claims."""


class Asked:
    """A net.tokens.Source. Called in a thread of anyio's, whose loop asks."""

    def __init__(self, host: Host, want: Want) -> None:
        self._host = host
        self._want = want
        self._last = ""

    def fetch(self, claims: str, *, anew: bool) -> Token:
        """The token of the coordinator. Raises SignInError, as it does there."""
        try:
            token = from_thread.run(self._want, self._host, self._last if anew else "", claims)
        except SupersededError as lost:
            raise SignInUnreachableError(str(lost)) from None
        self._last = token.text
        return token
