"""Through which door an item goes: which host, which kind of call, in company or alone; and the call."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from bulkexo.model import Form, Item, Value, light
from bulkexo.redact import secret_texts
from bulkexo.wire.rest import Read, Twin, rest_only, translate

EXCHANGE_API, COMPLIANCE_API, V2_API = "exchange", "compliance", "v2.0"
APIS = (EXCHANGE_API, COMPLIANCE_API, V2_API)
"""What a job may say (`api:`); `Item.api` is "" for the first."""

CUSTOM_ROUTING = "usecustomrouting"
"""A parameter of Microsoft's module alone: it picks the anchor and is not sent (protocol.md, Request)."""

ROUTED = frozenset(
    {
        "get-clutter",
        "get-focusedinbox",
        "get-inboxrule",
        "get-mailboxautoreplyconfiguration",
        "get-mailboxcalendarfolder",
        "get-mailboxfolderpermission",
        "get-mailboxfolderstatistics",
        "get-mailboxmessageconfiguration",
        "get-mailboxpermission",
        "get-mailboxregionalconfiguration",
        "get-mailboxstatistics",
        "get-mobiledevicestatistics",
        "remove-calendarevents",
        "set-clutter",
        "set-focusedinbox",
        "set-mailboxregionalconfiguration",
    }
)
"""Cmdlets with -UseCustomRouting (protocol.md, Data); the module never batches them when it is given."""

ENDPOINTS = {
    "get-organizationconfig": "OrganizationConfig",
    "get-accepteddomain": "AcceptedDomain",
    "get-mailbox": "Mailbox",
    "set-mailbox": "Mailbox",
    "get-mailboxfolderpermission": "MailboxFolderPermission",
    "add-mailboxfolderpermission": "MailboxFolderPermission",
    "set-mailboxfolderpermission": "MailboxFolderPermission",
    "remove-mailboxfolderpermission": "MailboxFolderPermission",
    "get-distributiongroupmember": "DistributionGroupMember",
    "get-dynamicdistributiongroupmember": "DynamicDistributionGroupMember",
}
"""Endpoints of v2.0 by cmdlet (learn.microsoft.com, "Endpoints in the Exchange Online Admin API")."""

V2_PARAMETERS = {
    "get-organizationconfig": frozenset[str](),
    "get-mailbox": frozenset({"identity", "resultsize", "includegrantsendonbehalftowithdisplaynames"}),
    "set-mailbox": frozenset({"identity", "grantsendonbehalfto"}),
    "get-distributiongroupmember": frozenset({"identity", "resultsize"}),
    "get-dynamicdistributiongroupmember": frozenset({"identity", "resultsize"}),
}
"""What these take there, in lower case, of all that the cmdlets have (the same pages). Of the others it is
not known."""

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Host(StrEnum):
    """A service of the tenant, with an endpoint and a token of its own."""

    EXCHANGE = "exchange"
    COMPLIANCE = "compliance"


class Way(StrEnum):
    """How a call is made. V2: at the endpoint of its own. REST: a GET."""

    INVOKE = "InvokeCommand"
    V2 = "v2.0"
    REST = "REST"


def hosts(apis: Collection[str]) -> tuple[Host, ...]:
    """The services that items with these `api` go to."""
    found = {Host.COMPLIANCE if api == COMPLIANCE_API else Host.EXCHANGE for api in apis}
    return tuple(host for host in Host if host in found)


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """Calls of one door may share a batch; those of two never do. alone: each is a request of its own.

    There is one of each kind, below; they are told apart by identity, which is asked for every item.
    """

    host: Host = Host.EXCHANGE
    way: Way = Way.INVOKE
    alone: bool = False


INVOKE = Door()
"""InvokeCommand of Exchange Online, the one that nearly all take."""

ROUTED_ALONE = Door(alone=True)
COMPLIANCE = Door(Host.COMPLIANCE)
V2 = Door(way=Way.V2, alone=True)
REST = Door(way=Way.REST, alone=True)
QUESTIONS = {Host.EXCHANGE: INVOKE, Host.COMPLIANCE: COMPLIANCE}
"""Where a host is asked for the effect of a cmdlet."""


@light
@dataclass(frozen=True, slots=True)
class Call:
    """One cmdlet as it is sent. request_id: a GUID, the same in every attempt. link: the next page to ask
    for, "" for the first. select: the properties wanted, none for all; a link knows them itself. door: where
    it goes. forms: see Item. path: of a GET, below the tenant's URL. hidden: texts of its secrets, see
    redact.secret_texts."""

    request_id: str
    cmdlet: str
    parameters: Mapping[str, Value] = field(repr=False)
    link: str = ""
    select: tuple[str, ...] = ()
    door: Door = INVOKE
    forms: Mapping[str, Form] | None = None
    path: str = ""
    hidden: Sequence[str] = field(default=(), repr=False)


@lru_cache
def ordinary(cmdlet: str) -> bool:
    """Whether nothing but the `api` of its item leads a cmdlet away from InvokeCommand."""
    return not rest_only(cmdlet) and cmdlet.lower() not in ROUTED


def door(item: Item) -> Door:
    """The door of an item."""
    if not item.api and ordinary(item.cmdlet):
        return INVOKE
    if item.api == COMPLIANCE_API:
        return COMPLIANCE
    if item.api == V2_API:
        return V2
    if isinstance(translate(item.cmdlet, item.parameters, item.select), Read):
        return REST
    if item.cmdlet.lower() in ROUTED and routed(item.parameters):
        return ROUTED_ALONE
    return INVOKE


def call(item: Item, request_id: str, link: str = "") -> Call:
    """What goes over the wire for an item, through its door."""
    usual = ordinary(item.cmdlet)
    here = INVOKE if usual and not item.api else door(item)
    hidden = secret_texts(item) if item.secrets else ()
    if not usual and here.host is Host.EXCHANGE and here.way is not Way.V2:
        found = translate(item.cmdlet, item.parameters, item.select)
        if isinstance(found, Read):
            return Call(request_id, item.cmdlet, {}, link, door=here, path=found.path, hidden=hidden)
        if isinstance(found, Twin):
            return Call(request_id, found.cmdlet, found.parameters, link, found.select, here, hidden=hidden)
    return Call(request_id, item.cmdlet, item.parameters, link, item.select, here, item.forms, "", hidden)


def notice(item: Item) -> str:
    """What is to be told of how an item was sent, "" if nothing."""
    if ordinary(item.cmdlet):
        return ""
    found = translate(item.cmdlet, item.parameters, item.select)
    if not isinstance(found, Twin) or item.api == COMPLIANCE_API:
        return ""
    return f"{item.cmdlet} was run as {found.cmdlet}: {found.why}."


def routed(parameters: Mapping[str, Value]) -> bool:
    """Whether the anchor is to be the mailbox that a parameter names."""
    return any(name.lower() == CUSTOM_ROUTING and bool(value) for name, value in parameters.items())


def routing_hint(parameters: Mapping[str, Value], tenant: str) -> str:
    """The anchor that a parameter names, as Microsoft's module writes it; "" if that is no address or GUID,
    so that the anchor of the run serves. Of `ada@contoso.com:\\Calendar` it is the mailbox."""
    named = str(parameters.get("Mailbox") or parameters.get("Identity") or "").partition(":")[0]
    if ADDRESS.fullmatch(named):
        return f"SMTP:{named}"
    return f"MBX:{named}@{tenant}" if GUID.fullmatch(named) else ""
