"""The REST-only cmdlets: which GET each is, and its answer.

The shapes are those that clients read (CIPP, M365Permissions, Monkey365), and are doubtful in places, all
of which are here: an entity that a key names is the body itself, anything else is in `value`; permissions
come one object a user, with a `PermissionList`; rights of folders and of recipients are one text with
commas; without `PropertySet` and `$select` the set Minimum comes, as the cmdlets of Microsoft's module have
it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from bulkexo.sandbox import devices, errors, folders
from bulkexo.sandbox.lists import in_memory, read
from bulkexo.sandbox.mailboxes import get_mailbox_statistics
from bulkexo.sandbox.odata import Question, opath
from bulkexo.sandbox.parameters import Bound
from bulkexo.sandbox.permissions import get_mailbox_permission, get_recipient_permission
from bulkexo.sandbox.tenant import Result, Run
from bulkexo.sandbox.values import Edit
from bulkexo.sandbox.views import CAS_MAILBOX, MAILBOX, RECIPIENT, Row

_SWITCHES = ("SoftDeletedMailbox", "InactiveMailboxOnly", "IncludeInactiveMailbox", "GroupMailbox", "Archive",
             "Migration", "PublicFolder")  # fmt: skip
_FILTERS = ("RecipientTypeDetails", "RecipientType")
Read = Callable[[Run, Question], Result]


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of GET. cmdlet: the REST-only one. twin: the classic one, by whose name it is bound. keys: the
    steps that need a key. single: an entity and no list, if there is
    a key."""

    cmdlet: str
    twin: str
    read: Read
    keys: tuple[int, ...] = (0,)
    single: bool = False


def _mailboxes(run: Run, _: Question) -> Result:
    return read(run, MAILBOX)


def _cas_mailboxes(run: Run, _: Question) -> Result:
    return read(run, CAS_MAILBOX)


def _recipients(run: Run, question: Question) -> Result:
    result = read(run, RECIPIENT, groups=True)
    if question.options.get("$expand", "").lower() == "recipientpermission" and result.value:
        wider = replace(run, select=None)
        result.value[0]["RecipientPermission"] = list(_sendas(get_recipient_permission(wider)))
    return result


def _mailbox_permissions(run: Run, _: Question) -> Result:
    by_user: dict[str, Row] = {}
    for row in _rows(get_mailbox_permission(run)):
        first = {"Identity": row["Identity"], "MailboxIdentity": row["Identity"], "User": row["User"]}
        entry = by_user.setdefault(row["User"], {**first, "PermissionList": []})
        entry["PermissionList"].append(
            {name: row[name] for name in ("AccessRights", "IsInherited", "Deny", "InheritanceType")}
        )
    return in_memory(list(by_user.values()))


def _recipient_permissions(run: Run, _: Question) -> Result:
    return in_memory(list(_sendas(get_recipient_permission(run))))


def _sendas(result: Result) -> Iterator[Row]:
    for row in _rows(result):
        clean = {name: value for name, value in row.items() if "@" not in name}
        yield {**clean, "AccessRights": ", ".join(row["AccessRights"])}


def _statistics(run: Run, _: Question) -> Result:
    return get_mailbox_statistics(run)


def _folder_statistics(run: Run, question: Question) -> Result:
    scope = next((part for part in (question.steps[-1].arguments or "").split("'")[1:2]), "All")
    rows = folders.statistics(run.tenant, run.tenant.mailbox(run.bound["Identity"]), scope)
    return in_memory(list(rows))


def _folder_permissions(run: Run, question: Question) -> Result:
    tenant, where = run.tenant, question.steps[1].key or ""
    mailbox = tenant.mailbox(run.bound["Identity"])
    folder = folders.folder_of(tenant, mailbox, where, where)
    rows = []
    for entry, row in zip(
        folders.entries(tenant, mailbox, folder), folders.permissions(tenant, mailbox, folder), strict=True
    ):
        known = isinstance(entry.user, int) and tenant.directory.exists(entry.user)
        upn = tenant.facts(int(entry.user)).get("UserPrincipalName") if known else None
        rows.append(
            {**row, "AccessRights": ", ".join(entry.rights), "MailboxFolderUser": {"UserPrincipalName": upn}}
        )
    return in_memory(rows)


def _devices(run: Run, _: Question) -> Result:
    return in_memory(list(devices.devices(run.tenant, run.tenant.mailbox(run.bound["Identity"]))))


