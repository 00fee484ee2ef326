"""What a cmdlet destroys: what it takes away and no other cmdlet gives back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from bulkexo.model import Value
from bulkexo.wire.cmdlets import verb

DESTROYS: Final[Mapping[str, str]] = {
    "clear-activesyncdevice": "it wipes the device",
    "clear-mobiledevice": "it wipes the device",
    "clear-textmessagingaccount": "it removes the text messaging settings of the user",
    "delete-quarantinemessage": "it deletes messages",
    "disable-mailbox": "it takes the mailbox, or its archive, off the user",
    "expedite-delicensing": "it ends the delay before mailboxes without a licence are deleted",
    "invoke-holdremovalaction": "it removes holds, and what they kept can be purged",
    "remove-calendarevents": "it cancels meetings of the mailbox",
    "remove-mailbox": "it deletes the mailbox, which can be restored for 30 days",
    "remove-migrationuser": "it ends the migration of the user",
    "remove-moverequest": "it ends the move",
    "remove-unifiedgroup": "it deletes the group and its content, which can be restored for 30 days",
    "rotate-dkimsigningconfig": "it replaces the keys that sign mail",
    "set-omemessagerevocation": "it revokes a message that was sent",
    "upgrade-distributiongroup": "it makes a Microsoft 365 group of the list",
}
"""By name in lower case: half a sentence."""

BY_PARAMETER: Final[Mapping[tuple[str, str], str]] = {
    ("new-compliancesearchaction", "purge"): "it purges the messages that the search has found",
    ("set-mailbox", "removedisabledarchive"): "it deletes the disabled archive for good",
    ("set-mailuser", "removedisabledarchive"): "it deletes the disabled archive for good",
    ("set-mailbox", "excludefromallholds"): "it takes the mailbox off its holds for good",
    ("set-mailbox", "excludefromallorgholds"): "it takes the mailbox off holds of the organization for good",
    ("set-mailbox", "excludefromorgholds"): "it takes the mailbox off holds of the organization for good",
    ("set-mailbox", "removeorphanedholds"): "it removes holds for good",
    ("set-mailbox", "removedelayholdapplied"): "it ends the delay before what was held is purged",
    ("set-mailbox", "removedelayreleaseholdapplied"): "it ends the delay before what was held is purged",
    ("set-mailbox", "removecompliancetagholdapplied"): "it removes a hold for good",
    ("set-user", "permanentlyclearpreviousmailboxinfo"): "it gives up the former mailbox of the user",
    ("set-mailboxautoreplyconfiguration", "eventstodeleteids"): "it deletes meetings",
    ("remove-mailboxpermission", "resetdefault"): "it removes all permissions on the mailbox",
    ("remove-mailboxfolderpermission", "resetdelegateusercollection"): "it removes all delegates",
}
"""By name and parameter, both in lower case: cmdlets that destroy only when they are given that."""

REMOVES_AN_ENTRY: Final = frozenset(
    {
        "remove-availabilityaddressspace",
        "remove-compliancecasemember",
        "remove-distributiongroupmember",
        "remove-ediscoverycaseadmin",
        "remove-hveappaccess",
        "remove-ldapdirectory",
        "remove-mailboxfolderpermission",
        "remove-mailboxpermission",
        "remove-managementroleentry",
        "remove-publicfolderclientpermission",
        "remove-recipientpermission",
        "remove-rolegroupmember",
        "remove-unifiedgrouplinks",
        "remove-vivamodulefeaturepolicy",
        "remove-vivaorginsightsdelegatedrole",
        "remove-workforceinsightsdelegationaccess",
        "remove-blockedconnector",
        "remove-blockedsenderaddress",
    }
)
"""Remove- cmdlets of what an Add- puts back, or which only lift a block: they destroy nothing."""

VERBS: Final = {
    "remove": "it deletes what it names",
    "delete": "it deletes what it names",
    "clear": "it clears what it names",
}


def destroys(cmdlet: str, given: Mapping[str, Value] = MappingProxyType({})) -> str:
    """What the cmdlet takes away for good, as half a sentence; "" if nothing. given: its parameters, since
    some destroy only with one of them."""
    always, sometimes = _effect(cmdlet)
    if sometimes and not sometimes.keys().isdisjoint(map(str.lower, given)):
        for name, value in given.items():
            if (why := sometimes.get(name.lower())) and value not in (None, False):
                return why
    return always


@lru_cache(maxsize=512)
def _effect(cmdlet: str) -> tuple[str, Mapping[str, str]]:
    """What it always destroys, and what with one of these parameters, by name in lower case."""
    lowered = cmdlet.lower()
    sometimes = {name: why for (own, name), why in BY_PARAMETER.items() if own == lowered}
    if lowered in REMOVES_AN_ENTRY:
        return "", sometimes
    return DESTROYS.get(lowered) or VERBS.get(verb(cmdlet), ""), sometimes
