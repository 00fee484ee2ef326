"""Permissions on mailboxes (full access and the like) and on recipients (send as).

Shapes from `protocol.md`, "Errors": `Deny` is the text "False" beside a real boolean `IsInherited`; dead
trustees are raw SIDs; Get-RecipientPermission gives display names.
"""

from __future__ import annotations

from bulkexo.sandbox import errors
from bulkexo.sandbox.lists import in_memory, limited
from bulkexo.sandbox.people import mix
from bulkexo.sandbox.tenant import Ace, Handler, Result, Run, Tenant
from bulkexo.sandbox.values import Edit
from bulkexo.sandbox.views import Row, render

_SELF = "NT AUTHORITY\\SELF"
_MAILBOX_RIGHTS = (
    "FullAccess", "SendAs", "ExternalAccount", "DeleteItem", "ReadPermission", "ChangePermission",
    "ChangeOwner",
)  # fmt: skip
_RECIPIENT_RIGHTS = ("SendAs",)


def mailbox_aces(tenant: Tenant, identifier: int) -> list[Ace]:
    """The entries of a mailbox, as they may be changed."""
    aces = tenant.mailbox_aces.get(identifier)
    if aces is None:
        aces = [Ace(_SELF, ("FullAccess", "ReadPermission"))]
        people = tenant.people
        if identifier <= people.mailboxes:
            bits = mix(people.seed, 6, identifier)
            if bits % 20 == 0:
                sid = f"S-1-5-21-{bits >> 34}-{bits >> 33 & 0xFFFFFFF}-1417001333-{identifier}"
                aces.append(Ace(sid, ("FullAccess",)))
            if people.mailbox(identifier)["RecipientTypeDetails"] == "SharedMailbox":
                aces += [Ace(delegate, ("FullAccess",)) for delegate in people.delegates(identifier)]
        tenant.mailbox_aces[identifier] = aces
    return aces


def recipient_aces(tenant: Tenant, identifier: int) -> list[Ace]:
    """The send-as entries of a recipient, as they may be changed."""
    return tenant.recipient_aces.setdefault(identifier, [Ace(_SELF, ("SendAs",))])


def get_mailbox_permission(run: Run) -> Result:
    """All entries of a mailbox, or those of one user."""
    identifier = run.tenant.mailbox(run.bound["Identity"])
    name = run.tenant.facts(identifier)["Name"]
    if run.switch("Owner"):
        return Result([{"Identity": name, "Owner": _SELF}])
    aces = _of(run, mailbox_aces(run.tenant, identifier), "User")
    return limited(run, in_memory([_mailbox_row(run, name, ace) for ace in aces]))


def add_mailbox_permission(run: Run) -> Result:
    """Rights for a user. A warning if they are there already."""
    if "Owner" not in run.bound and not (run.bound.get("User") and run.bound.get("AccessRights")):
        raise errors.missing_parameters("AccessRights User")
    identifier = run.tenant.mailbox(run.bound["Identity"])
    if "Owner" in run.bound:
        _trustee(run.tenant, run.bound["Owner"])
        return Result(changed=True)
    rights = _rights(run.bound["AccessRights"], _MAILBOX_RIGHTS)
    trustee = _trustee(run.tenant, run.bound["User"])
    name = run.tenant.facts(identifier)["Name"]
    ace = _grant(mailbox_aces(run.tenant, identifier), trustee, rights, deny=run.switch("Deny"))
    if ace is None:
        return Result(warnings=[_present(name, run.bound["User"])], changed=False)
    return Result([_mailbox_row(run, name, ace)], changed=True)


def remove_mailbox_permission(run: Run) -> Result:
    """Rights of a user. A warning if they are not there."""
    if not run.bound.get("Identity"):
        raise errors.missing_parameters("Identity")
    identifier = run.tenant.mailbox(run.bound["Identity"])
    if run.switch("ClearAutoMapping"):
        return Result(changed=True)
    if run.switch("ResetDefault"):
        run.tenant.mailbox_aces[identifier] = [Ace(_SELF, ("FullAccess", "ReadPermission"))]
        return Result(changed=True)
    if not run.bound.get("User") or not run.bound.get("AccessRights"):
        raise errors.missing_parameters("AccessRights User")
    rights = _rights(run.bound["AccessRights"], _MAILBOX_RIGHTS)
    return _revoke(run, mailbox_aces(run.tenant, identifier), identifier, rights, run.bound["User"])


def get_recipient_permission(run: Run) -> Result:
    """Send-as entries of one recipient, or of all that have other entries than their own."""
    tenant = run.tenant
    identity = run.bound.get("Identity")
    identifiers = list(tenant.recipient_aces) if identity is None else [tenant.directory.find(identity)]
    rows = []
    for identifier in identifiers:
        name = tenant.facts(identifier)["Name"]
        aces = _of(run, recipient_aces(tenant, identifier), "Trustee")
        rows += [_recipient_row(run, name, ace) for ace in aces]
    return limited(run, in_memory(rows))


