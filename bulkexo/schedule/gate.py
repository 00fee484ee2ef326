"""One host of the service as a tenant's calls reach it: bytes out, verdicts in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

import anyio

from bulkexo.choices import Format
from bulkexo.model import Failure, SignInError
from bulkexo.schedule.keyring import Keyring
from bulkexo.wire import Action, Call, Lost, Reply, Request, Service, Verdict, judge, pack
from bulkexo.wire.batch import answers, opened
from bulkexo.wire.bodies import decode
from bulkexo.wire.discreet import discreet, discreet_text
from bulkexo.wire.doors import Host
from bulkexo.wire.hosts import redirected, trusted
from bulkexo.wire.key import module_request, public_key, secret, unread
from bulkexo.wire.quiet import quiet
from bulkexo.wire.retry_after import retry_after

OK = 200
HOPS = 2
"""Times that a request is sent on: to a region, and from a region that no longer serves."""
PASSING = frozenset({408, 429, 502, 503, 504})
MODULE_TRIES = 3
LONGEST_WAIT = 60.0
"""Seconds between two tries for the module, whatever the service asks for."""


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

    def ended(self, token: str) -> bool:
        """Whether a token given earlier has ended by itself, so that no more than that is to be concluded
        from its refusal."""


class Gate:
    """A host with its own tokens.

    service: where it is, without the region that it may send to; transport, tokens: whom to speak to.
    keep_notes: leave the type notes in what is returned (`--raw`). keyring: the key for secrets, where the
    run has any to send.
    """

    def __init__(
        self, service: Service, transport: Transport, tokens: Tokens, *, keep_notes: bool = False
    ) -> None:
        self._keep_notes = keep_notes
        self.service = service
        self.tokens = tokens
        self.keyring: Keyring | None = None
        self._transport = transport
        self._here = service

    async def exchange(self, calls: Sequence[Call], token: str) -> tuple[Reply | Lost, list[Verdict]]:
        """One request with these calls, all of one door, and what its reply says of each. Calls whose secret
        the service cannot read go once more, with the key of now."""
        seal = None
        if self.keyring and any(map(secret, calls)):
            seal = await self.keyring.current()
            if seal is None:
                return self._without_key(calls, token)
        reply = await self._send(lambda service: pack(service, calls, token, seal))
        verdicts = self._judged(reply, calls, token)
        if seal is None or self.keyring is None:
            return reply, verdicts
        unread = [number for number, call in enumerate(calls) if _unread(call, verdicts[number])]
        if unread and await self.keyring.renew(seal):
            seal, again = await self.keyring.current(), [calls[number] for number in unread]
            later = await self._send(lambda service: pack(service, again, token, seal))
            for number, verdict in zip(unread, self._judged(later, again, token), strict=True):
                verdicts[number] = verdict
        return reply, verdicts

    def _without_key(self, calls: Sequence[Call], token: str) -> tuple[Lost, list[Verdict]]:
        """Nothing was sent: secrets are never sent bare, and what is without them goes another time."""
        lost = Lost(f"{self.service.endpoint} did not give its key for passwords.", sent=False)
        failure = Failure("bulkexo:no-key", "", f"{lost.reason} They go encrypted only, so it was not sent.")
        verdicts = self._judged(lost, calls, token)
        return lost, [
            replace(each, action=Action.FAILED, failure=failure) if secret(call) else each
            for call, each in zip(calls, verdicts, strict=True)
        ]

    async def key(self) -> str:
        """The service's key for secrets, "" if it does not give it or nobody is signed in."""
        try:
            reply = await self.module()
        except SignInError:
            return ""
        return public_key(decode(reply)) if isinstance(reply, Reply) and reply.status == OK else ""

    async def module(self) -> Reply | Lost:
        """The module that the service generates for the caller's roles; what fails in passing is tried again.
        Raises SignInError."""
        for attempt in range(MODULE_TRIES):
            token = await self.tokens.current()
            reply = await self._send(lambda service: module_request(service, token))  # noqa: B023 (at once)
            if isinstance(reply, Reply) and reply.status not in PASSING:
                break
            asked = retry_after(reply.headers) if isinstance(reply, Reply) else None
            if attempt + 1 < MODULE_TRIES:
                await anyio.sleep(min(asked or 2.0 * 2**attempt, LONGEST_WAIT))
        return reply

    async def _send(self, make: Callable[[Service], Request]) -> Reply | Lost:
        """Send it, and again where the service names its region, or another one; the last is remembered
        (protocol.md, second reading)."""
        for _ in range(HOPS):
            here = self._here.endpoint
            reply = await self._transport.send(make(self._here))
            if isinstance(reply, Lost) or not 300 <= reply.status < 400:
                return reply
            there = redirected(reply.headers.get("location", ""), self.service.endpoint)
            if there is None or there == here == self.service.endpoint:
                return reply
            self._here = replace(self.service, endpoint=there)
        return await self._transport.send(make(self._here))

    def _judged(self, reply: Reply | Lost, calls: Sequence[Call], token: str) -> list[Verdict]:
        """What the reply says of each call; the token and the secrets of the request stand nowhere in it,
        though the service may quote to each what all have sent."""
        hidden, clixml = _hidden(calls), self.service.response_format == Format.CLIXML
        whole = reply if isinstance(reply, Lost) else opened(reply, token)
        if not (hidden or clixml) and (verdicts := quiet(whole, len(calls))):
            return verdicts
        heard = answers(whole, len(calls))
        if clixml:
            from bulkexo.wire.clixml import from_clixml  # noqa: PLC0415 (few runs ask for it)

            heard = [from_clixml(each) for each in heard]
        if hidden:
            heard = [discreet_text(each, hidden) for each in heard]
        verdicts = [
            judge(each, call.cmdlet, keep_notes=self._keep_notes)
            for call, each in zip(calls, heard, strict=True)
        ]
        verdicts = [self._checked(verdict) if verdict.link else verdict for verdict in verdicts]
        return [discreet(verdict, hidden) for verdict in verdicts] if hidden else verdicts

    def _checked(self, verdict: Verdict) -> Verdict:
        """The same verdict with its next page made absolute; one elsewhere would carry the token away."""
        places = dict.fromkeys((self._here.endpoint, self.service.endpoint))
        link = next((found for place in places if (found := trusted(verdict.link, place))), None)
        if link is None:
            reason = "The service named a next page on another host; the token was not sent there."
            return replace(
                verdict, action=Action.FAILED, failure=Failure("bulkexo:link", "", reason), link=""
            )
        return replace(verdict, link=link)


def _hidden(calls: Sequence[Call]) -> list[str]:
    """The texts of all secrets, longest first."""
    found = [text for call in calls if call.hidden for text in call.hidden]
    return sorted(found, key=len, reverse=True) if found else found


def _unread(call: Call, verdict: Verdict) -> bool:
    return verdict.action in (Action.FAILED, Action.FAULT) and secret(call) and unread(verdict.failure)


Gates: TypeAlias = Mapping[Host, Gate]
"""The hosts that a run needs."""
