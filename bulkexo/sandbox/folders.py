"""Folders of a mailbox, and who may do what in them.

Every mailbox has the same folders; what lies in them is made from its number. A folder is named as
`mailbox:\\Calendar`, or `mailbox:FOLDERID`; without a colon it is the top of the mailbox.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from bulkexo.sandbox import errors
from bulkexo.sandbox.lists import in_memory, limited
from bulkexo.sandbox.people import mix
from bulkexo.sandbox.settings import bytes_text
from bulkexo.sandbox.tenant import Handler, Result, Run, Tenant
from bulkexo.sandbox.values import Edit
from bulkexo.sandbox.views import Row, render

FOLDERS = (
    ("Top of Information Store", "Root", "\\"),
    ("Inbox", "Inbox", "\\Inbox"),
    ("Projects", "User Created", "\\Inbox\\Projects"),
    ("Calendar", "Calendar", "\\Calendar"),
    ("Contacts", "Contacts", "\\Contacts"),
    ("Sent Items", "SentItems", "\\Sent Items"),
    ("Drafts", "Drafts", "\\Drafts"),
    ("Deleted Items", "DeletedItems", "\\Deleted Items"),
    ("Archive", "Archive", "\\Archive"),
    ("Notes", "Notes", "\\Notes"),
    ("Tasks", "Tasks", "\\Tasks"),
    ("Recoverable Items", "RecoverableItemsRoot", "\\Recoverable Items"),
)
"""Name, type and path of each."""
RIGHTS = (
    "None", "Owner", "PublishingEditor", "Editor", "PublishingAuthor", "Author", "NonEditingAuthor",
    "Reviewer", "Contributor", "AvailabilityOnly", "LimitedDetails", "CreateItems", "CreateSubfolders",
    "DeleteAllItems", "DeleteOwnedItems", "EditAllItems", "EditOwnedItems", "FolderContact",
    "FolderOwner", "FolderVisible", "ReadItems",
)  # fmt: skip
_EVERYONE = ("Default", "Anonymous")
_NAMESPACE = "Microsoft.Exchange.Management.StoreTasks."
_SCOPES = frozenset({"all", "inbox", "calendar", "contacts", "sentitems", "drafts", "deleteditems", "archive",
                     "notes", "tasks", "recoverableitems", "nonipmroot"})  # fmt: skip


@dataclass(slots=True)
class Entry:
    """Who (identifier of a recipient, or one of the two names that stand for everyone) may do what."""

    user: int | str
    rights: tuple[str, ...]
    flags: str = "None"


def folder_id(tenant: Tenant, mailbox: int, folder: int) -> str:
    """The id of a folder: base64, and another in every mailbox."""
    bits = mix(tenant.people.seed, 9, mailbox, folder)
    return base64.b64encode(f"LgAAAAB{bits:016x}{mailbox:08x}{folder:02x}".encode()).decode()


def place(tenant: Tenant, identity: str) -> tuple[int, int]:
    """Mailbox and number of the folder that an identity names. Raises CmdletError."""
    who, _, where = identity.partition(":")
    mailbox = tenant.mailbox(who)
    return mailbox, folder_of(tenant, mailbox, where, identity)


def folder_of(tenant: Tenant, mailbox: int, where: str, identity: str) -> int:
    """The number of a folder, by its path or id. identity: for the complaint. Raises CmdletError."""
    path = "\\" + where.strip().strip("\\").replace("/", "\\")
    for number, (_, _, known) in enumerate(FOLDERS):
        if known.casefold() == path.casefold() or folder_id(tenant, mailbox, number) == where:
            return number
    raise errors.not_found(identity)


def entries(tenant: Tenant, mailbox: int, folder: int) -> list[Entry]:
    """The entries of a folder, as they may be changed."""
    rights = "AvailabilityOnly" if FOLDERS[folder][1] == "Calendar" else "None"
    made = [Entry("Default", (rights,)), Entry("Anonymous", ("None",))]
    found: list[Entry] = tenant.folder_entries.setdefault((mailbox, folder), made)
    return found


def statistics(tenant: Tenant, mailbox: int, scope: str) -> Iterator[Row]:
    """What lies in each folder. scope: a folder type, or All."""
    if scope.lower() not in _SCOPES:
        raise errors.transformation(
            "FolderScope", f"Unable to match the identifier name {scope} to a valid enumerator name."
        )
    name = tenant.facts(mailbox)["Name"]
    for number, (shown, kind, path) in enumerate(FOLDERS):
        if scope.lower() not in {"all", kind.lower(), kind.lower().removesuffix("root")}:
            continue
        bits = mix(tenant.people.seed, 8, mailbox, number)
        items = 0 if kind == "Root" else bits % 4000
        yield {
            "Name": shown, "Identity": f"{name}{path}", "FolderPath": path.replace("\\", "/"),
            "FolderId": folder_id(tenant, mailbox, number), "FolderType": kind, "ItemsInFolder": items,
            "ItemsInFolderAndSubfolders": items, "FolderSize": bytes_text(items * 52_000),
            "FolderAndSubfolderSize": bytes_text(items * 52_000), "DeletedItemsInFolder": bits >> 20 & 0xFF,
            "ContentFolder": kind != "RecoverableItemsRoot", "IsValid": True, "ObjectState": "New",
        }  # fmt: skip


def get_statistics(run: Run) -> Result:
    """A row a folder."""
    mailbox = run.tenant.mailbox(run.bound.get("Identity") or "")
    rows = statistics(run.tenant, mailbox, run.bound.get("FolderScope") or "All")
    return limited(run, in_memory([render(row, {}, run.select) for row in rows]))


def permissions(tenant: Tenant, mailbox: int, folder: int, user: str | None = None) -> Iterator[Row]:
    """A row an entry; user: only theirs. Raises CmdletError."""
    wanted = None if not user else _user(tenant, user)
    for entry in entries(tenant, mailbox, folder):
        if wanted is None or entry.user == wanted:
            yield _row(tenant, folder, entry)


def get_permission(run: Run) -> Result:
    """All entries of a folder, or those of one user."""
    mailbox, folder = place(run.tenant, run.bound["Identity"])
    rows = list(permissions(run.tenant, mailbox, folder, run.bound.get("User")))
    if run.bound.get("User") and not rows:
        raise no_entry(run.bound["User"])
    return limited(run, in_memory([render(row, {}, run.select) for row in rows]))


def add_permission(run: Run) -> Result:
    """A new entry; an error if the user has one."""
    mailbox, folder = place(run.tenant, run.bound["Identity"])
    user, rights = _user(run.tenant, run.bound["User"]), _rights(run.bound["AccessRights"])
    known = entries(run.tenant, mailbox, folder)
    if any(entry.user == user for entry in known):
        raise errors.CmdletError(
            _NAMESPACE + "UserAlreadyExistsInPermissionEntryException",
            f"An existing permission entry was found for user: {_shown(run.tenant, user)}.",
        )
    known.append(Entry(user, rights, run.bound.get("SharingPermissionFlags") or "None"))
    return Result([render(_row(run.tenant, folder, known[-1]), {}, run.select)], changed=True)


def set_permission(run: Run) -> Result:
    """Other rights for a user who has an entry."""
    mailbox, folder = place(run.tenant, run.bound["Identity"])
    entry = _entry(run, mailbox, folder)
    rights = _rights(run.bound["AccessRights"])
    flags = run.bound.get("SharingPermissionFlags") or entry.flags
    changed = (entry.rights, entry.flags) != (rights, flags)
    entry.rights, entry.flags = rights, flags
    return Result(changed=changed)


def remove_permission(run: Run) -> Result:
    """One entry fewer."""
    mailbox, folder = place(run.tenant, run.bound["Identity"])
    if run.switch("ResetDelegateUserCollection"):
        return Result(changed=True)
    if not run.bound.get("User"):
        raise errors.missing_parameters("User")
    entries(run.tenant, mailbox, folder).remove(_entry(run, mailbox, folder))
    return Result(changed=True)


def no_entry(user: str) -> errors.CmdletError:
    """The user has none."""
    return errors.CmdletError(
        _NAMESPACE + "UserNotFoundInPermissionEntryException",
        f"There is no existing permission entry found for user: {user}.",
    )


def _entry(run: Run, mailbox: int, folder: int) -> Entry:
    user = _user(run.tenant, run.bound["User"])
    found = [entry for entry in entries(run.tenant, mailbox, folder) if entry.user == user]
    if not found:
        raise no_entry(_shown(run.tenant, user))
    return found[0]


def _user(tenant: Tenant, text: str) -> int | str:
    everyone = next((name for name in _EVERYONE if name.lower() == text.strip().lower()), None)
    return everyone or tenant.directory.find(text)


def _rights(edit: Edit) -> tuple[str, ...]:
    known = {right.lower(): right for right in RIGHTS}
    given = [part.strip() for text in edit.replace or () for part in text.split(",")]
    for right in given:
        if right.lower() not in known:
            raise errors.transformation(
                "AccessRights",
                f"Unable to match the identifier name {right} to a valid enumerator name. Specify one of the "
                f"following enumerator names and try again: {', '.join(RIGHTS)}",
            )
    return tuple(dict.fromkeys(known[right.lower()] for right in given))


def _row(tenant: Tenant, folder: int, entry: Entry) -> Row:
    return {
        "Identity": FOLDERS[folder][0], "FolderName": FOLDERS[folder][0], "User": _shown(tenant, entry.user),
        "AccessRights": list(entry.rights), "SharingPermissionFlags": entry.flags, "IsValid": True,
        "ObjectState": "New",
    }  # fmt: skip


def _shown(tenant: Tenant, user: int | str) -> str:
    if isinstance(user, str):
        return user
    if not tenant.directory.exists(user):
        return f"NT:S-1-5-21-{mix(tenant.people.seed, 7) >> 33}-1417001333-{user}"
    return str(tenant.facts(user)["DisplayName"])


HANDLERS: dict[str, Handler] = {
    "Get-MailboxFolderStatistics": get_statistics,
    "Get-MailboxFolderPermission": get_permission,
    "Add-MailboxFolderPermission": add_permission,
    "Set-MailboxFolderPermission": set_permission,
    "Remove-MailboxFolderPermission": remove_permission,
}
