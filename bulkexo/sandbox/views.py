"""How an object looks in a reply: the properties of each Get- cmdlet, their defaults, their type notes.

A property that a Set- cmdlet takes and that has no default here appears with one that suits its type, so that
whatever Set- writes, Get- returns. Shapes from `protocol.md`, "Reply": quotas as text, durations as .NET
TimeSpans, `Foo@odata.type` and `FooGuid@data.type` beside the members.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bulkexo.sandbox.parameters import load
from bulkexo.sandbox.people import Facts
from bulkexo.sandbox.values import group

Row = dict[str, Any]
"""One object of a reply's `value`, with its notes."""

DATACENTER: Final = "EURPR07A003.PROD.OUTLOOK.COM"
_IDENTITY: Final = dict.fromkeys(
    ("Identity", "Id", "Name", "DisplayName", "Alias", "Guid", "DistinguishedName", "OrganizationId"), ""
)
_STAMPS: Final = {
    "WhenCreated": "", "WhenCreatedUTC": "", "WhenChanged": "", "WhenChangedUTC": "", "IsValid": True,
    "ObjectState": "Unchanged", "ExchangeVersion": "0.20 (15.0.0.0)",
}  # fmt: skip
_RECIPIENT: Final = {
    "PrimarySmtpAddress": "", "EmailAddresses": [], "RecipientType": "", "RecipientTypeDetails": "",
    "ExternalDirectoryObjectId": "", "HiddenFromAddressListsEnabled": False, "IsDirSynced": False,
    **{f"CustomAttribute{i}": "" for i in range(1, 16)},
    **{f"ExtensionCustomAttribute{i}": [] for i in range(1, 6)},
}  # fmt: skip
_DELIVERY: Final = {
    "AcceptMessagesOnlyFrom": [], "AcceptMessagesOnlyFromDLMembers": [],
    "AcceptMessagesOnlyFromSendersOrMembers": [], "RejectMessagesFrom": [], "RejectMessagesFromDLMembers": [],
    "RejectMessagesFromSendersOrMembers": [], "BypassModerationFromSendersOrMembers": [], "ModeratedBy": [],
    "ModerationEnabled": False, "SendModerationNotifications": "Always", "GrantSendOnBehalfTo": [],
    "RequireSenderAuthenticationEnabled": False, "MailTip": None, "MailTipTranslations": [],
    "MaxSendSize": "35 MB (36,700,160 bytes)", "MaxReceiveSize": "36 MB (37,748,736 bytes)",
    "LegacyExchangeDN": "", "WindowsEmailAddress": "",
}  # fmt: skip
_MAILBOX: Final = {
    "UserPrincipalName": "", "ExchangeGuid": "", "ArchiveGuid": "00000000-0000-0000-0000-000000000000",
    "ArchiveStatus": "None", "ArchiveName": [], "ArchiveQuota": "110 GB (118,111,600,640 bytes)",
    "ArchiveWarningQuota": "100 GB (107,374,182,400 bytes)", "IsMailboxEnabled": True, "IsShared": False,
    "IsResource": False, "ResourceType": None, "ResourceCapacity": None, "ResourceCustom": [],
    "Database": "EURPR07DG101-db033", "ServerName": "AM4PR07MB1011", "UseDatabaseQuotaDefaults": False,
    "IssueWarningQuota": "98 GB (105,226,698,752 bytes)",
    "ProhibitSendQuota": "99 GB (106,300,440,576 bytes)",
    "ProhibitSendReceiveQuota": "100 GB (107,374,182,400 bytes)", "RulesQuota": "256 KB (262,144 bytes)",
    "RecipientLimits": "500", "UseDatabaseRetentionDefaults": False, "RetainDeletedItemsFor": "14.00:00:00",
    "SingleItemRecoveryEnabled": True, "LitigationHoldEnabled": False, "LitigationHoldDuration": "Unlimited",
    "LitigationHoldDate": None, "LitigationHoldOwner": "", "RetentionHoldEnabled": False,
    "StartDateForRetentionHold": None, "EndDateForRetentionHold": None,
    "RetentionPolicy": "Default MRM Policy", "RetentionComment": "", "RetentionUrl": "", "InPlaceHolds": [],
    "ForwardingAddress": None, "ForwardingSmtpAddress": None, "DeliverToMailboxAndForward": False,
    "AuditEnabled": True, "AuditLogAgeLimit": "90.00:00:00",
    "AuditAdmin": ["Update", "MoveToDeletedItems", "SoftDelete", "HardDelete"],
    "AuditDelegate": ["Update", "SoftDelete", "HardDelete", "SendAs"], "AuditOwner": ["Update", "HardDelete"],
    "DefaultAuditSet": ["Admin", "Delegate", "Owner"],
    "RoleAssignmentPolicy": "Default Role Assignment Policy", "SharingPolicy": "Default Sharing Policy",
    "AddressBookPolicy": None, "AccountDisabled": False, "MessageCopyForSentAsEnabled": False,
    "MessageCopyForSendOnBehalfEnabled": False, "Languages": [], "Office": "", "MailboxRegion": "EUR",
    "MailboxPlan": "ExchangeOnlineEnterprise", "SKUAssigned": True, "MessageTrackingReadStatusEnabled": True,
    "ExternalOofOptions": "External", "IsSoftDeletedByRemove": False, "WhenMailboxCreated": "",
    "CalendarVersionStoreDisabled": False, "IsInactiveMailbox": False,
}  # fmt: skip
_USER: Final[dict[str, Any]] = {
    "UserPrincipalName": "", "FirstName": "", "LastName": "", "Initials": "", "Department": "", "Company": "",
    "Title": "", "Office": "", "Phone": "", "MobilePhone": "", "HomePhone": "", "Fax": "", "Pager": "",
    "StreetAddress": "", "City": "", "StateOrProvince": "", "PostalCode": "", "CountryOrRegion": "",
    "Manager": None, "DirectReports": [], "Notes": "", "WebPage": "", "WindowsEmailAddress": "",
    "RecipientType": "", "RecipientTypeDetails": "", "ExternalDirectoryObjectId": "",
    "RemotePowerShellEnabled": True, "EXOModuleEnabled": True, "SeniorityIndex": None,
    "AccountDisabled": False, "IsDirSynced": False,
}  # fmt: skip
_CAS: Final[dict[str, Any]] = {
    "PrimarySmtpAddress": "", "EmailAddresses": [], "LegacyExchangeDN": "", "ExchangeGuid": "",
    **{f"{name}Enabled": True for name in ("ActiveSync", "OWA", "Pop", "Imap", "MAPI", "Ews", "OutlookMobile",
                                           "UniversalOutlook", "MacOutlook", "OneWinNativeOutlook")},
    "OWAforDevicesEnabled": True, "ActiveSyncMailboxPolicy": "Default",
    "OwaMailboxPolicy": "OwaMailboxPolicy-Default", "SmtpClientAuthenticationDisabled": None,
    "PopUseProtocolDefaults": True, "ImapUseProtocolDefaults": True,
    "PopMessagesRetrievalMimeFormat": "BestBodyFormat", "ImapMessagesRetrievalMimeFormat": "BestBodyFormat",
    "HasActiveSyncDevicePartnership": False, "EwsApplicationAccessPolicy": None, "EwsAllowOutlook": None,
    "EwsAllowMacOutlook": None, "EwsAllowEntourage": None, "RecipientTypeDetails": "",
}  # fmt: skip
_SEEN_BY_GET_RECIPIENT: Final = {
    **_RECIPIENT, "FirstName": "", "LastName": "", "Department": "", "Company": "", "Title": "", "Office": "",
    "Phone": "", "City": "", "StateOrProvince": "", "PostalCode": "", "CountryOrRegion": "", "Manager": None,
    "ManagedBy": [], "ExchangeGuid": "", "UserPrincipalName": "", "Notes": "", "SKUAssigned": None,
}  # fmt: skip
_GROUP: Final = {
    "GroupType": "Universal", "ManagedBy": ["Organization Management"], "MemberJoinRestriction": "Closed",
    "MemberDepartRestriction": "Open", "ReportToManagerEnabled": False, "ReportToOriginatorEnabled": True,
    "SendOofMessageToOriginatorEnabled": False, "HiddenGroupMembershipEnabled": False, "Description": [],
    "BypassNestedModerationEnabled": False, "SimpleDisplayName": "", "Notes": "",
}  # fmt: skip
_EMPTY: Final[Mapping[str, Any]] = {
    "bool": False,
    "int": None,
    "text": "",
    "list": [],
    "array": [],
    "hashtable": None,
    "hashtables": [],
    "bytes": None,
}
_TAKES_BUT_HIDES: Final = frozenset(
    {"MicrosoftOnlineServicesID", "StsRefreshTokensValidFrom", "Type", "Password"}
)


