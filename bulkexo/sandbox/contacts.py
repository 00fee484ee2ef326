"""Mail contacts: people elsewhere who stand in the address book. There are none at first, and they are found
by their own cmdlets alone; their shape is that of Microsoft's reference.
"""

from __future__ import annotations

from typing import Any, Final

from bulkexo.sandbox import errors
from bulkexo.sandbox.lists import in_memory, limited
from bulkexo.sandbox.people import guid, plain
from bulkexo.sandbox.tenant import Handler, Result, Run, Tenant, unchanged_warning
from bulkexo.sandbox.values import Edit
from bulkexo.sandbox.views import Row, render

Contact = dict[str, Any]

_EMPTY: Final[dict[str, Any]] = {
    "Name": "", "Alias": "", "DisplayName": "", "ExternalEmailAddress": "", "PrimarySmtpAddress": "",
    "EmailAddresses": [], "FirstName": "", "LastName": "", "Initials": "", "RecipientType": "MailContact",
    "RecipientTypeDetails": "MailContact", "HiddenFromAddressListsEnabled": False, "MailTip": None,
    "ModerationEnabled": False, "ModeratedBy": [], "UsePreferMessageFormat": False, "Guid": "",
    **{f"CustomAttribute{number}": "" for number in range(1, 16)}, "WhenCreated": "", "WhenChanged": "",
    "Identity": "", "Id": "", "IsDirSynced": False, "IsValid": True, "ObjectState": "Unchanged",
}  # fmt: skip
_FIRST: Final = 500_000_000
"""Where the numbers of contacts begin, far from those of mailboxes."""


def contacts(tenant: Tenant) -> dict[str, Contact]:
    """By name in lower case."""
    found: dict[str, Contact] = tenant.shelves.setdefault("contacts", {})
    return found


def get(run: Run) -> Result:
    """All of them, or one."""
    named = run.bound.get("Identity")
    wanted = contacts(run.tenant).values() if named is None else [_find(run.tenant, named)]
    return limited(run, in_memory([_row(run, each) for each in wanted]))


def new(run: Run) -> Result:
    """One more; its name and its address may be nobody else's."""
    bound, tenant = run.bound, run.tenant
    if not bound.get("ExternalEmailAddress"):
        raise errors.missing_parameters("ExternalEmailAddress")
    name, address = bound["Name"], _bare(bound["ExternalEmailAddress"])
    _check_free(tenant, name, address)
    contact = {
        "Name": name,
        "Alias": bound.get("Alias") or plain(name) or f"contact{len(contacts(tenant)) + 1}",
        "DisplayName": bound.get("DisplayName") or name,
        "ExternalEmailAddress": f"SMTP:{address}",
        "PrimarySmtpAddress": address,
        "EmailAddresses": [f"SMTP:{address}"],
        "Guid": guid(tenant.people.seed, "Guid", _FIRST + len(contacts(tenant))),
        "WhenCreated": run.stamp,
        "WhenChanged": run.stamp,
        "Identity": name,
        "Id": name,
        **{each: bound.get(each) or "" for each in ("FirstName", "LastName", "Initials")},
    }
    contacts(tenant)[name.casefold()] = contact
    return Result([_row(run, contact)], changed=True)


def change(run: Run) -> Result:
    """Any of its settings."""
    contact = _find(run.tenant, run.bound["Identity"])
    new_values: Contact = {
        name: value.applied(contact.get(name, _EMPTY[name])) if isinstance(value, Edit) else value
        for name, value in run.bound.items()
        if name in _EMPTY and name != "Identity"
    }
    if address := new_values.get("ExternalEmailAddress"):
        new_values["ExternalEmailAddress"] = f"SMTP:{_bare(address)}"
    changed = {name: value for name, value in new_values.items() if value != contact.get(name, _EMPTY[name])}
    if not changed:
        return Result(warnings=[unchanged_warning(contact["Name"])], changed=False)
    contact.update(changed, WhenChanged=run.stamp)
    return Result(changed=True)


def remove(run: Run) -> Result:
    """One fewer."""
    contact = _find(run.tenant, run.bound["Identity"])
    del contacts(run.tenant)[contact["Name"].casefold()]
    return Result(changed=True)


def _bare(address: str) -> str:
    kind, _, rest = address.partition(":")
    bare = rest if kind.lower() == "smtp" else address
    if "@" not in bare:
        raise errors.transformation(
            "ExternalEmailAddress", f'Cannot convert value "{address}" to type "ProxyAddress".'
        )
    return bare


def _check_free(tenant: Tenant, name: str, address: str) -> None:
    for other in contacts(tenant).values():
        if other["Name"].casefold() == name.casefold():
            raise errors.object_exists(name)
        if other["PrimarySmtpAddress"].casefold() == address.casefold():
            raise errors.proxy_exists(f"SMTP:{address}", other["Name"])
    if (owner := tenant.directory.owner_of_address(f"SMTP:{address}")) is not None:
        raise errors.proxy_exists(f"SMTP:{address}", tenant.directory.facts(owner)["Name"])


def _find(tenant: Tenant, identity: str) -> Contact:
    key = identity.casefold()
    for contact in contacts(tenant).values():
        names = ("Name", "Alias", "DisplayName", "PrimarySmtpAddress", "Guid")
        if key in (contact[name].casefold() for name in names):
            return contact
    raise errors.not_found(identity)


def _row(run: Run, contact: Contact) -> Row:
    return render(_EMPTY, contact, run.select)


HANDLERS: dict[str, Handler] = {
    "Get-MailContact": get,
    "New-MailContact": new,
    "Set-MailContact": change,
    "Remove-MailContact": remove,
}
