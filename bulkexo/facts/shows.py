"""Where the value of a parameter is seen in what the Get- twin answers: the exceptions, as tables.

From the reference, Microsoft's help and people's scripts [guess, each]: a row that is wrong shows a change
where there is none, or calls a value unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from bulkexo.facts import catalogue
from bulkexo.facts.catalogue import Cmdlet, Kind


class Edit(Enum):
    """What a value does to the property that shows it."""

    PUT = "put"
    """It takes its place."""
    ADD = "add"
    """Its members come to those of a list."""
    REMOVE = "remove"
    """Its members go from a list."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a value is seen. property: of the answer. spelled: as the property shows it → as the parameter
    takes it, where these differ. edit: what the value does to the property; opposite: the parameter that
    undoes that, "" for PUT."""

    property: str
    spelled: Mapping[str, str] = field(default_factory=dict)
    edit: Edit = Edit.PUT
    opposite: str = ""


MAILBOX_TYPES: Final = {
    "UserMailbox": "Regular",
    "SharedMailbox": "Shared",
    "RoomMailbox": "Room",
    "EquipmentMailbox": "Equipment",
}

OTHERWISE: Final[Mapping[tuple[str, str], Shown]] = {
    ("set-mailbox", "type"): Shown("RecipientTypeDetails", MAILBOX_TYPES),
    ("set-mailbox", "microsoftonlineservicesid"): Shown("UserPrincipalName"),
    ("set-mailbox", "enableroommailboxaccount"): Shown("RoomMailboxAccountEnabled"),
    ("set-mailuser", "microsoftonlineservicesid"): Shown("UserPrincipalName"),
    ("set-clutter", "enable"): Shown("IsEnabled"),
    ("set-distributiongroup", "roomlist"): Shown("RecipientTypeDetails", {"RoomList": "true"}),
    ("set-unifiedgroup", "unifiedgroupwelcomemessageenabled"): Shown("WelcomeMessageEnabled"),
    ("set-unifiedgroup", "sensitivitylabelid"): Shown("SensitivityLabel"),
    ("set-mailboxregionalconfiguration", "localizedefaultfoldername"): Shown(
        "DefaultFolderNameMatchingUserLanguage"
    ),
}
"""By cmdlet and parameter, both in lower case: the property of another name."""

SHOWN_SWITCHES: Final = frozenset(
    {
        ("set-distributiongroup", "hiddengroupmembershipenabled"),
        ("set-unifiedgroup", "alwayssubscribememberstocalendarevents"),
        ("set-unifiedgroup", "autosubscribenewmembers"),
        ("set-unifiedgroup", "calendarmemberreadonly"),
        ("set-unifiedgroup", "connectorsenabled"),
        ("set-unifiedgroup", "hiddenfromexchangeclientsenabled"),
    }
)
"""Switches that are a property; any other is something to do, which leaves nothing to see."""

UNSEEN: Final = frozenset(
    {
        ("set-mailbox", "excludefromorgholds"),
        ("set-mailbox", "removeorphanedholds"),
        ("set-mailbox", "stsrefreshtokensvalidfrom"),
        ("set-mailbox", "schedulerassistant"),
        ("set-mailuser", "excludefromorgholds"),
        ("set-mailuser", "removeorphanedholds"),
        ("set-mailboxautoreplyconfiguration", "eventstodeleteids"),
        ("set-mailboxmessageconfiguration", "deletesignaturename"),
        ("add-mailboxpermission", "automapping"),
    }
)
"""Values that nothing shows, besides secrets."""

STEERING: Final = frozenset(
    {
        "identity", "confirm", "whatif", "force", "erroraction", "warningaction", "resultsize",
        "ignoredefaultscope", "bypasssecuritygroupmanagercheck", "ignorenamingpolicy", "forceupgrade",
        "usecustomrouting", "groupmailbox", "publicfolder", "inactivemailbox", "softdeletedmailbox",
        "sendnotificationtouser", "failonerror", "mailboxlocation", "alwaysdeleteoutlookrulesblob",
        "bypassmasteraccountsid", "skipdomainvalidationformailcontact", "skipdomainvalidationformailuser",
        "skipdomainvalidationforsharedmailbox", "verbose", "debug", "domaincontroller",
    }
)  # fmt: skip
"""Parameters that say how, or on what, and are no values."""


def steers(cmdlet: str, parameter: str) -> bool:
    """Whether a parameter only says how, or on what, the cmdlet acts."""
    known = catalogue.cmdlet(cmdlet)
    found = known.parameter(parameter) if known else None
    return (found.name if found else parameter).lower() in STEERING


def shown_by(cmdlet: str, parameter: str) -> Shown | None:
    """Where the value of a parameter is seen in what the twin of the cmdlet answers; None if nowhere."""
    known = catalogue.cmdlet(cmdlet)
    found = known.parameter(parameter) if known else None
    name = found.name if found else parameter
    key = (cmdlet.lower(), name.lower())
    if exception := OTHERWISE.get(key):
        return exception
    if key in UNSEEN or name.lower() in STEERING:
        return None
    if found and found.kind in (Kind.SECURE, Kind.CREDENTIAL):
        return None
    if found and found.kind is Kind.SWITCH and key not in SHOWN_SWITCHES:
        return None
    return (_edit(known, name) if known else None) or Shown(name)


def _edit(known: Cmdlet, name: str) -> Shown | None:
    """AddExchangeLocation and RemoveExchangeLocation, where both are, edit the list ExchangeLocation."""
    for word, edit, other in (("Add", Edit.ADD, "Remove"), ("Remove", Edit.REMOVE, "Add")):
        rest = name.removeprefix(word)
        if rest != name and known.name.startswith("Set-") and (opposite := known.parameter(other + rest)):
            return Shown(rest, edit=edit, opposite=opposite.name)
    return None