RESOURCES: Mapping[tuple[str, ...], Resource] = {
    ("mailbox",): Resource("Get-EXOMailbox", "Get-Mailbox", _mailboxes, (), single=True),
    ("casmailbox",): Resource("Get-EXOCasMailbox", "Get-CASMailbox", _cas_mailboxes, (), single=True),
    ("recipient",): Resource("Get-EXORecipient", "Get-Recipient", _recipients, (), single=True),
    ("mailbox", "mailboxpermission"): Resource(
        "Get-EXOMailboxPermission", "Get-MailboxPermission", _mailbox_permissions
    ),
    ("recipient", "recipientpermission"): Resource(
        "Get-EXORecipientPermission", "Get-RecipientPermission", _recipient_permissions
    ),
    ("mailbox", "exchange.getmailboxstatistics"): Resource(
        "Get-EXOMailboxStatistics", "Get-MailboxStatistics", _statistics, single=True
    ),
    ("mailbox", "mailboxfolder", "exchange.getmailboxfolderstatistics"): Resource(
        "Get-EXOMailboxFolderStatistics", "Get-MailboxFolderStatistics", _folder_statistics
    ),
    ("mailbox", "exchange.getmailboxfolderstatistics"): Resource(
        "Get-EXOMailboxFolderStatistics", "Get-MailboxFolderStatistics", _folder_statistics
    ),
    ("mailbox", "mailboxfolder", "mailboxfolderpermission"): Resource(
        "Get-EXOMailboxFolderPermission", "Get-MailboxFolderPermission", _folder_permissions, (0, 1)
    ),
    ("mailbox", "mobiledevice", "exchange.getmobiledevicestatistics"): Resource(
        "Get-EXOMobileDeviceStatistics", "Get-MobileDeviceStatistics", _devices
    ),
}
"""By the names of the steps. Two forms of folder statistics: both are in use."""


def find(question: Question) -> Resource | None:
    """Which kind of GET it is, if it is one and has the keys it needs."""
    found = RESOURCES.get(tuple(step.name for step in question.steps))
    if found is None or any(question.steps[position].key is None for position in found.keys):
        return None
    return found


def is_entity(question: Question, resource: Resource) -> bool:
    """Whether the answer is one object and no list."""
    by_header = question.flag("readidsandparamsfromheaders")
    return resource.single and question.steps[0].key is not None and not by_header


def entity_sets(base: str) -> dict[str, Any]:
    """What a GET on the tenant lists (`protocol.md`: 51 once; here those that are served)."""
    names = {"mailbox": "Mailbox", "casmailbox": "CasMailbox", "recipient": "Recipient"}
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in names.values()]
    return {"@odata.context": f"{base}/$metadata", "value": sets}


def bound(question: Question) -> Bound:
    """What the options come to as parameters of the classic twin."""
    found: Bound = {}
    options = question.options
    if question.steps[0].key is not None:
        found["Identity"] = question.steps[0].key
    if options.get("$filter"):
        found["Filter"] = opath(options["$filter"])
    if options.get("$top"):
        found["ResultSize"] = options["$top"]
    if options.get("anr"):
        found["Anr"] = options["anr"]
    for name in _FILTERS:
        if options.get(name.lower()):
            found[name] = Edit(replace=tuple(options[name.lower()].split(",")))
    found.update({name: True for name in _SWITCHES if question.flag(name.lower())})
    return found


def selected(question: Question, resource: Resource) -> tuple[str, ...] | None:
    """The properties wanted; None for all. Raises CmdletError for a PropertySet that is none."""
    if question.options.get("$select"):
        return tuple(name.strip() for name in question.options["$select"].split(",") if name.strip())
    known = _property_sets().get(resource.cmdlet)
    if known is None:
        return None
    wanted = [
        name.strip() for name in question.options.get("propertyset", "Minimum").split(",") if name.strip()
    ]
    if any(name.lower() == "all" for name in wanted):
        return None
    for name in wanted:
        if name.lower() not in known:
            raise errors.transformation(
                "PropertySet", f'Cannot convert value "{name}" to type "PropertySet".'
            )
    return tuple(dict.fromkeys(property_ for name in wanted for property_ in known[name.lower()]))


def shaped(rows: Iterable[Row], select: tuple[str, ...] | None, resource: Resource) -> list[Row]:
    """Objects without notes, which typed entities have none of; properties that this tenant never has are
    null."""
    known = {name for names in _property_sets().get(resource.cmdlet, {}).values() for name in names}
    exact = {name.lower(): name for name in known}
    wanted = None if select is None else {name.lower() for name in select}
    missing = known if wanted is None else {exact[name] for name in wanted if name in exact}
    found = []
    for row in rows:
        clean = {
            name: value for name, value in row.items()
            if "@" not in name and (wanted is None or name.lower() in wanted or name == "RecipientPermission")
        }  # fmt: skip
        found.append(clean | dict.fromkeys(sorted(missing - clean.keys())))
    return found


def _rows(result: Result) -> list[Row]:
    return result.value if result.scan is None else [row for _, row in result.scan(0)]


@cache
def _property_sets() -> dict[str, dict[str, tuple[str, ...]]]:
    text = resources.files("bulkexo.sandbox").joinpath("propertysets.json").read_text(encoding="utf-8")
    return {
        cmdlet: {name.lower(): tuple(names.split(" ")) for name, names in sets.items()}
        for cmdlet, sets in json.loads(text).items()
    }
