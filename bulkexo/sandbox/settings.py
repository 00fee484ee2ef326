"""What Set- cmdlets do with their values: each parameter's new value, and whether it changes anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bulkexo.sandbox import addresses, errors
from bulkexo.sandbox.directory import Directory
from bulkexo.sandbox.parameters import Bound, Signature
from bulkexo.sandbox.people import Facts
from bulkexo.sandbox.values import Edit

RECIPIENT_LISTS: Final = frozenset(
    [
        "AcceptMessagesOnlyFrom",
        "AcceptMessagesOnlyFromDLMembers",
        "AcceptMessagesOnlyFromSendersOrMembers",
        "RejectMessagesFrom",
        "RejectMessagesFromDLMembers",
        "RejectMessagesFromSendersOrMembers",
        "BypassModerationFromSendersOrMembers",
        "GrantSendOnBehalfTo",
        "ModeratedBy",
        "ManagedBy",
    ]
)
RECIPIENTS: Final = frozenset({"ForwardingAddress", "Manager", "DefaultPublicFolderMailbox"})
_SIZES: Final = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)?(?:\s*\(([\d,]+) bytes\))?", re.IGNORECASE)
_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2}))?")
_COUNTS: Final = frozenset({"RecipientLimits"})
ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "ConvertibleMailboxSubType": ("Regular", "Room", "Equipment", "Shared", "Workspace"),
    "ExternalOofOptions": ("InternalOnly", "External"),
    "TransportModerationNotificationFlags": ("Never", "Internal", "Always"),
    "MemberUpdateType": ("Open", "Closed", "ApprovalRequired"),
    "GroupType": ("Distribution", "Security"),
    "MimeTextFormat": ("TextOnly", "HtmlOnly", "HtmlAndTextAlternative", "TextEnrichedOnly",
                       "TextEnrichedAndTextAlternative", "BestBodyFormat", "Tnef"),
    "EwsApplicationAccessPolicy": ("EnforceAllowList", "EnforceBlockList"),
    "ActiveDirectorySecurityInheritance": ("None", "All", "Descendents", "SelfAndChildren", "Children"),
}  # fmt: skip


def enum_value(parameter: str, kind: str, text: str) -> str:
    """The enumerator that `text` names. A prefix is accepted silently (`protocol.md`, "Second reading")."""
    values = ENUMS[kind]
    for value in values:
        if value.lower().startswith(text.strip().lower()) and text.strip():
            return value
    raise errors.transformation(
        parameter,
        f"Unable to match the identifier name {text} to a valid enumerator name. Specify one of the "
        f"following enumerator names and try again: {', '.join(values)}",
    )


def size_text(parameter: str, text: str) -> str:
    """A quota as the service shows it: `49.5 GB (53,150,220,288 bytes)`, or `Unlimited`."""
    if text.strip().lower() == "unlimited":
        return "Unlimited"
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise errors.transformation(
            parameter, f'Cannot convert value "{text}" to type "Microsoft.Exchange.Data.Unlimited`1".'
        )
    count = (
        int(match[3].replace(",", ""))
        if match[3]
        else round(float(match[1]) * _SIZES[(match[2] or "B").upper()])
    )
    return bytes_text(count)


def bytes_text(count: int) -> str:
    """`1.5 GB (1,610,612,736 bytes)`: the largest unit that gives at least 1, three decimals at most."""
    unit = next((unit for unit in ("TB", "GB", "MB", "KB") if count >= _SIZES[unit]), "B")
    return f"{f'{count / _SIZES[unit]:.4g}' if count else '0'} {unit} ({count:,} bytes)"


def span_text(parameter: str, text: str) -> str:
    """A .NET TimeSpan: `14` and `14.00:00:00` are both 14 days; `Unlimited` stays."""
    stripped = text.strip()
    if stripped.lower() == "unlimited":
        return "Unlimited"
    if stripped.isdecimal():
        return f"{int(stripped)}.00:00:00"
    match = _SPAN.fullmatch(stripped)
    if match is None:
        raise errors.transformation(parameter, f'Cannot convert value "{text}" to type "EnhancedTimeSpan".')
    days = f"{int(match[1])}." if match[1] and int(match[1]) else ""
    return f"{days}{int(match[2]):02}:{match[3]}:{match[4] or '00'}"


def date_text(parameter: str, text: str) -> str:
    """A moment, UTC, with Z. Without an offset it is UTC already."""
    for read in (datetime.fromisoformat, lambda value: datetime.strptime(value, "%m/%d/%Y")):
        try:
            moment = read(text.strip())
        except ValueError:
            continue
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    raise errors.transformation(parameter, f'Cannot convert value "{text}" to type "System.DateTime".')


def _count_text(parameter: str, text: str) -> str:
    if text.strip().lower() == "unlimited":
        return "Unlimited"
    if text.strip().isdecimal():
        return str(int(text))
    raise errors.transformation(
        parameter, f'Cannot convert value "{text}" to type "Unlimited`1[System.Int32]".'
    )


def _unlimited(parameter: str, text: str) -> str:
    if parameter in _COUNTS:
        return _count_text(parameter, text)
    return span_text(parameter, text) if parameter.endswith("Duration") else size_text(parameter, text)


_BY_TYPE: Final[Mapping[str, Callable[[str, str], str]]] = {
    "Unlimited": _unlimited,
    "ByteQuantifiedSize": size_text,
    "EnhancedTimeSpan": span_text,
    "DateTime": date_text,
    "ProxyAddress": lambda _, text: addresses.proxy(text),
}


class Settings:
    """Applies the bound parameters of Set- and New- cmdlets to the facts of an object."""

    def __init__(self, directory: Directory, domains: frozenset[str]) -> None:
        self._directory = directory
        self._domains = domains

    def changes(
        self, signature: Signature, bound: Bound, identifier: int, facts: Facts, template: Mapping[str, Any]
    ) -> Facts:
        """The properties that get another value than they have; empty when nothing is to change."""
        new: Facts = {}
        for name, value in bound.items():
            kind = signature.types[name]
            if name == "Identity" or kind in {"SwitchParameter", "SecureString"}:
                continue
            if name in addresses.PARAMETERS:
                new.update(self._addresses(name, value, identifier, {**facts, **new}))
            else:
                property_name = "RecipientTypeDetails" if name == "Type" else name
                current = new.get(property_name, facts.get(property_name, template.get(property_name)))
                new[property_name] = self._value(name, kind, value, current)
        return {name: value for name, value in new.items() if value != facts.get(name, template.get(name))}

    def _value(self, name: str, kind: str, value: Any, current: Any) -> Any:
        if isinstance(value, Edit):
            if name in RECIPIENT_LISTS:
                value = self._recipients(name, value)
            return value.applied(current or [])
        if name in RECIPIENTS:
            return self.recipient_name(value) if value else None
        if name == "Alias":
            return self._alias(value)
        if isinstance(value, (bool, int, dict, list, bytes)):
            return value
        if value is None or (value == "" and kind in {*_BY_TYPE, *ENUMS}):
            return None if current is None or kind in {*_BY_TYPE, *ENUMS} else ""
        if name == "Type":
            return _mailbox_kind(enum_value(name, kind, value))
        if kind in ENUMS:
            return enum_value(name, kind, value)
        convert = _BY_TYPE.get(kind)
        return convert(name, value) if convert else value

    def recipient_name(self, identity: str) -> str:
        """The `Name` of the recipient that `identity` names, which is how lists of recipients show it."""
        return str(self._directory.facts(self._directory.find(identity))["Name"])

    def _recipients(self, parameter: str, edit: Edit) -> Edit:
        def names(identities: tuple[str, ...]) -> tuple[str, ...]:
            found = tuple(self.recipient_name(identity) for identity in identities)
            for position, name in enumerate(found):
                if name in found[:position]:
                    raise errors.duplicated_recipient(parameter, identities[position])
            return found

        replace = None if edit.replace is None else names(edit.replace)
        return Edit(replace, names(edit.add), names(edit.remove))

    def _alias(self, value: str | None) -> str:
        if value is None or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u00a1-\u00ff]{1,64}", value):
            raise errors.invalid_value(
                f"The property Alias can't be '{value}': it contains characters that aren't valid."
            )
        return value

    def _addresses(self, name: str, value: Any, identifier: int, facts: Facts) -> Facts:
        changed = addresses.change(name, value, facts)
        before = {address.casefold() for address in facts["EmailAddresses"]}
        for address in changed.get("EmailAddresses", ()):
            if address.casefold() not in before:
                self.check_address(address, identifier)
        if name == "MicrosoftOnlineServicesID" and value:
            self.check_address(f"SMTP:{value}", identifier, sign_in=True)
        return changed

    def check_address(self, address: str, identifier: int = 0, *, sign_in: bool = False) -> None:
        """The address must be in a domain of the tenant, and nobody else's."""
        prefix, _, rest = address.partition(":")
        if prefix.lower() == "smtp":
            domain = rest.rpartition("@")[2].lower()
            if not any(domain == ours or domain.endswith("." + ours) for ours in self._domains):
                raise errors.foreign_domain(domain)
        owner = self._directory.owner_of_address(address, apart_from=identifier)
        if owner is not None:
            raise errors.proxy_exists(address, self._directory.facts(owner)["Name"], sign_in=sign_in)


def _mailbox_kind(sub_type: str) -> str:
    return {"Regular": "UserMailbox"}.get(sub_type, sub_type + "Mailbox")
