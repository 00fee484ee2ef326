"""What every cmdlet gets to work with, and what it gives back."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bulkexo.sandbox import errors
from bulkexo.sandbox.directory import Directory
from bulkexo.sandbox.parameters import Bound, Signature
from bulkexo.sandbox.people import Facts, People
from bulkexo.sandbox.settings import Settings
from bulkexo.sandbox.views import Row, completed

Scan = Callable[[int], Iterator[tuple[int, Row]]]
"""From the position after which to go on (0: the start) to (position, object), in a fixed order."""


@dataclass(slots=True)
class Result:
    """What a cmdlet that succeeded gives back.

    value: objects. scan: instead of value, many objects to be given in pages. changed: whether a write
    changed anything, None for a read. result_size: the most objects that were asked for (None: all, and no
    warning about more).
    """

    value: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    changed: bool | None = None
    scan: Scan | None = None
    result_size: int | None = None
    unlimited: bool = False


@dataclass(slots=True)
class Ace:
    """One access control entry. trustee: identifier of a recipient, or the text of something else."""

    trustee: int | str
    rights: tuple[str, ...]
    deny: bool = False
    inherited: bool = False


class Tenant:
    """The state of the pretend tenant; what is not written is made by `people`."""

    def __init__(self, seed: int, mailboxes: int, domain: str, synced: float = 0.0) -> None:
        self.people = People(seed, mailboxes, domain, synced)
        self.directory = Directory(self.people)
        self.domain = domain
        stem = domain.removesuffix(".onmicrosoft.com")
        own = (self.people.main_domain, domain, f"{stem}.mail.onmicrosoft.com")
        self.domains = tuple(dict.fromkeys(own))
        self.settings = Settings(self.directory, frozenset(self.domains))
        self.members: dict[int, list[int]] = {}
        self.mailbox_aces: dict[int, list[Ace]] = {}
        self.recipient_aces: dict[int, list[Ace]] = {}
        self.organization: dict[str, Any] = {}
        self.orders: dict[str, array[int]] = {}
        self.shelves: dict[str, Any] = {}
        self.folder_entries: dict[tuple[int, int], Any] = {}

    def facts(self, identifier: int) -> Facts:
        """All properties of an object that are not defaults."""
        return completed(self.directory.facts(identifier), self.domain)

    def mailbox(self, identity: str, *, removed: bool = False) -> int:
        """The mailbox that `identity` names. Raises CmdletError."""
        return self.directory.find(identity, lambda identifier: identifier > 0, removed=removed)

    def group(self, identity: str) -> int:
        """The distribution group that `identity` names. Raises CmdletError."""
        return self.directory.find(identity, lambda identifier: identifier < 0)

    def write(self, identifier: int, changes: Facts, stamp: str) -> None:
        """Keep changes, with the moment of the change."""
        self.directory.write(identifier, {**changes, "WhenChanged": stamp})


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a cmdlet. select: the properties wanted. stamp: the moment, as the service writes it."""

    tenant: Tenant
    signature: Signature
    bound: Bound
    select: tuple[str, ...] | None
    stamp: str

    def switch(self, name: str) -> bool:
        """Whether a switch is there and true."""
        return bool(self.bound.get(name))

    def has_secret(self) -> bool:
        """Whether a password is to be set: nobody can tell whether it is the one that was."""
        return any(
            value and self.signature.types[name] == "SecureString" for name, value in self.bound.items()
        )


Handler = Callable[[Run], Result]


def unchanged_warning(name: str) -> str:
    """What a Set- cmdlet says that had nothing to do."""
    return f"The command completed successfully but no settings of '{name}' have been modified."


_MASTERED_ELSEWHERE = frozenset(
    {
        "Name", "DisplayName", "SimpleDisplayName", "Alias", "EmailAddresses", "WindowsEmailAddress",
        "MicrosoftOnlineServicesID", "HiddenFromAddressListsEnabled", "GrantSendOnBehalfTo",
        "AcceptMessagesOnlyFrom", "AcceptMessagesOnlyFromDLMembers", "AcceptMessagesOnlyFromSendersOrMembers",
        "RejectMessagesFrom", "RejectMessagesFromDLMembers", "RejectMessagesFromSendersOrMembers",
        "RequireSenderAuthenticationEnabled", "ModeratedBy", "ModerationEnabled",
        *(f"CustomAttribute{i}" for i in range(1, 16)),
        *(f"ExtensionCustomAttribute{i}" for i in range(1, 6)),
    }
)  # fmt: skip
"""What Set-Mailbox cannot change of an object that is synchronised; quotas, holds and the like it can. A
guess, from what Entra Connect is documented to synchronise."""


def check_mastered_here(run: Run, facts: Facts) -> None:
    """Raises CmdletError for a change of what is mastered on-premises (`protocol.md`, "Errors")."""
    if not facts.get("IsDirSynced"):
        return
    cmdlet = run.signature.cmdlet
    given = [name for name in run.bound if name not in {"Identity", "Confirm", "WhatIf", "Force"}]
    refused = [name for name in given if cmdlet == "Set-User" or name in _MASTERED_ELSEWHERE]
    if refused or cmdlet.startswith("Remove-"):
        raise errors.mastered_elsewhere(facts["Name"], cmdlet, ",".join(refused))


def apply_settings(run: Run, identifier: int, template: dict[str, Any]) -> Result:
    """The common way of Set- cmdlets."""
    facts = run.tenant.facts(identifier)
    check_mastered_here(run, facts)
    changes = run.tenant.settings.changes(run.signature, run.bound, identifier, facts, template)
    if not changes and not run.has_secret():
        return Result(warnings=[unchanged_warning(facts["Name"])], changed=False)
    run.tenant.write(identifier, changes, run.stamp)
    return Result(changed=True)
