"""Get-, Set-, New-, Remove-Mailbox; Get-, Set-CASMailbox; Get-MailboxStatistics."""

from __future__ import annotations

from typing import Any

from bulkexo.sandbox import errors
from bulkexo.sandbox.lists import read
from bulkexo.sandbox.people import Facts, guid, mix, plain, when
from bulkexo.sandbox.settings import bytes_text
from bulkexo.sandbox.tenant import Handler, Result, Run, apply_settings, check_mastered_here
from bulkexo.sandbox.views import CAS_MAILBOX, DATACENTER, MAILBOX, render

_KINDS = {"Shared": "SharedMailbox", "Room": "RoomMailbox", "Equipment": "EquipmentMailbox"}


def get_mailbox(run: Run) -> Result:
    """All mailboxes, or one."""
    return read(run, MAILBOX)


def set_mailbox(run: Run) -> Result:
    """Any of its settings."""
    return apply_settings(run, run.tenant.mailbox(run.bound["Identity"]), MAILBOX)


def get_cas_mailbox(run: Run) -> Result:
    """The client access settings of all mailboxes, or of one."""
    return read(run, CAS_MAILBOX)


def set_cas_mailbox(run: Run) -> Result:
    """Any client access setting."""
    return apply_settings(run, run.tenant.mailbox(run.bound["Identity"]), CAS_MAILBOX)


def new_mailbox(run: Run) -> Result:
    """A shared mailbox, a room, a piece of equipment, or (with sign-in name and password) a user's."""
    bound = run.bound
    kinds = [kind for switch, kind in _KINDS.items() if run.switch(switch)]
    if len(kinds) > 1:
        raise errors.parameter_sets()
    if not kinds and not bound.get("MicrosoftOnlineServicesID"):
        raise errors.missing_parameters("MicrosoftOnlineServicesID Password")
    if not kinds and "Password" not in bound:
        raise errors.missing_parameters("Password")
    facts = new_facts(run, kinds[0] if kinds else "UserMailbox")
    facts["UserPrincipalName"] = bound.get("MicrosoftOnlineServicesID") or facts["PrimarySmtpAddress"]
    facts.update({name: bound.get(name) or "" for name in ("FirstName", "LastName", "Office", "Phone")})
    check_new(run, facts, sign_in=not kinds)
    identifier = run.tenant.directory.create(facts, group=False)
    return Result([render(MAILBOX, run.tenant.facts(identifier), run.select)], changed=True)


def new_facts(run: Run, details: str) -> Facts:
    """Names and addresses of a new recipient, from `Name`, `Alias`, `DisplayName`, `PrimarySmtpAddress`."""
    bound, tenant = run.bound, run.tenant
    name = bound["Name"]
    sign_in = (bound.get("MicrosoftOnlineServicesID") or "").partition("@")[0]
    alias = bound.get("Alias") or sign_in or plain(name) or f"new{tenant.directory.last_mailbox + 1}"
    primary = bound.get("PrimarySmtpAddress") or bound.get("MicrosoftOnlineServicesID")
    primary = primary or f"{alias}@{tenant.people.main_domain}"
    proxies = [f"SMTP:{primary}"]
    if primary.lower() != f"{alias}@{tenant.domain}".lower():
        proxies.append(f"smtp:{alias}@{tenant.domain}")
    return {
        "Name": name,
        "Alias": alias,
        "DisplayName": bound.get("DisplayName") or name,
        "PrimarySmtpAddress": primary,
        "EmailAddresses": proxies,
        "RecipientTypeDetails": details,
        "WhenCreated": run.stamp,
    }


def check_new(run: Run, facts: Facts, *, sign_in: bool = False) -> None:
    """No address of a new recipient may be another's, nor its name. Raises CmdletError."""
    for address in facts["EmailAddresses"]:
        run.tenant.settings.check_address(address, sign_in=sign_in)
    for name in (facts["Alias"], facts["Name"]):
        if any(run.tenant.directory.facts(other)["Name"].casefold() == name.casefold()
               for other in run.tenant.directory.lookup(name)):  # fmt: skip
            raise errors.object_exists(name)


