"""Asking a tenant what it grants to who signs in: the module that the service makes for their roles."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from bulkexo.facts import catalogue
from bulkexo.facts.granted import Granted
from bulkexo.model import BulkexoError, SignInError, StoppedError
from bulkexo.net.sessions import Sessions
from bulkexo.tenancy import Place, Surroundings, Tenancy
from bulkexo.wire import Lost, Reply
from bulkexo.wire.bodies import decode
from bulkexo.wire.doors import Host
from bulkexo.wire.modulefile import cmdlets

SERVICES = {Host.EXCHANGE: catalogue.EXCHANGE, Host.COMPLIANCE: catalogue.COMPLIANCE}
OK, UNAUTHORIZED = 200, 401


async def ask(place: Place, hosts: Sequence[Host], note: Callable[[str], None]) -> tuple[Granted, str]:
    """What the tenant grants in these services, and which tenant it is. note: told what a person should know.
    Raises SignInError, StoppedError or UsageError."""
    around = Surroundings(
        run_id=str(uuid.uuid4()),
        sink=_nothing,
        keep=_nothing,
        announce=_nothing,
        withdraw=_nothing,
        decide=None,
        past=None,
        note=note,
        hosts=tuple(hosts),
    )
    tenancy = Tenancy(place, around)
    await tenancy.sign_in()
    async with Sessions([(tenancy.connection, 1)]) as sessions:
        await tenancy.open(sessions.of(tenancy.connection))
        answers = await tenancy.modules()
    found: dict[str, Any] = {}
    for host, reply in answers.items():
        found |= _read(reply, SERVICES[host])
    return Granted(found, tuple(SERVICES[host] for host in hosts), time.time()), tenancy.tenant


def _read(reply: Reply | Lost, service: str) -> dict[str, Any]:
    """The cmdlets of an answer. Raises the error that it means."""
    if isinstance(reply, Lost):
        raise StoppedError(f"The module of {service} did not come: {reply.reason} Try again later.")
    if reply.status != OK:
        error: type[BulkexoError] = SignInError if reply.status == UNAUTHORIZED else StoppedError
        raise error(
            f"The service did not give its module for {service}: it answered with HTTP {reply.status}. Check "
            "the roles of this identity."
        )
    if not (found := cmdlets(decode(reply))):
        raise StoppedError(
            f"The service gave a module for {service} in which no cmdlet could be found. Check that "
            "who signs in "
            "has a role."
        )
    return dict(found)


async def _nothing(_things: Sequence[Any]) -> None:
    """Nothing is sent but the one question, so that nothing comes of it."""
