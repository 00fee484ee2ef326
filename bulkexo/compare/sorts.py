"""What sort of value a parameter takes, as far as comparing goes: by its name, else by its type."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final


class Sort(Enum):
    """How two values of a parameter are compared; empty is empty in all of them.

    TEXT: letter by letter. NAME: of a policy, an enumerator, a language: case makes no difference. ADDRESS:
    with or without `smtp:`, in any case. PROXIES: addresses of which `SMTP:` in capitals marks the primary.
    RECIPIENT: any of its names. NUMBER: also sizes, durations and Unlimited. HTML: a text that the service
    wraps. KIND: `Shared` of a mailbox that shows itself as SharedMailbox.
    """

    TEXT = auto()
    NAME = auto()
    BOOL = auto()
    NUMBER = auto()
    DATE = auto()
    GUID = auto()
    ADDRESS = auto()
    PROXIES = auto()
    RECIPIENT = auto()
    HTML = auto()
    KIND = auto()


_BY_NAME: Final = {
    "emailaddresses": Sort.PROXIES,
    "mailtip": Sort.HTML,
    "internalmessage": Sort.HTML,
    "externalmessage": Sort.HTML,
    "userprincipalname": Sort.ADDRESS,
    "microsoftonlineservicesid": Sort.ADDRESS,
    **dict.fromkeys(
        (
            "acceptmessagesonlyfrom", "acceptmessagesonlyfromdlmembers",
            "acceptmessagesonlyfromsendersormembers",
            "rejectmessagesfrom", "rejectmessagesfromdlmembers", "rejectmessagesfromsendersormembers",
            "bypassmoderationfromsendersormembers", "grantsendonbehalfto", "moderatedby", "managedby",
            "bypassmoderationfrom", "bypassmoderationfromdlmembers",
            "resourcedelegates", "bookinpolicy", "requestinpolicy", "requestoutofpolicy",
        ),
        Sort.RECIPIENT,
    ),
    **dict.fromkeys(
        ("auditadmin", "auditdelegate", "auditowner", "defaultauditset", "languages", "allowedcountries"),
        Sort.NAME,
    ),
}  # fmt: skip
"""By parameter in lower case, where the type does not tell: most of these are a MultiValuedProperty."""

_BY_TYPE: Final = {
    "String": Sort.TEXT,
    "MultiValuedProperty": Sort.TEXT,
    "String[]": Sort.TEXT,
    "Boolean": Sort.BOOL,
    "SwitchParameter": Sort.BOOL,
    **dict.fromkeys(("SmtpAddress", "ProxyAddress"), Sort.ADDRESS),
    "ProxyAddressCollection": Sort.PROXIES,
    "Guid": Sort.GUID,
    **dict.fromkeys(("DateTime", "ExDateTime", "DateTimeOffset"), Sort.DATE),
    "ConvertibleMailboxSubType": Sort.KIND,
    **dict.fromkeys(
        ("Int16", "Int32", "Int64", "UInt16", "UInt32", "UInt64", "Double", "TimeSpan", "EnhancedTimeSpan",
         "ByteQuantifiedSize", "Unlimited", "UnlimitedInt", "Unlimited`1[System.UInt32]"),
        Sort.NUMBER,
    ),
}  # fmt: skip

_RECIPIENT_TYPE = re.compile(
    r"(?:General)?(?:Recipient|Mailbox|User|MailUser|MailContact|UserContact|DistributionGroup|UnifiedGroup"
    r"|SecurityPrincipal|MailboxFolderUser|RoleGroupMember|UserContactGroup|ModernGroup|Delegate)"
    r"[A-Za-z]*?IdParameter(?:\[\])?"
)
_POLICY_TYPE = re.compile(r"[A-Za-z]*PolicyIdParameter")
_FREE_TYPE = re.compile(r"(?:Word|Pattern|[A-Za-z]*Text|HeaderName|HeaderValue|SubjectPrefix|Uri)(?:\[\])?")
_NAMESPACE = re.compile(r"^(?:[A-Za-z]+\.)+")


def sort_of(name: str, type_name: str) -> Sort:
    """The sort of a parameter. type_name: as the catalogue writes it, "" where it knows none."""
    if name.lower() in _BY_NAME:
        return _BY_NAME[name.lower()]
    short = _NAMESPACE.sub("", type_name).strip("<>")
    if short in _BY_TYPE:
        return _BY_TYPE[short]
    if not short or _FREE_TYPE.fullmatch(short):
        return Sort.TEXT
    if _RECIPIENT_TYPE.fullmatch(short) and not _POLICY_TYPE.fullmatch(short):
        return Sort.RECIPIENT
    return Sort.NAME
