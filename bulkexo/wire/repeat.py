"""What to do about a cmdlet that was sent, is not harmless twice, and was never answered: the tables.

First choice: send it again where the service itself makes that harmless, and read its complaint that
there is nothing left to do as success, since the first sending did it. Second: ask by the Get- twin
whether the effect is there. All from protocol.md, "Errors: how to read them"; texts in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bulkexo.model import Failure, Value
from bulkexo.wire.cmdlets import verb
from bulkexo.wire.errors import last_part


@dataclass(frozen=True, slots=True)
class Done:
    """How the service says, to a second sending, that the first took effect. why: that twice is harmless."""

    why: str
    types: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()

    def said(self, failure: Failure) -> bool:
        """Whether this error means that."""
        text = failure.message.lower()
        return last_part(failure.type) in self.types or any(part in text for part in self.texts)


MEMBER = Done("a member is one once", frozenset({"MemberAlreadyExistsException"}), ("is already a member",))
ENTRY = Done("an access entry is there once", texts=("access control entry is already present",))
FOLDER = Done(
    "a folder has one entry for a user",
    frozenset({"UserAlreadyExistsInPermissionEntryException"}),
    ("an existing permission entry was found",),
)
CREATED = Done(
    "its name or address can be taken once",
    frozenset(
        {"ProxyAddressExistsException", "WLCDManagedMemberExistsException", "ObjectAlreadyExistsException"}
    ),
    ("already exists", "is already being used", "is already in use"),
)
GONE = Done(
    "what is gone cannot be removed again",
    frozenset(
        {
            "ManagementObjectNotFoundException",
            "MemberNotFoundException",
            "UserNotFoundInPermissionEntryException",
        }
    ),
    ("couldn't be found", "isn't a member", "isn't present on the object", "no existing permission entry"),
)
ABSENT = Done(
    "nothing was done",
    frozenset({"ManagementObjectNotFoundException"}),
    ("couldn't be found", "could not be found"),
)
"""How the service says that an object is not there, or not yet (protocol.md, Status)."""

HARMLESS: Mapping[str, Done] = {
    "add-distributiongroupmember": MEMBER,
    "add-rolegroupmember": MEMBER,
    "add-unifiedgrouplinks": MEMBER,
    "add-mailboxpermission": ENTRY,
    "add-recipientpermission": ENTRY,
    "add-mailboxfolderpermission": FOLDER,
    "new-mailbox": CREATED,
    "new-mailuser": CREATED,
    "new-mailcontact": CREATED,
    "new-distributiongroup": CREATED,
    "new-dynamicdistributiongroup": CREATED,
    "new-transportrule": CREATED,
    "new-rolegroup": CREATED,
    "new-accepteddomain": CREATED,
}
"""Cmdlets that the service lets take effect once only, whatever is sent. A New- of anything that may be
there twice under one name (New-InboxRule, New-UnifiedGroup) is not among them."""

BY_POSITION = frozenset({"remove-inboxrule", "remove-calendarevents", "remove-transportrule"})
"""Remove- cmdlets whose identity can be a position or a period: a second one may hit something else."""

NAMES = ("Identity", "UserPrincipalName", "MicrosoftOnlineServicesID", "PrimarySmtpAddress", "Name")
"""Parameters by which a New- names what it makes, the best first."""


def done_before(cmdlet: str) -> Done | None:
    """How a second sending is answered if the first took effect; None if the service does not see to that."""
    lowered = cmdlet.lower()
    if verb(cmdlet) == "remove" and lowered not in BY_POSITION:
        return GONE
    return HARMLESS.get(lowered)


def question(
    cmdlet: str, identity: str, parameters: Mapping[str, Value]
) -> tuple[str, dict[str, Value]] | None:
    """The Get- cmdlet and its parameters that show whether a New- took effect; None if there is none.

    The object is asked for by the name that the row gives it, in its mailbox if it belongs to one. The
    item's identity can be that mailbox, which says nothing of what is new in it.
    """
    word, _, noun = cmdlet.partition("-")
    named = next((parameters[name] for name in NAMES if parameters.get(name)), None)
    if named is None and "Mailbox" not in parameters:
        named = identity
    if word.lower() != "new" or not named:
        return None
    asked: dict[str, Value] = {"Identity": named}
    if "Mailbox" in parameters:
        asked["Mailbox"] = parameters["Mailbox"]
    return f"Get-{noun}", asked