def add_recipient_permission(run: Run) -> Result:
    """Send-as for a trustee. A warning if it is there already."""
    identifier = run.tenant.directory.find(run.bound["Identity"])
    rights = _rights(run.bound["AccessRights"], _RECIPIENT_RIGHTS)
    trustee = _trustee(run.tenant, run.bound["Trustee"])
    name = run.tenant.facts(identifier)["Name"]
    ace = _grant(recipient_aces(run.tenant, identifier), trustee, rights, deny=False)
    if ace is None:
        return Result(warnings=[_present(name, run.bound["Trustee"])], changed=False)
    return Result([_recipient_row(run, name, ace)], changed=True)


def remove_recipient_permission(run: Run) -> Result:
    """Send-as of a trustee. A warning if it is not there."""
    identifier = run.tenant.directory.find(run.bound["Identity"])
    rights = _rights(run.bound["AccessRights"], _RECIPIENT_RIGHTS)
    return _revoke(run, recipient_aces(run.tenant, identifier), identifier, rights, run.bound["Trustee"])


def _rights(edit: Edit, known: tuple[str, ...]) -> tuple[str, ...]:
    by_name = {right.lower(): right for right in known}
    given = [part.strip() for text in (edit.replace or edit.add) for part in text.split(",")]
    for right in given:
        if right.lower() not in by_name:
            raise errors.transformation(
                "AccessRights",
                f"Unable to match the identifier name {right} to a valid enumerator name. Specify one of the "
                f"following enumerator names and try again: {', '.join(known)}",
            )
    return tuple(dict.fromkeys(by_name[right.lower()] for right in given))


def _trustee(tenant: Tenant, text: str) -> int | str:
    """Who is meant: a recipient, or (with a backslash, or a SID) something else that is taken as it is."""
    if "\\" in text or text.upper().startswith("S-1-5-"):
        return text
    return tenant.directory.find(text)


def _find(aces: list[Ace], trustee: int | str, *, deny: bool) -> Ace | None:
    return next((ace for ace in aces if _same(ace.trustee, trustee) and ace.deny == deny), None)


def _same(one: int | str, other: int | str) -> bool:
    return str(one).casefold() == str(other).casefold()


def _grant(aces: list[Ace], trustee: int | str, rights: tuple[str, ...], *, deny: bool) -> Ace | None:
    """Add the rights; None if they were all there."""
    ace = _find(aces, trustee, deny=deny)
    if ace is None:
        aces.append(Ace(trustee, rights, deny))
        return aces[-1]
    if set(rights) <= set(ace.rights):
        return None
    ace.rights = (*ace.rights, *(right for right in rights if right not in ace.rights))
    return ace


def _revoke(run: Run, aces: list[Ace], identifier: int, rights: tuple[str, ...], who: str) -> Result:
    ace = _find(aces, _trustee(run.tenant, who), deny=run.switch("Deny"))
    if ace is None or not set(rights) & set(ace.rights):
        name = run.tenant.facts(identifier)["Name"]
        return Result(
            warnings=[
                f'Can\'t remove the access control entry on the object "{name}" for account "{who}" because '
                "the ACE isn't present on the object."
            ],
            changed=False,
        )
    ace.rights = tuple(right for right in ace.rights if right not in rights)
    if not ace.rights:
        aces.remove(ace)
    return Result(changed=True)


def _present(name: str, who: str) -> str:
    return (
        f'The appropriate access control entry is already present on the object "{name}" for account "{who}".'
    )


def _of(run: Run, aces: list[Ace], parameter: str) -> list[Ace]:
    who = run.bound.get(parameter)
    if not who:
        return aces
    trustee = _trustee(run.tenant, who)
    return [ace for ace in aces if _same(ace.trustee, trustee)]


def _mailbox_row(run: Run, name: str, ace: Ace) -> Row:
    row = {
        "Identity": name,
        "User": _shown(run.tenant, ace.trustee, "UserPrincipalName"),
        "AccessRights": list(ace.rights),
        "IsInherited": ace.inherited,
        "Deny": str(ace.deny),
        "InheritanceType": "All",
        "IsValid": True,
        "ObjectState": "Unchanged",
    }
    return render(row, {}, run.select)


def _recipient_row(run: Run, name: str, ace: Ace) -> Row:
    row = {
        "Identity": name,
        "Trustee": _shown(run.tenant, ace.trustee, "DisplayName"),
        "AccessControlType": "Deny" if ace.deny else "Allow",
        "AccessRights": list(ace.rights),
        "IsInherited": ace.inherited,
        "InheritanceType": "None",
    }
    return render(row, {}, run.select)


def _shown(tenant: Tenant, trustee: int | str, prefer: str) -> str:
    """A trustee as replies name it: by a property, or (removed since) by a raw SID."""
    if isinstance(trustee, str):
        return trustee
    if not tenant.directory.exists(trustee):
        return f"S-1-5-21-{mix(tenant.people.seed, 7) >> 33}-1417001333-{trustee}"
    facts = tenant.facts(trustee)
    return str(facts.get(prefer) or facts["Name"])


HANDLERS: dict[str, Handler] = {
    "Get-MailboxPermission": get_mailbox_permission,
    "Add-MailboxPermission": add_mailbox_permission,
    "Remove-MailboxPermission": remove_mailbox_permission,
    "Get-RecipientPermission": get_recipient_permission,
    "Add-RecipientPermission": add_recipient_permission,
    "Remove-RecipientPermission": remove_recipient_permission,
}