def remove_mailbox(run: Run) -> Result:
    """Soft-deletes; with `PermanentlyDelete`, what is soft-deleted already."""
    identity = run.bound["Identity"]
    if not run.switch("PermanentlyDelete"):
        identifier = run.tenant.mailbox(identity)
        check_mastered_here(run, run.tenant.facts(identifier))
        run.tenant.directory.remove(identifier)
        return Result(changed=True)
    if run.tenant.directory.lookup(identity, lambda identifier: identifier > 0):
        raise errors.not_soft_deleted()
    run.tenant.directory.purge(run.tenant.mailbox(identity, removed=True))
    return Result(changed=True)


def enable_mailbox(run: Run) -> Result:
    """Gives a mailbox an archive. The words for one that has one already are a guess."""
    if not run.switch("Archive"):
        raise errors.missing_parameters("Archive")
    tenant, identifier = run.tenant, run.tenant.mailbox(run.bound["Identity"])
    facts = tenant.facts(identifier)
    if facts.get("ArchiveStatus") == "Active":
        raise errors.archive_there(facts["Name"])
    name = run.bound.get("ArchiveName")
    names = name.applied([]) if name is not None else [f"In-Place Archive - {facts['DisplayName']}"]
    archive = guid(tenant.people.seed, "ArchiveGuid", identifier)
    tenant.write(
        identifier, {"ArchiveStatus": "Active", "ArchiveGuid": archive, "ArchiveName": names}, run.stamp
    )
    return Result([render(MAILBOX, tenant.facts(identifier), run.select)], changed=True)


def get_mailbox_statistics(run: Run) -> Result:
    """Sizes and last use of one mailbox: made from its number, the same every time."""
    tenant = run.tenant
    identifier = tenant.mailbox(run.bound["Identity"])
    if run.switch("Archive"):
        raise errors.not_found(run.bound["Identity"])
    facts = tenant.facts(identifier)
    bits = mix(tenant.people.seed, 5, identifier)
    items = 40 + bits % 60_000
    size = items * (20_000 + (bits >> 20) % 120_000)
    deleted = (bits >> 12) % 900
    row: dict[str, Any] = {
        "DisplayName": facts["DisplayName"],
        "MailboxGuid": facts["ExchangeGuid"],
        "MailboxType": "Private",
        "MailboxTypeDetail": facts["RecipientTypeDetails"],
        "ItemCount": items,
        "TotalItemSize": bytes_text(size),
        "DeletedItemCount": deleted,
        "TotalDeletedItemSize": bytes_text(deleted * 61_440),
        "AssociatedItemCount": 20 + (bits >> 40) % 400,
        "LastLogonTime": when(bits >> 24),
        "LastInteractionTime": when(bits >> 24),
        "IsQuarantined": False,
        "IsArchiveMailbox": False,
        "StorageLimitStatus": None,
        "DatabaseName": MAILBOX["Database"],
        "ServerName": f"{MAILBOX['ServerName']}.{DATACENTER.lower()}",
        "SystemMessageCount": 0,
        "MailboxTableIdentifier": facts["LegacyExchangeDN"],
        "Identity": facts["ExchangeGuid"],
        "IsValid": True,
        "ObjectState": "Unchanged",
    }
    return Result([render(row, {}, run.select)])


HANDLERS: dict[str, Handler] = {
    "Get-Mailbox": get_mailbox,
    "Set-Mailbox": set_mailbox,
    "New-Mailbox": new_mailbox,
    "Remove-Mailbox": remove_mailbox,
    "Enable-Mailbox": enable_mailbox,
    "Get-CASMailbox": get_cas_mailbox,
    "Set-CASMailbox": set_cas_mailbox,
    "Get-MailboxStatistics": get_mailbox_statistics,
}
