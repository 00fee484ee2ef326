"""Which Get- cmdlet shows that the object of a cmdlet is there, and what of it is mastered on-premises."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bulkexo.facts import catalogue
from bulkexo.wire import rest
from bulkexo.wire.cmdlets import verb

SUBJECTS: Final = {
    "calendarprocessing": "Get-Mailbox",
    "clutter": "Get-Mailbox",
    "focusedinbox": "Get-Mailbox",
    "calendarevents": "Get-Mailbox",
    "casmailbox": "Get-CASMailbox",
    "distributiongroupmember": "Get-DistributionGroup",
    "managedfolderassistant": "Get-Mailbox",
    "recipientpermission": "Get-Recipient",
    "rolegroupmember": "Get-RoleGroup",
    "unifiedgrouplinks": "Get-UnifiedGroup",
}
"""Nouns whose Identity names another object than their own: the cmdlet that shows that one."""

OF_A_MAILBOX: Final = (
    "mailboxaudit",
    "mailboxautoreply",
    "mailboxcalendar",
    "mailboxfolder",
    "mailboxjunkemail",
    "mailboxmessage",
    "mailboxpermission",
    "mailboxregional",
    "mailboxspelling",
    "mailboxstatistics",
)
"""How nouns begin whose Identity names a mailbox."""

WHOLLY_SYNCED: Final = frozenset(
    {"user", "contact", "mailcontact", "distributiongroup", "distributiongroupmember"}
)
"""Nouns of which nothing but CLOUD_OWN can be changed, once the object is mastered on-premises."""

CLOUD_OWN: Final = frozenset(
    {
        "identity", "confirm", "force", "erroraction", "warningaction", "bypasssecuritygroupmanagercheck",
        "authenticationpolicy", "exomoduleenabled", "remotepowershellenabled", "stsrefreshtokensvalidfrom",
        "permanentlyclearpreviousmailboxinfo", "blockcloudcache", "vip",
    }
)  # fmt: skip

PARTLY_SYNCED: Final = frozenset({"mailbox", "mailuser"})
"""Nouns of which these parameters cannot be changed; holds, quotas, auditing and the like can."""

SYNCED: Final = re.compile(
    r"name|displayname|simpledisplayname|alias|emailaddresses|primarysmtpaddress|windowsemailaddress"
    r"|externalemailaddress|userprincipalname|microsoftonlineservicesid|hiddenfromaddresslistsenabled"
    r"|requiresenderauthenticationenabled|grantsendonbehalfto|acceptmessagesonlyfrom.*|rejectmessagesfrom.*"
    r"|bypassmoderationfrom.*|moderat.*|sendmoderationnotifications|mailtip.*|office"
    r"|customattribute\d+|extensioncustomattribute\d+",
    re.IGNORECASE,
)
"""What Entra Connect brings from the on-premises directory [guess, from its list of attributes]."""


def subject(cmdlet: str) -> str:
    """The Get- cmdlet that shows, by its Identity, whether the object that the cmdlet's own Identity names is
    there; "" if nobody knows one. Of a folder (`ada:\\Calendar`) it is the mailbox before the colon."""
    noun = noun_of(cmdlet)
    if noun.startswith(OF_A_MAILBOX):
        return "Get-Mailbox"
    return SUBJECTS.get(noun) or getter(noun)


def names_folder(cmdlet: str) -> bool:
    """Whether its Identity can name a folder, after a colon."""
    return noun_of(cmdlet).startswith(OF_A_MAILBOX)


def getter(noun: str) -> str:
    """The Get- cmdlet of a noun, if it shows one object by its Identity; else ""."""
    known = catalogue.cmdlet(f"Get-{noun}")
    return known.name if known and not known.rest_only and known.parameter("Identity") else ""


def noun_of(cmdlet: str) -> str:
    """`Set-Mailbox` → `mailbox`; of a REST-only cmdlet, that of its classic twin."""
    entity = rest.TABLE.get(cmdlet.lower())
    return (entity.twin if entity else cmdlet).partition("-")[2].lower()


def mastered(cmdlet: str, given: Iterable[str]) -> tuple[str, ...]:
    """Of these parameters of the cmdlet, those that cannot be changed in the cloud if the object is mastered
    on-premises (IsDirSynced); `("it",)` if the cmdlet would remove the object."""
    word, noun = verb(cmdlet), noun_of(cmdlet)
    if word in ("get", "test", "search", "export") or noun not in WHOLLY_SYNCED | PARTLY_SYNCED:
        return ()
    if word in ("remove", "disable"):
        return ("it",)
    if noun in PARTLY_SYNCED:
        return tuple(name for name in given if SYNCED.fullmatch(name))
    return tuple(name for name in given if name.lower() not in CLOUD_OWN)