def _complete(template: dict[str, Any], setter: str) -> dict[str, Any]:
    """The template, and what else the Set- cmdlet takes."""
    for name, kind in _SIGNATURES[setter.lower()].types.items():
        if kind not in {"SwitchParameter", "SecureString"} and name not in _TAKES_BUT_HIDES:
            template.setdefault(name, _EMPTY[group(kind)])
    return template


_SIGNATURES = load()
MAILBOX = _complete({**_IDENTITY, **_RECIPIENT, **_MAILBOX, **_DELIVERY, **_STAMPS}, "Set-Mailbox")
CAS_MAILBOX = _complete({**_IDENTITY, **_CAS, **_STAMPS}, "Set-CASMailbox")
USER = _complete({**_IDENTITY, **_USER, **_STAMPS}, "Set-User")
GROUP = _complete({**_IDENTITY, **_RECIPIENT, **_DELIVERY, **_GROUP, **_STAMPS}, "Set-DistributionGroup")
GROUP["RequireSenderAuthenticationEnabled"] = True
RECIPIENT = {**_IDENTITY, **_SEEN_BY_GET_RECIPIENT, **_STAMPS}

_NOTES: Final = {
    **dict.fromkeys(("Guid", "ExchangeGuid", "ArchiveGuid", "MailboxGuid"), "System.Guid"),
    **dict.fromkeys(
        ("WhenCreated", "WhenCreatedUTC", "WhenChanged", "WhenChangedUTC", "WhenMailboxCreated",
         "LastLogonTime", "LastInteractionTime", "LitigationHoldDate", "StartDateForRetentionHold",
         "EndDateForRetentionHold"),
        "System.DateTime",
    ),
}  # fmt: skip
_LIST_NOTE: Final = "#Collection(String)"


