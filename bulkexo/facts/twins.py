"""The Get- twin of a cmdlet: the read that shows what the cmdlet changes, and where in the answer.

A parameter shows as the property of the same name, but for the exceptions in `shows`; what the reference and
people's scripts say of them is gathered there [guess, each].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Final

from bulkexo.facts import catalogue
from bulkexo.facts.catalogue import Cmdlet
from bulkexo.facts.naming import identity_parameter
from bulkexo.facts.shows import Shown, shown_by, steers
from bulkexo.facts.states import STATES
from bulkexo.model import Value
from bulkexo.wire.cmdlets import verb


class Shape(Enum):
    """What the twin answers."""

    OBJECT = "object"
    """One object, with a property for every parameter."""
    ENTRIES = "entries"
    """Entries of an access list, those of one trustee only; none, or an error that says so
    (`wire.repeat.GONE`), if it has no entry."""
    MEMBERS = "members"
    """All members of a group, an object each."""


@dataclass(frozen=True, slots=True)
class Twin:
    """The read that shows what a cmdlet changes.

    of: that cmdlet; cmdlet: the read. identity: the read's parameter that names the object, "" if it takes
    none. source: the parameter of `of` whose value goes there. also: further parameters of the read, and
    those of `of` that they come from. entry: the parameter of `of` that says whose entry or which
    member is meant.
    shape: what comes back. state: properties, and the value that each has once `of` took effect: for
    cmdlets such as Enable-InboxRule, which take no value.
    """

    of: str
    cmdlet: str
    identity: str = "Identity"
    source: str = "Identity"
    also: Mapping[str, str] = field(default_factory=dict)
    entry: str = ""
    shape: Shape = Shape.OBJECT
    state: Mapping[str, Value] = field(default_factory=dict)

    def question(self, parameters: Mapping[str, Value]) -> dict[str, Value] | None:
        """The parameters of the read for a sending of `of` with these (names as the catalogue spells them);
        None if they do not name the object, or the entry."""
        asked: dict[str, Value] = {}
        if self.identity:
            if not parameters.get(self.source):
                return None
            asked[self.identity] = parameters[self.source]
        if self.entry and self.shape is Shape.ENTRIES and not parameters.get(self.entry):
            return None
        return asked | {name: parameters[own] for name, own in self.also.items() if own in parameters}

    def shown(self, parameter: str) -> Shown | None:
        """Where the value of a parameter of `of` is seen in the answer; None if nowhere, as of a password."""
        return shown_by(self.of, parameter)

    def steers(self, parameter: str) -> bool:
        """Whether the parameter only says how or on what, and is no value: Identity, Confirm, Force."""
        return parameter in (self.source, self.entry, *self.also.values()) or steers(self.of, parameter)

    def properties(self, parameters: Iterable[str]) -> tuple[str, ...]:
        """The properties to select in order to see these parameters; none, which means all, where the answer
        is no single object."""
        if self.shape is not Shape.OBJECT:
            return ()
        found = [shown.property for name in parameters if (shown := self.shown(name)) is not None]
        return tuple(dict.fromkeys([*found, *self.state]))


_MEMBERS: Final = {
    "distributiongroupmember": ("Member", "Members"),
    "rolegroupmember": ("Member", "Members"),
    "unifiedgrouplinks": ("Links", "Links"),
    "compliancecasemember": ("Member", "Members"),
    "ediscoverycaseadmin": ("User", "Users"),
}
"""Nouns of memberships: the parameter of Add- and Remove-, and that of Update-."""

_ENTRIES: Final = {
    "mailboxpermission": "User",
    "mailboxfolderpermission": "User",
    "publicfolderclientpermission": "User",
    "recipientpermission": "Trustee",
}
"""Nouns of access lists: the parameter that names the trustee, of all their cmdlets."""

_PASSED_ON: Final = (
    "Mailbox",
    "LinkType",
    "GroupMailbox",
    "PublicFolder",
    "MailboxLocation",
    "UseCustomRouting",
)
"""Parameters that say where the object is, and go over to the read where it takes them."""

_VERBS: Final = frozenset({"set", "add", "remove", "update", "enable", "disable"})


@lru_cache(maxsize=512)
def twin(cmdlet: str) -> Twin | None:
    """The twin of a Set-, Add-, Remove-, Update-, Enable- or Disable- cmdlet; None if there is none or nobody
    knows it. Of a Remove- of an object it is the read that shows whether the object is there."""
    word, noun = verb(cmdlet), cmdlet.partition("-")[2].lower()
    own, getter = catalogue.cmdlet(cmdlet), catalogue.cmdlet(f"Get-{noun}")
    if word not in _VERBS or own is None or getter is None or getter.rest_only:
        return None
    if word in ("enable", "disable") and not STATES.get(own.name.lower()):
        return None
    source = identity_parameter(own.name)
    identity = getter.parameter(source)
    also = _also(own, getter)
    if noun in _ENTRIES:
        also[_ENTRIES[noun]] = _ENTRIES[noun]
    elif any(parameter.required and parameter.name not in (source, *also) for parameter in getter.parameters):
        return None
    if source and identity is None:
        return None
    return Twin(
        of=own.name,
        cmdlet=getter.name,
        identity=identity.name if identity else "",
        source=source,
        also=also,
        entry=_entry(word, noun),
        shape=_shape(noun),
        state=STATES.get(own.name.lower(), {}),
    )


def _shape(noun: str) -> Shape:
    if noun in _ENTRIES:
        return Shape.ENTRIES
    return Shape.MEMBERS if noun in _MEMBERS else Shape.OBJECT


def _entry(word: str, noun: str) -> str:
    if noun in _ENTRIES:
        return _ENTRIES[noun]
    one, all_of_them = _MEMBERS.get(noun, ("", ""))
    return all_of_them if word == "update" else one


def _also(own: Cmdlet, getter: Cmdlet) -> dict[str, str]:
    return {name: name for name in _PASSED_ON if own.parameter(name) and getter.parameter(name)}
