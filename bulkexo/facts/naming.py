"""Which parameter of a cmdlet names the object it concerns, and by which names an object is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkexo.facts import catalogue
from bulkexo.wire import rest
from bulkexo.wire.cmdlets import verb

NEW_NAMES: Final = ("UserPrincipalName", "MicrosoftOnlineServicesID", "PrimarySmtpAddress", "Name")
"""Parameters by which a New- names what it makes, the best first."""

NAMED_BY: Final[Mapping[str, str]] = {
    "add-availabilityaddressspace": "ForestName",
    "add-compliancecasemember": "Case",
    "add-ediscoverycaseadmin": "User",
    "add-managementroleentry": "Identity",
    "add-vivaorginsightsdelegatedrole": "Delegator",
    "add-workforceinsightsdelegationaccess": "Delegator",
    "remove-blockedconnector": "ConnectorId",
    "remove-blockedsenderaddress": "SenderAddress",
    "remove-compliancecasemember": "Case",
    "remove-compliancesecurityfilter": "FilterName",
    "remove-ediscoverycaseadmin": "User",
    "remove-vivaorginsightsdelegatedrole": "Delegator",
    "remove-workforceinsightsdelegationaccess": "Delegator",
    "set-compliancesecurityfilter": "FilterName",
    "set-accesstocustomerdatarequest": "RequestId",
    "stop-historicalsearch": "JobId",
    "undo-softdeletedmailbox": "SoftDeletedObject",
    "undo-softdeletedunifiedgroup": "SoftDeletedObject",
    "update-compliancecasemember": "Case",
    "enable-dnssecforverifieddomain": "DomainName",
    "disable-dnssecforverifieddomain": "DomainName",
    "enable-smtpdaneinbound": "DomainName",
    "disable-smtpdaneinbound": "DomainName",
}
"""Cmdlets without an Identity: the parameter that stands in its place (catalogue)."""

NEEDED: Final = frozenset(
    {"remove-mailboxpermission", "set-mailboxregionalconfiguration", "set-mailboxcalendarconfiguration"}
)
"""Cmdlets whose Identity the reference does not call required, since one of its parameter sets is without,
and which do nothing without it (Microsoft's help: the first positional parameter) [guess]."""

OWN_NAMES: Final = (
    "PrimarySmtpAddress", "UserPrincipalName", "WindowsLiveID", "Alias", "Name", "Identity", "Guid",
    "ExternalDirectoryObjectId", "DistinguishedName",
)  # fmt: skip
"""Properties by which one object is known."""


def identity_names(cmdlet: str) -> tuple[str, ...]:
    """Parameters that can name the object the cmdlet concerns, the best first. A New- in a mailbox concerns
    that mailbox."""
    lowered = cmdlet.lower()
    if entity := rest.TABLE.get(lowered):
        return (*entity.names, "Identity")
    if other := NAMED_BY.get(lowered):
        return (other,)
    return ("Identity", "Mailbox", *NEW_NAMES) if verb(cmdlet) == "new" else ("Identity", "Mailbox")


def identity_parameter(cmdlet: str) -> str:
    """The parameter that names the object, as the catalogue spells it: `Identity` nearly always; "" if there
    is none, as with Set-OrganizationConfig, of which a tenant has one. Of an unknown cmdlet: `Identity`."""
    known = catalogue.cmdlet(cmdlet)
    if known is None:
        return "Identity"
    found = (known.parameter(name) for name in identity_names(cmdlet))
    return next((each.name for each in found if each), "")


def needs_identity(cmdlet: str) -> bool:
    """Whether the cmdlet cannot do without that parameter."""
    known = catalogue.cmdlet(cmdlet)
    if known is None or verb(cmdlet) == "new":
        return False
    parameter = known.parameter(identity_parameter(cmdlet))
    return bool(parameter and (parameter.required or cmdlet.lower() in NEEDED))


def names_object(found: Mapping[str, Any], name: str) -> bool:
    """Whether `name` is one of the names or addresses of this object, as a Get- cmdlet shows it. A display
    name is none: two can have it."""
    addresses = found.get("EmailAddresses")
    names = [found.get(each) for each in OWN_NAMES]
    names += addresses if isinstance(addresses, list) else []
    wanted = name.casefold()
    return any(str(each).casefold() in (wanted, f"smtp:{wanted}") for each in names if each)
