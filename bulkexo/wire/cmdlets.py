"""What the wire needs to know of cmdlets: how they are written, how long they take, what twice does."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bulkexo.model import Form, Value
from bulkexo.wire.doors import CUSTOM_ROUTING
from bulkexo.wire.values import Seal, encode, encoded_all

_ROUTING = len(CUSTOM_ROUTING)
PLAIN = frozenset({str, bool, int, float, type(None)})
"""Types of values whose JSON is what is sent."""

DEFAULT_TIMEOUT = 960.0
TIMEOUTS = {
    "set-organizationconfig": 1800.0,
    "update-rolegroupmember": 1800.0,
    "get-distributiongroupmember": 3600.0,
    "update-distributiongroupmember": 3600.0,
    "set-unifiedgroup": 3600.0,
    "import-transportrulecollection": 3600.0,
}
"""Seconds, as Microsoft's module waits: the server itself gives up at 900 (protocol.md, Status)."""

REPEATABLE = {
    "get": "reads",
    "test": "reads",
    "search": "reads",
    "export": "reads",
    "validate": "reads",
    "preview": "reads",
    "check": "reads",
    "set": "puts a value: the second time it is there already",
    "update": "replaces a list by the same list, or brings something up to date",
}
"""Verbs that may run twice with the effect of once, and why. Every other verb may not (Compare- uses up a
verification code)."""

UNREPEATABLE = {
    "new": "it can make a second object",
    "add": "it can add the same once more",
    "remove": "it can hit what has come in its place",
    "delete": "it can hit what has come in its place",
    "enable": "it can undo what somebody has done since",
    "disable": "it can undo what somebody has done since",
    "start": "it can start the same once more",
    "stop": "it can stop what has been started since",
    "suspend": "it can halt what has been resumed since",
    "resume": "it can release what has been halted since",
    "restore": "it can restore over what has changed since",
    "undo": "it can undo something else",
    "import": "it can import the same once more",
    "send": "it sends once more",
    "release": "it delivers once more",
    "rotate": "it changes the keys once more",
}
"""Verbs that may not, and what a second one can do. Of any other, nobody knows."""

SENDS_MAIL = frozenset({"test-message", "validate-outboundconnector"})
"""Cmdlets of those verbs that send messages to people: twice is two messages."""

CONFIRMED = frozenset({"remove", "delete", "disable", "clear", "suspend", "stop"})
"""Verbs that ask before they act, unless sent with `Confirm: false` (protocol.md, second reading)."""

UNCONFIRMED = frozenset(
    {
        "remove-blockedconnector",
        "remove-blockedsenderaddress",
        "remove-hostedoutboundspamfilterpolicy",
        "remove-mailboxirmaccess",
        "remove-quarantinepolicy",
        "remove-reportsubmissionpolicy",
        "remove-tenantallowblocklistitems",
        "remove-vivaorginsightsdelegatedrole",
        "remove-workforceinsightsdelegationaccess",
        "stop-historicalsearch",
    }
)
"""Cmdlets of those verbs that have no such parameter (catalogue)."""


@lru_cache
def verb(cmdlet: str) -> str:
    """`Set-Mailbox` → `set`."""
    return cmdlet.partition("-")[0].lower()


@lru_cache
def repeatable(cmdlet: str) -> bool:
    """Whether an attempt whose answer was lost may be sent again."""
    return verb(cmdlet) in REPEATABLE and cmdlet.lower() not in SENDS_MAIL


def harm(cmdlet: str) -> str:
    """What a second sending of a cmdlet that is not repeatable can do: half a sentence."""
    if cmdlet.lower() in SENDS_MAIL:
        return UNREPEATABLE["send"]
    return UNREPEATABLE.get(verb(cmdlet), "what it does a second time is not known")


@lru_cache
def timeout(cmdlet: str) -> float:
    """Seconds to wait for a reply that holds this cmdlet."""
    return TIMEOUTS.get(cmdlet.lower(), DEFAULT_TIMEOUT)


def cmdlet_input(
    cmdlet: str,
    parameters: Mapping[str, Value],
    forms: Mapping[str, Form] | None = None,
    seal: Seal | None = None,
) -> dict[str, Any]:
    """The body of one InvokeCommand, ready for JSON. forms, seal, and what is raised: see `encode`."""
    return {"CmdletInput": {"CmdletName": cmdlet, "Parameters": sent(cmdlet, parameters, forms, seal)}}


def sent(
    cmdlet: str,
    parameters: Mapping[str, Value],
    forms: Mapping[str, Form] | None = None,
    seal: Seal | None = None,
) -> dict[str, Any]:
    """The parameters of a cmdlet as they are sent, ready for JSON. forms, seal, and what is raised: see
    `encode`."""
    found = encode(parameters, forms, seal) if forms else encoded_all(parameters)
    for name in [name for name in found if len(name) == _ROUTING and name.lower() == CUSTOM_ROUTING]:
        del found[name]
    if _confirmed(cmdlet):
        found.setdefault("Confirm", False)
    return found


def as_it_stands(cmdlet: str, parameters: Mapping[str, Value]) -> bool:
    """Whether `sent` would change nothing of parameters without forms."""
    return PLAIN.issuperset(map(type, parameters.values())) and _unchanged(cmdlet, tuple(parameters))


@lru_cache
def _unchanged(cmdlet: str, names: tuple[str, ...]) -> bool:
    return not _confirmed(cmdlet) and CUSTOM_ROUTING not in map(str.lower, names)


@lru_cache
def _confirmed(cmdlet: str) -> bool:
    """Whether it asks before it acts, unless it is told not to."""
    return verb(cmdlet) in CONFIRMED and cmdlet.lower() not in UNCONFIRMED