def completed(facts: Facts, domain: str) -> Facts:
    """The facts, with what follows from them: names of other forms, stamps, kinds."""
    details = facts["RecipientTypeDetails"]
    name, created = facts["Name"], facts["WhenCreated"]
    facts["Identity"] = facts["Id"] = name
    facts["DistinguishedName"] = (
        f"CN={name},OU={domain},OU=Microsoft Exchange Hosted Organizations,"
        "DC=EURPR07A003,DC=PROD,DC=OUTLOOK,DC=COM"
    )
    facts["OrganizationId"] = f"{DATACENTER}/Microsoft Exchange Hosted Organizations/{domain}"
    facts["WhenCreatedUTC"] = facts["WhenMailboxCreated"] = created
    facts["WhenChanged"] = facts["WhenChangedUTC"] = facts.get("WhenChanged", created)
    facts.setdefault("WindowsEmailAddress", facts["PrimarySmtpAddress"])
    facts["LegacyExchangeDN"] = (
        f"/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn={facts['Guid']}"
    )
    if details.endswith("Mailbox"):
        facts["RecipientType"] = "UserMailbox"
        facts["IsShared"] = details == "SharedMailbox"
        facts["IsResource"] = details in {"RoomMailbox", "EquipmentMailbox"}
        facts["ResourceType"] = details.removesuffix("Mailbox") if facts["IsResource"] else None
    else:
        facts["RecipientType"] = "MailUniversalDistributionGroup"
    return facts


def narrowed(template: Mapping[str, Any], select: Iterable[str] | None) -> Mapping[str, Any]:
    """The template of the properties wanted: what `render` would leave out of many objects is left out
    once."""
    if select is None:
        return template
    wanted = {name.lower() for name in select}
    return {name: default for name, default in template.items() if name.lower() in wanted}


def render(template: Mapping[str, Any], facts: Facts, select: Iterable[str] | None = None) -> Row:
    """One object of a reply. select: the only properties wanted, whatever their case; unknown ones are
    left out."""
    row: Row = {}
    for name, default in narrowed(template, select).items():
        value = facts.get(name, default)
        note = _NOTES.get(name)
        if note is not None:
            row[name + "@data.type"] = note
        elif isinstance(value, list):
            row[name + "@odata.type"] = _LIST_NOTE
        row[name] = value
    return row
