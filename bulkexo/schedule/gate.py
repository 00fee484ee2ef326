"""One host of the service as a tenant's calls reach it: bytes out, verdicts in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from bulkexo.model import Failure
from bulkexo.wire import Action, Call, Lost, Reply, Request, Service, Verdict, judge, pack, unpack
from bulkexo.wire.doors import Host
from bulkexo.wire.hosts import trusted


class Transport(Protocol):
    """Bytes out, bytes in."""

    async def send(self, request: Request) -> Reply | Lost:
        """Make the request; a reply that does not come is a Lost, never an exception."""


class Tokens(Protocol):
    """Where access tokens come from."""

    async def current(self) -> str:
        """The token to send now. Raises SignInError."""

    async def renew(self, refused: str, claims: str) -> str:
        """A token other than `refused`, meeting `claims` ("" if none). Raises SignInError."""


class Gate:
    """A host with its own tokens. service: where it is; transport, tokens: whom to speak to. keep_notes:
    leave the type notes in what is returned (`--raw`)."""

    def __init__(
        self, service: Service, transport: Transport, tokens: Tokens, *, keep_notes: bool = False
    ) -> None:
        self._keep_notes = keep_notes
        self.service = service
        self.tokens = tokens
        self._transport = transport

    async def send(self, calls: Sequence[Call], token: str) -> Reply | Lost:
        """One request with these calls, all of one door."""
        return await self._transport.send(pack(self.service, calls, token))

    def judge(self, reply: Reply | Lost, calls: Sequence[Call], token: str) -> list[Verdict]:
        """What the reply says of each call. token: of the request; it stands nowhere in the verdicts."""
        heard = unpack(reply, len(calls), token)
        return [
            self._checked(judge(each, call.cmdlet, keep_notes=self._keep_notes))
            for call, each in zip(calls, heard, strict=True)
        ]

    def _checked(self, verdict: Verdict) -> Verdict:
        """The same verdict with its next page made absolute; one elsewhere would carry the token away."""
        if not verdict.link:
            return verdict
        link = trusted(verdict.link, self.service.endpoint)
        if link is None:
            reason = "The service named a next page on another host; the token was not sent there."
            return replace(
                verdict, action=Action.FAILED, failure=Failure("bulkexo:link", "", reason), link=""
            )
        return replace(verdict, link=link)


Gates: TypeAlias = Mapping[Host, Gate]
"""The hosts that a run needs."""
